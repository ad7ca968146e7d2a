"""Store and forward: what was signed waits here, one file each, until the collector's answer to it was checked.

- A message is on the disk, bytes and name, when `put` returns; only then may it be sent. Its name carries its place in
  the order, its kind, its number and the SHA-256 of its bytes, so a file that was cut is never taken for a message.
- It leaves by `keep` (receipt) or `refuse` (refusal), which file it with the answer.
- Bounds: `max_bytes` on the disk and `max_age_s`. What goes first when full: reports without devices (they say that
  nothing had changed), oldest first; then reports with devices, oldest first. Statements never go. Each loss is logged
  and counted in `losses.json`, and its number stays a visible gap.
- Age is what the spool has lived through: between two messages at most a few days are counted, so that a clock that
  jumps ten years ahead throws nothing away.
- A full disk: a ballast file, made when there was room, is given up for the next messages; after that the policy above
  makes room. Deleting needs none.
- Several processes may use one spool (`enrol` beside a running service): each change holds a lock and looks anew.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from agent.archive import Archive
from agent.disk import NO_ROOM, Disk, is_unfinished, make_private
from agent.errors import SpoolError

log = logging.getLogger(__name__)

KEPT, REFUSED = "kept", "refused"
_FOLDER, _LOSSES = "spool", "losses.json"
REFUSED_KEPT = 500  # messages; enough to see what went wrong, and a bound
_BALLAST_BYTES = 512 * 1024  # two of the largest messages
_BLOCK = 4096  # bytes; what a small file really takes
_STEP_S = 3 * 86400  # the most that counts as age between two messages
_NAME = re.compile(r"(\d{12})\.(enrolment|statement|whole|unchanged)\.(\d+)\.([0-9a-f]{64})")


class Kind(StrEnum):
    """What a message is, by what its loss would cost."""

    ENROLMENT = "enrolment"  # a statement too, for the collector that is asked and no other
    STATEMENT = "statement"
    WHOLE = "whole"  # a report with devices
    UNCHANGED = "unchanged"  # a report without


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits.

    Attributes:
        order: Its place; lower leaves first.
        kind: What it is.
        sequence: The number of a report, 0 for a statement.
        digest: SHA-256 of its bytes, hex.
        path: Its file.
        size: What it takes on the disk, bytes.
        put_at: When it came here, Unix seconds.
    """

    order: int
    kind: Kind
    sequence: int
    digest: str
    path: Path
    size: int
    put_at: int

    @property
    def leaf(self) -> str:
        """The last level of its topic."""
        return "report" if self.kind in {Kind.WHOLE, Kind.UNCHANGED} else "statement"


