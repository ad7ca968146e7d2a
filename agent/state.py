"""What the agent remembers between two starts: `state.json`, rewritten whole and atomically.

Only the process that holds the lock of the state directory writes it. It is never ahead of the spool: what was signed
is in the spool first, so after a crash the spool's numbers correct this file (`Remembered.recover`), never the other
way round. An `inventory` of None means that the next report must carry all devices.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agent.disk import Disk
from agent.errors import StateError

STATE_FILE, LOCK_FILE = "state.json", "lock"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The largest tree head that a receipt showed."""

    log: str
    size: int
    root: str
    signed_at: int


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """The log that the collector shows is not the one that it receipted.

    Attributes:
        size: Leaves under the head that it does not continue.
        root: Of that head, hex.
        noticed_at: By the collector's clock, Unix seconds.
        sequence: The last report that was signed before it was told; 0 until a report has named the lost head.
    """

    size: int
    root: str
    noticed_at: int
    sequence: int = 0


class LastRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """What was refused last, for `status`."""

    kind: str
    reason: str
    refused_at: int


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no session with the broker: `broker`, `tls`, `publish` or `credential`, and what to do."""

    code: str
    detail: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered.

    Attributes:
        sequence: Number of the last report that was signed, 0 before the first.
        previous: SHA-256 of its signed bytes, hex.
        inventory: Inventory digest that it stands for, hex; None: the next report carries all devices.
        reports_to: Log of the collector that was told the inventory.
        reported_at: When it was signed, Unix seconds by this gateway's clock.
        known: Identities that each source knew in its last good round.
        head: The newest tree head seen; stays while it is in doubt.
        named_at: When a report last named it, by this gateway's clock.
        named_by: The number of that report; 0 where it is not known.
        doubt: Why the next report must name it; None where nothing is wrong.
        fork: The last fork of the log.
        receipted_at: When the last receipt came.
        refusal: The last refusal.
        trouble: Why there is no session with the collector's broker.
        counts: Events since the first start: `receipts`, `refused_<reason>`, `junk`, `forks`.
    """

    sequence: int = 0
    previous: str | None = None
    inventory: str | None = None
    reports_to: str | None = None
    reported_at: int | None = None
    known: dict[str, tuple[str, ...]] = {}
    head: Head | None = None
    named_at: int | None = None
    named_by: int = 0
    doubt: str | None = None
    fork: Fork | None = None
    receipted_at: int | None = None
    refusal: LastRefusal | None = None
    trouble: Trouble | None = None
    counts: dict[str, int] = {}


class Remembered:
    """The state in memory and on the disk.

    Raises:
        StateError: The file is damaged.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / STATE_FILE
        self._disk = Disk()
        self.state = load(state_dir)

    def update(self, **changes: Any) -> None:
        """Change the state and save it.

        Raises:
            StateError: It cannot be saved. In memory it is changed all the same, and saved with the next change.
        """
        self.state = msgspec.structs.replace(self.state, **changes)
        try:
            self._disk.replace(self._path, msgspec.json.format(msgspec.json.encode(self.state), indent=1))
        except OSError as error:
            raise StateError(f"{self._path} cannot be saved: {error.strerror}; free some room on the disk") from error

    def count(self, event: str) -> None:
        """Count an event; it is saved with the next change, so that nobody can wear out the disk with junk."""
        counts = {**self.state.counts, event: self.state.counts.get(event, 0) + 1}
        self.state = msgspec.structs.replace(self.state, counts=counts)

    def recover(self, sequence: int, previous: str) -> None:
        """Take over the number of a report that was signed, but not yet remembered, when the agent died.

        Args:
            sequence: The highest number in the spool and among what was answered.
            previous: Digest of that report, hex.
        """
        if sequence > self.state.sequence:
            self.update(sequence=sequence, previous=previous, inventory=None)


def load(state_dir: Path) -> State:
    """What is remembered; nothing, before the first save.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    path = state_dir / STATE_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(
            f"{path} is damaged ({error}); restore it, or remove it: "
            "the agent then goes on from the numbers in spool, kept and refused"
        ) from error
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}; run as the owner of {state_dir}") from error


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Hold the state directory: one process signs and publishes at a time.

    Raises:
        StateError: Another process holds it.
    """
    descriptor = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateError(f"{state_dir} is in use by another updateplicht-agent; end that one first") from error
        yield
    finally:
        os.close(descriptor)


def is_locked(state_dir: Path) -> bool:
    """Whether an agent is running here."""
    try:
        with locked(state_dir):
            return False
    except StateError:
        return True
    except OSError:
        return False


def counted(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The counts whose name begins so, without that beginning."""
    return {name.removeprefix(prefix): count for name, count in sorted(counts.items()) if name.startswith(prefix)}
