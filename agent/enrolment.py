"""The collector that this gateway reports to: `enrolment.json`, written by `enrol`, noticed by a running service."""

from pathlib import Path

import msgspec

from agent.disk import Disk
from agent.errors import StateError
from evidence.enrolment import EnrolmentCode
from evidence.errors import EvidenceError
from evidence.ids import is_id
from evidence.keys import PublicKey

ENROLMENT_FILE = "enrolment.json"


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What the household agreed to.

    Attributes:
        host: The broker's name or address.
        port: Its TCP port.
        tls: Whether it speaks TLS there.
        log: Id of the collector's log, 32 hex digits.
        collector: The collector's public key, hex.
        enrolled_at: When the household agreed, Unix seconds.
    """

    host: str
    port: int
    tls: bool
    log: str
    collector: str
    enrolled_at: int

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


def from_code(code: EnrolmentCode, now: int) -> Enrolment:
    """What is kept of a code: all but its secret."""
    return Enrolment(
        host=code.host, port=code.port, tls=code.tls, log=code.log, collector=code.collector.hex(), enrolled_at=now
    )


def load(state_dir: Path) -> Enrolment | None:
    """The enrolment, or None before there is one.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    path = state_dir / ENROLMENT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Enrolment)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is damaged ({error}); enrol again with a new code") from error
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}; run as the owner of {state_dir}") from error


def save(state_dir: Path, enrolment: Enrolment) -> None:
    """Remember the collector.

    Raises:
        StateError: It cannot be written.
    """
    path = state_dir / ENROLMENT_FILE
    try:
        Disk().replace(path, msgspec.json.format(msgspec.json.encode(enrolment), indent=1))
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error
