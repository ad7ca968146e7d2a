"""The collector that this gateway reports to: `enrolment.json`, noticed by a running service when it changes.

What `enrol` agrees to is kept apart, as `enrolment.pending.json`, until the collector has given a receipt for it: a
code that is refused must not cost the collector that works.
"""

import logging
from pathlib import Path

import msgspec

from agent.disk import Disk
from agent.errors import StateError
from agent.spool import Spool
from evidence.enrolment import EnrolmentCode
from evidence.errors import EvidenceError
from evidence.ids import is_id
from evidence.keys import PublicKey

log = logging.getLogger(__name__)

ENROLMENT_FILE, PENDING_FILE = "enrolment.json", "enrolment.pending.json"


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the household agreed to.

    Attributes:
        host: The broker's name or address.
        port: Its TCP port.
        tls: Whether it speaks TLS there.
        log: Id of the collector's log, 32 hex digits.
        collector: The collector's public key, hex.
        enrolled_at: When the household agreed, Unix seconds.
        statement: Digest of the enrolment that was signed for it, hex.
    """

    host: str
    port: int
    tls: bool
    log: str
    collector: str
    enrolled_at: int
    statement: str = ""

    def __post_init__(self) -> None:
        if not is_id(self.log):
            raise ValueError("log is no 32 hex digits")
        try:
            PublicKey(bytes.fromhex(self.collector))
        except EvidenceError as error:
            raise ValueError(f"collector: {error}") from error

    @property
    def key(self) -> PublicKey:
        """Checks what the collector signs."""
        return PublicKey(bytes.fromhex(self.collector))


def from_code(code: EnrolmentCode, statement: str, now: int) -> Enrolment:
    """What is kept of a code: all but its secret."""
    return Enrolment(
        host=code.host,
        port=code.port,
        tls=code.tls,
        log=code.log,
        collector=code.collector.hex(),
        enrolled_at=now,
        statement=statement,
    )


def load(state_dir: Path) -> Enrolment | None:
    """The enrolment, or None before there is one.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    return _load(state_dir / ENROLMENT_FILE)


def pending(state_dir: Path) -> Enrolment | None:
    """The enrolment that waits for its receipt, or None.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    return _load(state_dir / PENDING_FILE)


def propose(state_dir: Path, enrolment: Enrolment) -> None:
    """Remember the collector that the household agreed to, until it has answered.

    Raises:
        StateError: It cannot be written.
    """
    path = state_dir / PENDING_FILE
    try:
        Disk().replace(path, msgspec.json.format(msgspec.json.encode(enrolment), indent=1))
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error


def settle(state_dir: Path, spool: Spool) -> None:
    """Report to the pending collector from now on if its receipt is there; forget it if it refused.

    Raises:
        StateError: The files cannot be read or changed.
        SpoolError: The spool cannot be read.
    """
    proposed = pending(state_dir)
    if proposed is None or any(entry.digest == proposed.statement for entry in spool.entries()):
        return
    disk, path = Disk(), state_dir / PENDING_FILE
    accepted = spool.kept.holds(proposed.statement)
    try:
        if accepted:
            disk.rename(path, state_dir / ENROLMENT_FILE)
        else:
            disk.remove(path)
        disk.sync(state_dir)
    except FileNotFoundError:
        return  # another process has seen the answer too
    except OSError as error:
        raise StateError(f"{path} cannot be moved: {error.strerror}") from error
    log.log(
        logging.INFO if accepted else logging.WARNING, "enrolment_settled log=%s accepted=%s", proposed.log, accepted
    )


def anew(state_dir: Path) -> str:
    """What the household of a revoked gateway can do."""
    return (
        f"your home can go on as a new gateway: stop the service, move {state_dir} elsewhere (it stays evidence), "
        "start the service and enrol"
    )


def _load(path: Path) -> Enrolment | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Enrolment)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is damaged ({error}); enrol again with a new code") from error
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}; run as the owner of {path.parent}") from error
