"""The agent follows the collector's log by its heads, and a log that is not the one it knew is never taken silently."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from agent import forks, keys
from agent.forks import LogWatch
from agent.spool import Kind
from agent.state import Head, Remembered, State
from evidence import cose, report
from evidence.receipt import Receipt, open_receipt
from evidence.report import Report, SeenHead
from tests.world.disks import open_spool
from tests.world.witness import Witness

NOW = 1_800_000_000
WEEK = 7 * 86_400


class House:
    """A gateway whose messages are answered by hand."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.identity = keys.load_or_create(directory)
        self.spool = open_spool(directory)
        self.remembered = Remembered(directory)
        self.asked = 0
        self.watch = LogWatch(self.spool, self.remembered, self._ask)

    def _ask(self) -> None:
        self.asked += 1

    @property
    def state(self) -> State:
        return self.remembered.state

    def sign(self, *, named: SeenHead | None = None) -> bytes:
        """The next report, in the spool."""
        number = self.state.sequence + 1
        made = Report(gateway=self.identity.gateway, sequence=number, issued_at=NOW, inventory=bytes(32), head=named)
        data = report.sign(made, self.identity.key)
        self.spool.put(Kind.UNCHANGED, data, now=NOW, sequence=number)
        self.remembered.update(sequence=number)
        return data

    def answer(self, collector: Witness, data: bytes, *, later_s: int = 0) -> Receipt:
        """Take the collector's receipt for it."""
        bytes_ = collector.receipt(data)
        receipt = open_receipt(bytes_, collector.key.public)
        receipt = msgspec.structs.replace(receipt, signed_at=receipt.signed_at + later_s)
        digest = hashlib.sha256(data).hexdigest()
        self.spool.keep(next(entry for entry in self.spool.entries() if entry.digest == digest), bytes_)
        self.watch.take(receipt, data, collector.key.public)
        return receipt

    def report(self, collector: Witness, *, later_s: int = 0) -> Receipt:
        """Sign what is due and take its receipt."""
        return self.answer(collector, self.sign(named=forks.head_to_name(self.state, NOW)), later_s=later_s)

    def again(self) -> list[int]:
        """Numbers of the reports that wait to be sent again."""
        return [entry.sequence for entry in self.spool.entries()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One gateway."""
    return House(tmp_path)


def head_of(receipt: Receipt) -> Head:
    return Head(log=receipt.log, size=receipt.size, root=receipt.root.hex(), signed_at=receipt.signed_at)


def test_a_log_that_grows_is_followed(house: House) -> None:
    """Each head that continues the last is the new one; nothing is doubted."""
    collector = Witness(0)
    for _ in range(5):
        receipt = house.report(collector)
        assert house.state.head == head_of(receipt)
    assert (house.state.doubt, house.state.fork, house.asked) == (None, None, 0)


@pytest.mark.parametrize(
    ("named_at", "doubt", "is_named"),
    {
        "never named": (None, None, True),
        "named today": (NOW - 86_400, None, False),
        "named a week ago": (NOW - WEEK, None, True),
        "named in the future, by a clock that was wrong": (NOW + 5, None, True),
        "named today, and in doubt": (NOW - 86_400, "shrunk", True),
    }.values(),
)
def test_a_head_is_named_once_a_week_and_in_doubt(named_at: int | None, doubt: str | None, *, is_named: bool) -> None:
    """It costs the collector a proof."""
    head = Head(log="5" * 32, size=4, root="ab" * 32, signed_at=NOW)
    named = forks.head_to_name(State(head=head, named_at=named_at, doubt=doubt), NOW)
    assert named == (SeenHead(log="5" * 32, size=4, root=b"\xab" * 32) if is_named else None)
    assert forks.head_to_name(State(named_at=named_at, doubt=doubt), NOW) is None


@pytest.mark.parametrize(
    ("unanswered", "is_named"),
    {
        "all reports are answered": ((), False),
        "one waits, and names no head": ((6,), True),
        "several wait, and one of them names it": ((5, 6), False),
    }.values(),
)
def test_a_head_is_named_by_one_of_those_that_wait(unanswered: tuple[int, ...], *, is_named: bool) -> None:
    """The collector may come back as another, and what waited would hide that."""
    head = Head(log="5" * 32, size=4, root="ab" * 32, signed_at=NOW)
    named = forks.head_to_name(State(head=head, named_at=NOW, named_by=5), NOW, unanswered)
    assert (named is not None) == is_named


def test_a_restored_collector_that_what_waited_carries_past_the_head_is_found_out(house: House) -> None:
    """The answers to what was signed while it was away show more leaves than before, and nothing else."""
    collector = Witness(0)
    for _ in range(4):
        house.report(collector)
    collector.forget(2)
    waiting = [house.sign()]
    waiting += [house.sign(named=forks.head_to_name(house.state, NOW, {5})), house.sign(), house.sign()]
    for data in waiting:
        collector.receipt(data)  # one batch; its receipts show the head over all of it
    for data in (*waiting[2:], waiting[0]):
        house.answer(collector, data, later_s=10)
    assert house.state.fork is None
    house.answer(collector, waiting[1], later_s=10)
    assert house.state.fork is not None


def test_a_log_that_lost_leaves_is_doubted_then_found_out(house: House) -> None:
    """First one report more is asked for, its receipt tells; what was lost is sent again, and the old receipts stay."""
    collector = Witness(0)
    for _ in range(6):
        house.report(collector)
    lost = house.state.head
    collector.forget(3)
    house.answer(collector, house.sign(), later_s=10)
    assert (house.state.doubt, house.asked, house.state.fork) == ("shrunk", 1, None)
    assert (house.state.head, house.state.inventory) == (lost, None)

    receipt = house.report(collector, later_s=20)
    assert lost is not None
    assert house.state.fork is not None
    assert (house.state.fork.size, house.state.fork.root, house.state.fork.sequence) == (lost.size, lost.root, 8)
    assert (house.state.doubt, house.state.counts["forks"]) == (None, 1)
    assert house.state.head == head_of(receipt)
    assert house.again() == [4, 5, 6, 7]
    for number in (4, 5, 6, 7):
        entry = next(entry for entry in house.spool.entries() if entry.sequence == number)
        data = house.spool.read(entry)
        assert data is not None
        house.answer(collector, data, later_s=30)
    assert len(list((house.directory / "kept").glob("*.earlier-receipt"))) == 4
    house.report(collector, later_s=40)
    assert (house.state.counts["forks"], house.state.doubt) == (1, None)


def test_a_fork_that_has_overgrown_the_old_log_is_found_out(house: House) -> None:
    """More leaves than before, and another history: the earlier root that the receipt shows tells."""
    collector = Witness(0)
    for _ in range(4):
        house.report(collector)
    collector.forget(3)
    for number in range(9):
        collector.receipt(b"%d" % number)
    house.remembered.update(named_at=None)
    receipt = house.report(collector)
    assert receipt.earlier is not None
    assert house.state.fork is not None
    assert house.state.head == head_of(receipt)


def test_two_roots_of_one_size_are_a_fork_at_once_and_told_with_the_next_report(house: House) -> None:
    """Both heads are signed, so nothing has to be asked; the head that was held is named all the same."""
    collector, twin = Witness(0), Witness(0)
    twin.log, twin.key = collector.log, collector.key
    house.report(collector)
    twin.receipt(b"")
    twin.forget(1)
    house.answer(twin, house.sign())
    assert (house.state.counts["forks"], house.state.doubt, house.asked) == (1, "two_roots", 1)
    house.report(twin)
    assert (house.state.counts["forks"], house.state.doubt) == (1, None)


def test_a_collector_that_shows_no_proof_is_doubted_until_it_does(house: House) -> None:
    """It is asked once at once, then with every report; never taken silently, never a fork by that alone."""
    collector = Witness(0)
    house.report(collector)
    data = house.sign(named=forks.head_to_name(house.state, NOW))
    receipt = open_receipt(collector.receipt(data), collector.key.public)
    held = house.state.head
    house.watch.take(msgspec.structs.replace(receipt, earlier=None), data, collector.key.public)
    assert (house.state.doubt, house.state.head, house.asked) == ("no_proof", held, 1)
    house.watch.take(msgspec.structs.replace(receipt, earlier=None), data, collector.key.public)
    assert house.asked == 1
    house.report(collector)
    assert (house.state.doubt, house.state.fork) == (None, None)


def test_another_log_is_no_fork(house: House) -> None:
    """A gateway that reports to another collector begins anew with it."""
    house.report(Witness(0))
    receipt = house.report(Witness(0))
    assert house.state.head == head_of(receipt)
    assert (house.state.fork, house.state.doubt) == (None, None)


def test_bytes_that_are_no_report_name_nothing() -> None:
    """A statement, junk, nothing."""
    key = Witness(0).key
    for data in (None, b"", b"\xd2", cose.sign(b"\xa0", key, "application/vnd.updateplicht.statement+cbor")):
        assert forks.named_in(data) == (0, None)