class Spool:
    """The messages that wait in one state directory.

    Raises:
        SpoolError: The directory cannot be made or read.
    """

    def __init__(self, state_dir: Path, *, max_bytes: int, max_age_s: int, disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self.state_dir = state_dir
        self._directory = state_dir / _FOLDER
        self._damaged = self._directory / "damaged"
        self._ballast = self._directory / "ballast"
        self._losses = self._directory / _LOSSES
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self.kept = Archive(state_dir / KEPT, answer="receipt", most=None, disk=self._disk)
        self.refused = Archive(state_dir / REFUSED, answer="refusal", most=REFUSED_KEPT, disk=self._disk)
        try:
            for directory in (self._directory, self._damaged, self.kept.directory, self.refused.directory):
                make_private(directory)
        except OSError as error:
            raise SpoolError(f"{error.filename}: {error.strerror}; it must be writable for this user") from error
        with self._changing():
            self._set_unfinished_aside()
            self._make_ballast()

    def entries(self) -> Sequence[Entry]:
        """What waits, in order.

        Raises:
            SpoolError: The directory cannot be read.
        """
        try:
            return _scan(self._directory)
        except OSError as error:
            raise SpoolError(f"{self._directory} cannot be read: {error.strerror}") from error

    def put(self, kind: Kind, data: bytes, *, now: int, sequence: int = 0) -> None:
        """Take a message in; it is on the disk when this returns.

        Args:
            kind: What it is.
            data: Its signed bytes. The same bytes are taken once.
            now: Unix seconds.
            sequence: The number of a report.

        Raises:
            SpoolError: There is no room, whatever goes.
        """
        digest = hashlib.sha256(data).hexdigest()
        with self._changing():
            entries = self.entries()
            if any(entry.digest == digest for entry in entries):
                return
            order = 1 + max((entry.order for entry in entries), default=0)
            path = self._directory / f"{order:012}.{kind}.{sequence}.{digest}"
            self._trim(room=_on_disk(len(data)), now=now)
            self._write(path, data)
            os.utime(path, (now, now))

    def withdraw(self, kind: Kind) -> None:
        """Let go, unsent, of what waits of one kind.

        Raises:
            SpoolError: The disk does not let go.
        """
        with self._changing():
            for entry in self.entries():
                if entry.kind is kind:
                    self._disk.remove(entry.path)

    def trim(self, now: int) -> None:
        """Hold the bounds, and renew the ballast where there is room again.

        Raises:
            SpoolError: The disk does not even let go.
        """
        with self._changing():
            self._trim(room=0, now=now)
            self._make_ballast()

    def read(self, entry: Entry) -> bytes | None:
        """The bytes of a message, or None where it has gone: released by another process, or damaged and set aside."""
        try:
            data = entry.path.read_bytes()
            if hashlib.sha256(data).hexdigest() == entry.digest:
                return data
            with self._changing():
                self._lose(entry, "damaged")
        except FileNotFoundError:
            pass
        except (OSError, SpoolError) as error:
            log.error("spool_unreadable file=%s error=%s", entry.path.name, error)  # noqa: TRY400  # it says all
        return None

    def keep(self, entry: Entry, receipt: bytes) -> None:
        """File a message with its checked receipt: the buyer's copy.

        Raises:
            SpoolError: The disk does not take it; the message stays.
        """
        self._settle(entry, receipt, self.kept)

    def refuse(self, entry: Entry, refusal: bytes) -> None:
        """File a message with its checked refusal.

        Raises:
            SpoolError: The disk does not take it; the message stays.
        """
        self._settle(entry, refusal, self.refused)

    def losses(self) -> dict[str, int]:
        """How many messages were lost, by cause: `full`, `disk_full`, `age`, `damaged`."""
        return _counts(self._losses)

    def last_waiting(self) -> tuple[int, str]:
        """Number and digest of the report with the highest number that waits; number 0 where none does."""
        return max(((entry.sequence, entry.digest) for entry in self.entries()), default=(0, ""))

    def last_signed(self) -> tuple[int, str]:
        """Number and digest of the report with the highest number that is or was here; number 0 before the first."""
        answered = [(item.sequence, item.digest) for box in (self.kept, self.refused) for item in box.answered()]
        return max([self.last_waiting(), *answered])

    def _settle(self, entry: Entry, answer: bytes, archive: Archive) -> None:
        with self._changing():
            if entry.path.exists():
                archive.take(entry.path, entry.leaf, entry.sequence, entry.digest, answer)

    def _trim(self, *, room: int, now: int) -> None:
        for entry in _too_old(self.entries(), self._max_age_s, now):
            self._lose(entry, "age")
        left = self.entries()
        excess = sum(entry.size for entry in left) + room - self._max_bytes
        for entry in _first_to_go(left):
            if excess <= 0:
                break
            self._lose(entry, "full")
            excess -= entry.size

    def _write(self, path: Path, data: bytes) -> None:
        """Write a message; on a full disk give up the ballast, then what may go, until it fits."""
        droppable = iter(_first_to_go(self.entries()))
        while True:
            try:
                return self._disk.replace(path, data)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                if self._ballast.exists():
                    log.warning("disk_full ballast=given_up")
                    self._disk.remove(self._ballast)
                elif (victim := next(droppable, None)) is not None:
                    self._lose(victim, "disk_full")
                else:
                    raise

    def _lose(self, entry: Entry, cause: str) -> None:
        log.error("spool_loss cause=%s kind=%s sequence=%s digest=%s", cause, entry.kind, entry.sequence, entry.digest)
        if cause == "damaged":
            self._disk.rename(entry.path, self._damaged / entry.path.name)
        else:
            self._disk.remove(entry.path)
        losses = self.losses()
        with contextlib.suppress(OSError):  # on a full disk the log line has to do until the next loss
            self._disk.replace(self._losses, msgspec.json.encode({**losses, cause: losses.get(cause, 0) + 1}))

    def _set_unfinished_aside(self) -> None:
        for path in self._directory.iterdir():
            if is_unfinished(path):
                log.warning("unfinished_file_set_aside file=%s", path.name)
                self._disk.rename(path, self._damaged / path.name)

    def _make_ballast(self) -> None:
        if not self._ballast.exists():
            try:
                self._disk.replace(self._ballast, bytes(_BALLAST_BYTES))
            except OSError as error:
                log.warning("no_ballast error=%s", error.strerror)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the spool's lock; what the disk says becomes a SpoolError."""
        try:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            place = error.filename or self._directory
            raise SpoolError(f"{place}: {error.strerror}; it must be writable and have room") from error


def waiting(state_dir: Path) -> Sequence[Entry]:
    """What waits in a state directory, in order; looks and touches nothing."""
    try:
        return _scan(state_dir / _FOLDER)
    except FileNotFoundError:
        return ()


def losses(state_dir: Path) -> dict[str, int]:
    """What was lost in a state directory; looks and touches nothing."""
    return _counts(state_dir / _FOLDER / _LOSSES)


def _scan(directory: Path) -> list[Entry]:
    with os.scandir(directory) as found:
        entries = [entry for item in found if (entry := _entry(item)) is not None]
    return sorted(entries, key=lambda entry: (entry.order, entry.digest))


def _counts(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def _entry(item: os.DirEntry[str]) -> Entry | None:
    match = _NAME.fullmatch(item.name)
    if match is None:
        return None
    try:
        found = item.stat()
    except FileNotFoundError:  # released by another process since the directory was read
        return None
    return Entry(
        order=int(match[1]),
        kind=Kind(match[2]),
        sequence=int(match[3]),
        digest=match[4],
        path=Path(item.path),
        size=_on_disk(found.st_size),
        put_at=int(found.st_mtime),
    )


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _first_to_go(entries: Sequence[Entry]) -> list[Entry]:
    """What may go, in the order in which it goes."""
    by_kind = {kind: [entry for entry in entries if entry.kind is kind] for kind in Kind}
    return by_kind[Kind.UNCHANGED] + by_kind[Kind.WHOLE]


def _too_old(entries: Sequence[Entry], max_age_s: int, now: int) -> list[Entry]:
    age, later, old = 0, now, []
    for entry in reversed(entries):
        age += min(max(0, later - entry.put_at), _STEP_S)
        later = entry.put_at
        if age > max_age_s and entry.leaf == "report":
            old.append(entry)
    return old[::-1]
