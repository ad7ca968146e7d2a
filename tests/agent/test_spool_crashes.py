"""The spool loses power between any two steps of writing, and what was promised is still there."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.disk import Disk
from agent.spool import Kind, Spool

MAX_BYTES = 12 * 4096
KINDS = st.sampled_from(list(Kind))
STATEMENTS = frozenset({Kind.ENROLMENT, Kind.STATEMENT})


class PowerCut(BaseException):
    """The lights go out."""


class FailingDisk(Disk):
    """A disk that loses power after so many steps, and with it the last steps whose directory was not synced."""

    def __init__(self) -> None:
        self.steps_left: int | None = None
        self._undo: list[tuple[Path, Callable[[], object]]] = []

    def create(self, path: Path, data: bytes) -> None:
        """Write, or write half."""
        if self._is_cut():
            path.write_bytes(data[: len(data) // 2])
            raise PowerCut
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(data)
        self._undo.append((path.parent, lambda: _restore(path, before)))

    def rename(self, source: Path, target: Path) -> None:
        """Rename."""
        self._cut_or_go_on()
        before = target.read_bytes() if target.exists() else None
        source.rename(target)

        def undo() -> None:
            target.rename(source)
            _restore(target, before)

        self._undo.append((target.parent, undo))

    def remove(self, path: Path) -> None:
        """Remove."""
        self._cut_or_go_on()
        before = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        self._undo.append((path.parent, lambda: _restore(path, before)))

    def sync(self, directory: Path) -> None:
        """From now on the names in this directory stay."""
        self._cut_or_go_on()
        done = max((place for place, (at, _) in enumerate(self._undo) if at == directory), default=-1)
        del self._undo[: done + 1]

    def lose(self, most: int) -> None:
        """Forget the last steps that no sync has confirmed, at most so many."""
        for _, undo in self._undo[::-1][:most]:
            undo()
        self._undo.clear()

    def _is_cut(self) -> bool:
        if self.steps_left is not None:
            self.steps_left -= 1
        return self.steps_left is not None and self.steps_left < 0

    def _cut_or_go_on(self) -> None:
        if self._is_cut():
            raise PowerCut


def _restore(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(data)


class SpoolMachine(RuleBasedStateMachine):
    """Messages come and are answered while the power fails; the model is what the spool has promised."""

    @initialize()
    def start(self) -> None:
        """An empty state directory."""
        self.folder = tempfile.TemporaryDirectory()  # closed in teardown
        self.disk = FailingDisk()
        self.promised: dict[str, tuple[Kind, bytes]] = {}  # in order, by digest
        self.in_doubt: set[str] = set()  # being put or settled when the power went
        self.settled: dict[str, bytes] = {}
        self.sequence = 0
        self.made = 0
        self.crashed = False
        self.dropped = 0
        self.open()

    def open(self) -> None:
        """Start anew on the same directory."""
        self.spool = Spool(Path(self.folder.name), max_bytes=MAX_BYTES, max_age_s=10**9, disk=self.disk)

    def survive(self, lost_steps: int) -> None:
        """Power comes back."""
        self.disk.steps_left = None
        self.disk.lose(lost_steps)
        self.crashed = True
        self.open()

    def attempt(self, step: Callable[[], None], lost_steps: int) -> bool:
        """Do it; whether the power held."""
        try:
            step()
        except PowerCut:
            self.survive(lost_steps)
            return False
        return True

    def _make(self, kind: Kind, size: int) -> tuple[bytes, int]:
        self.made += 1
        number = 0 if kind in STATEMENTS else max(self.sequence, self.spool.last_signed()[0]) + 1
        return f"{kind} {number} {self.made} ".encode() + bytes(size), number

    @rule(kind=KINDS, size=st.integers(1, 9000), cut=st.none() | st.integers(0, 12), lost=st.integers(0, 8))
    def put(self, kind: Kind, size: int, cut: int | None, lost: int) -> None:
        """Take a message in, the power failing after some steps or not."""
        data, number = self._make(kind, size)
        digest = hashlib.sha256(data).hexdigest()
        before = {entry.digest for entry in self.spool.entries()}
        self.disk.steps_left = cut
        if self.attempt(lambda: self.spool.put(kind, data, now=1000, sequence=number), lost):
            self.promised[digest] = (kind, data)
            self.sequence = max(self.sequence, number)
        else:
            self.in_doubt.add(digest)
        self.disk.steps_left = None
        self._note_losses(before)

    @precondition(lambda self: self.promised)
    @rule(place=st.integers(0, 20), cut=st.none() | st.integers(0, 8), lost=st.integers(0, 8), refused=st.booleans())
    def settle(self, place: int, cut: int | None, lost: int, refused: bool) -> None:
        """A receipt or a refusal comes for a message."""
        entries = self.spool.entries()
        if not entries:
            return
        entry = entries[place % len(entries)]
        answer = b"answer to " + entry.digest.encode()
        self.disk.steps_left = cut
        file = self.spool.refuse if refused else self.spool.keep
        whole = self.attempt(lambda: file(entry, answer), lost)
        self.disk.steps_left = None
        self.promised.pop(entry.digest, None)
        self.in_doubt.discard(entry.digest)
        if whole:
            self.settled[entry.digest] = answer
        else:
            self._check_either_here_or_filed(entry.digest, answer)

    def _check_either_here_or_filed(self, digest: str, answer: bytes) -> None:
        filed = [item for box in (self.spool.kept, self.spool.refused) for item in box.answered()]
        paths = [item.path for item in filed if item.digest == digest]
        waits = [entry for entry in self.spool.entries() if entry.digest == digest]
        assert len(paths) + len(waits) == 1
        for path in paths:
            answers = [path.with_suffix(end) for end in (".receipt", ".refusal")]
            assert answer in [file.read_bytes() for file in answers if file.exists()]
        if waits:
            self.in_doubt.add(digest)

    def _note_losses(self, before: set[str]) -> None:
        """What had to go for lack of room is out of the promise, and was counted."""
        here = {entry.digest for entry in self.spool.entries()}
        gone = {digest for digest in before - here if digest in self.promised or digest in self.in_doubt}
        for digest in gone:
            assert self.promised.get(digest, (Kind.WHOLE,))[0] not in STATEMENTS
            self.promised.pop(digest, None)
            self.in_doubt.discard(digest)
        self.dropped += len(gone)

    @invariant()
    def keeps_its_promise(self) -> None:
        """Every promised message waits, whole and in order; nothing else but what was in doubt."""
        entries = self.spool.entries()
        there = [entry.digest for entry in entries]
        assert [digest for digest in there if digest in self.promised] == list(self.promised)
        assert set(there) <= set(self.promised) | self.in_doubt
        for entry in entries:
            data = self.spool.read(entry)
            assert data is not None
            assert entry.digest not in self.promised or data == self.promised[entry.digest][1]

    @invariant()
    def never_gives_a_number_twice(self) -> None:
        """The next number is above all that were signed and not dropped."""
        numbers = [entry.sequence for entry in self.spool.entries() if entry.sequence]
        assert len(numbers) == len(set(numbers))

    @invariant()
    def stays_within_its_bound(self) -> None:
        """Reports never take more than the bound."""
        reports = [entry.size for entry in self.spool.entries() if entry.kind not in STATEMENTS]
        assert sum(reports) <= MAX_BYTES

    @invariant()
    def counts_every_loss(self) -> None:
        """Without a crash the count is exact; a crash in the middle of a loss may cost its count."""
        counted = self.spool.losses().get("full", 0)
        assert counted == self.dropped or self.crashed

    def teardown(self) -> None:
        """Remove the state directory."""
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
