"""Nothing leaves the spool but for the collector's checked word; real Mosquitto, real receipts."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent import keys
from agent.config import BrokerSettings
from agent.enrolment import Enrolment, load
from agent.errors import BrokerError, StateError
from agent.publisher import Pace, Publisher, Session
from agent.service import connector
from agent.spool import Kind
from agent.state import Remembered
from evidence import enrolment as evidence_enrolment
from evidence import report
from evidence.receipt import Request, sign_request
from evidence.report import Report
from tests.world.disks import open_spool
from tests.world.mosquitto import Mosquitto
from tests.world.processes import eventually
from tests.world.witness import Witness

NOW = 1_800_000_000
QUICK = Pace(resend_s=0.2, resend_most_s=0.4, reconnect_s=0.1, reconnect_most_s=0.2, look_s=0.1)
PATIENT = Pace(resend_s=600, reconnect_s=0.1, reconnect_most_s=0.2, look_s=0.1)


class Post:
    """A publisher with its spool, for a gateway that the collector knows."""

    def __init__(self, directory: Path, collector: Witness, pace: Pace = QUICK) -> None:
        self.identity = keys.load_or_create(directory)
        self.gateway = self.identity.gateway
        self.spool = open_spool(directory)
        self.remembered = Remembered(directory)
        self.wanted = asyncio.Event()
        self.publisher = Publisher(
            self.gateway,
            self.spool,
            self.remembered,
            connect=connector(BrokerSettings()),
            pace=pace,
            on_wanted=self.wanted.set,
        )
        self.enrolment = Enrolment(
            host="127.0.0.1",
            port=collector.port,
            tls=False,
            log=collector.log,
            collector=collector.key.public.data.hex(),
            enrolled_at=NOW,
        )
        key = self.identity.key.public.data
        collector.enrolment = evidence_enrolment.Enrolment(gateway=self.gateway, key=key, code="", proof=b"")

    def put(self, *numbers: int) -> list[bytes]:
        """Sign and spool reports of these numbers."""
        made = [Report(gateway=self.gateway, sequence=number, issued_at=NOW, inventory=bytes(32)) for number in numbers]
        signed = [report.sign(one, self.identity.key) for one in made]
        for number, data in zip(numbers, signed, strict=True):
            self.spool.put(Kind.UNCHANGED, data, now=NOW, sequence=number)
        self.publisher.wake()
        return signed

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Publish for the length of a block."""
        task = asyncio.create_task(self.publisher.run(self.enrolment))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self.spool.entries()

    def junk(self) -> int:
        """How much of what came was nobody's word."""
        return self.remembered.state.counts.get("junk", 0)


@pytest.fixture
def post(tmp_path: Path, collector: Witness) -> Post:
    """One that sends again soon."""
    return Post(tmp_path, collector)


async def test_reports_go_out_in_order_and_are_released_by_receipts(post: Post, collector: Witness) -> None:
    """Each once, and each kept with its receipt; the largest tree head is remembered."""
    sent = post.put(1, 2, 3)
    async with post.open():
        await eventually(post.is_empty)
        sent += post.put(4)
        await eventually(post.is_empty)
    assert list(dict.fromkeys(data for _, data in collector.messages)) == sent
    assert sorted(item.sequence for item in post.spool.kept.answered()) == [1, 2, 3, 4]
    state = Remembered(post.spool.kept.directory.parent).state
    assert state.counts["receipts"] == 4
    assert state.head is not None
    assert (state.head.log, state.head.size) == (collector.log, 5)


async def test_the_brokers_acknowledgement_releases_nothing(post: Post, collector: Witness) -> None:
    """What stays unanswered is sent again, until the collector speaks."""
    collector.silent = True
    (data,) = post.put(1)
    async with post.open():
        await eventually(lambda: collector.messages.count(("report", data)) >= 3)
        assert not post.is_empty()
        collector.silent = False
        await eventually(post.is_empty)


async def test_a_broker_that_lost_its_memory_loses_no_report(
    tmp_path: Path, mosquitto: Mosquitto, collector: Witness
) -> None:
    """A new session sends again what is unanswered, long before its time would have come."""
    post = Post(tmp_path, collector, PATIENT)
    collector.silent = True
    post.put(1)
    async with post.open():
        await eventually(lambda: collector.messages)
    await mosquitto.kill()
    await eventually(lambda: not collector.listening.is_set())
    await mosquitto.start()
    await collector.listening.wait()
    collector.silent = False
    post.put(2)
    async with post.open():
        await eventually(post.is_empty)
    assert len(collector.messages) == 3


async def test_a_broker_that_is_not_there_is_tried_again(
    tmp_path: Path, mosquitto: Mosquitto, collector: Witness
) -> None:
    """And its absence is told in words."""
    post = Post(tmp_path, collector)
    await mosquitto.kill()
    post.put(1)
    async with post.open():
        await eventually(lambda: "refused" in str(post.publisher.trouble))
        await mosquitto.start()
        await eventually(post.is_empty)
    assert post.publisher.trouble is None


async def test_only_this_collectors_receipts_count(post: Post, collector: Witness) -> None:
    """Not another key's, nor another log's; junk of any kind is counted and disturbs nothing."""
    collector.silent = True
    (data,) = post.put(1)
    stranger, copycat = Witness(collector.port), Witness(collector.port)
    stranger.log = collector.log
    copycat.key = collector.key
    good = collector.receipt(data)
    junk = [stranger.receipt(data), copycat.receipt(data), b"", b"\xd2", good[:-1], good + b"\0", bytes(70_000), data]
    async with post.open():
        await eventually(lambda: collector.messages)
        for number, bad in enumerate(junk):
            await collector.send(post.gateway, "receipt" if number % 2 else "request", bad)
        await collector.send(post.gateway, "receipt", stranger.receipt(data))
        await collector.send(post.gateway, "receipt", copycat.receipt(data))
        await eventually(lambda: post.junk() == len(junk) + 2)
        assert not post.is_empty()
        await collector.send(post.gateway, "receipt", good)
        await eventually(post.is_empty)


async def test_a_receipt_for_something_else_releases_nothing(post: Post, collector: Witness) -> None:
    """The digest decides, not the order."""
    collector.silent = True
    post.put(1)
    async with post.open():
        await eventually(lambda: collector.messages)
        await collector.send(post.gateway, "receipt", collector.receipt(b"something else"))
        await collector.send(post.gateway, "receipt", b"junk")
        await eventually(lambda: post.junk() == 1)
    assert not post.is_empty()


@pytest.mark.parametrize("reason", ["freshness", "sequence", "profile"])
async def test_a_refused_report_is_filed_and_made_anew(post: Post, collector: Witness, reason: str) -> None:
    """It leaves the spool with the refusal beside it, and the next report carries everything."""
    post.remembered.update(sequence=5, inventory="ab")
    collector.refuse, collector.last_sequence = reason, 41
    post.put(5)
    async with post.open():
        await asyncio.wait_for(post.wanted.wait(), 10)
        await eventually(post.is_empty)
    (refused,) = post.spool.refused.answered()
    assert refused.sequence == 5
    assert refused.path.with_suffix(".refusal").exists()
    assert post.remembered.state.inventory is None
    assert post.remembered.state.sequence == 41
    assert post.remembered.state.counts == {f"refused_{reason}": 1}
    assert post.remembered.state.refusal is not None
    assert post.remembered.state.refusal.reason == reason


async def test_a_collector_that_asks_gets_the_whole_inventory(post: Post, collector: Witness) -> None:
    """The next report carries all devices, and comes soon; one for another gateway is junk."""
    post.put(1)
    async with post.open():
        await eventually(post.is_empty)
        post.remembered.update(inventory="ab")
        await collector.send(post.gateway, "request", _request(collector, keys.draw().gateway))
        await eventually(lambda: post.junk() == 1)
        assert post.remembered.state.inventory == "ab"
        await collector.request(post.gateway, whole=True)
        await asyncio.wait_for(post.wanted.wait(), 10)
    assert post.remembered.state.inventory is None


def _request(collector: Witness, gateway: str) -> bytes:
    return sign_request(Request(log=collector.log, gateway=gateway, requested_at=NOW, whole=True), collector.key)


async def test_numbers_that_never_came_are_sent_from_the_buyers_copy(tmp_path: Path, collector: Witness) -> None:
    """Only those asked for, the same bytes, in order."""
    post = Post(tmp_path, collector, PATIENT)  # what comes twice must not be taken for what was asked for
    sent = post.put(1, 2, 3, 4)
    async with post.open():
        await eventually(post.is_empty)
        collector.messages.clear()
        await collector.request(post.gateway, missing=((2, 2), (4, 2**53 - 1)))
        await eventually(lambda: len(collector.messages) == 2)
    assert [data for _, data in collector.messages] == [sent[1], sent[3]]


async def test_two_histories_of_one_log_are_noticed(post: Post, collector: Witness) -> None:
    """A collector that shows two roots for one size has forked its log; the receipts are the proof."""
    collector.silent = True
    first, second = post.put(1, 2)
    twin = Witness(collector.port)
    twin.log, twin.key = collector.log, collector.key
    twin.receipt(b"another history")
    collector.receipt(first)
    async with post.open():
        await eventually(lambda: len(collector.messages) >= 2)
        await collector.send(post.gateway, "receipt", collector.receipt(second))
        await collector.send(post.gateway, "receipt", twin.receipt(first))
        await eventually(post.is_empty)
    assert post.remembered.state.counts.get("forks") == 1


async def test_a_broker_that_wants_a_password_is_told_plainly(tmp_path: Path) -> None:
    """It is no outage: somebody has to do something."""
    strict = Mosquitto(tmp_path, "allow_anonymous false\n")
    await strict.start()
    try:
        post = Post(tmp_path / "state", Witness(strict.port))
        async with post.open():
            await eventually(lambda: "Not authorized; ask" in str(post.publisher.trouble))
    finally:
        await strict.kill()


class StillSession:
    """A session that takes everything and answers nothing; what was sent is in `sent`."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, leaf: str, data: bytes) -> None:
        """Take it."""
        assert leaf == "report"
        self.sent.append(data)

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """Nothing, for ever."""
        await asyncio.Event().wait()
        yield "", b""


class BreakingSession:
    """A session that breaks when it is used, else soon."""

    def __init__(self) -> None:
        self.was_used = False

    async def send(self, leaf: str, data: bytes) -> None:  # noqa: ARG002  # the seam's
        """Break."""
        self.was_used = True
        raise BrokerError("the connection broke")

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """Break after a turn of the loop."""
        await asyncio.sleep(0)
        if not self.was_used:
            raise BrokerError("the broker hung up")
        yield "", b""


async def test_no_more_than_a_window_is_on_the_way(tmp_path: Path) -> None:
    """A default Mosquitto drops what is beyond a thousand for an absent collector."""
    session = StillSession()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        yield session

    post = Post(tmp_path, Witness(0), PATIENT)
    post.publisher = Publisher(post.gateway, post.spool, post.remembered, connect=connect, pace=PATIENT)
    sent = post.put(*range(1, 131))
    async with post.open():
        await eventually(lambda: len(session.sent) == 100)
        post.spool.keep(post.spool.entries()[0], b"receipt")
        post.publisher.wake()
        await eventually(lambda: len(session.sent) == 101)
    assert session.sent == sent[:101]


async def test_what_is_never_answered_is_sent_again_however_often_it_was(tmp_path: Path) -> None:
    """A collector may be silent for longer than any delay can double."""
    session = StillSession()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        yield session

    pace = Pace(resend_s=1e-9, resend_most_s=1e-6)
    post = Post(tmp_path, Witness(0), pace)
    post.publisher = Publisher(post.gateway, post.spool, post.remembered, connect=connect, pace=pace)
    post.put(1)
    async with post.open():
        await eventually(lambda: len(session.sent) > 1100)


async def test_the_herd_does_not_come_back_in_step(tmp_path: Path) -> None:
    """Each new attempt waits a random part of a delay that doubles up to a bound."""
    waits: list[float] = []
    clock = asyncio.get_running_loop().time

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        waits.append(clock())
        if waits:
            raise BrokerError("away")
        yield StillSession()

    pace = Pace(reconnect_s=0.02, reconnect_most_s=0.08)
    post = Post(tmp_path, Witness(0), pace)
    post.publisher = Publisher(post.gateway, post.spool, post.remembered, connect=connect, pace=pace)
    async with post.open():
        await eventually(lambda: len(waits) >= 12)
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert len({round(gap, 4) for gap in gaps}) > 6
    assert sum(gap < 0.085 for gap in gaps) > 6


async def test_a_broken_session_is_followed_by_another(tmp_path: Path) -> None:
    """However often it breaks, on whichever side it shows first."""
    sessions: list[BreakingSession] = []

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        sessions.append(BreakingSession())
        yield sessions[-1]

    post = Post(tmp_path, Witness(0), QUICK)
    post.publisher = Publisher(post.gateway, post.spool, post.remembered, connect=connect, pace=QUICK)
    async with post.open():
        await eventually(lambda: len(sessions) >= 2)
        post.put(1)
        await eventually(lambda: len(sessions) >= 4 and sessions[-2].was_used)


async def test_it_ends_though_leaving_the_connection_fails(tmp_path: Path) -> None:
    """A broker that died makes leaving raise; that error must not take the place of the cancellation."""
    connected = asyncio.Event()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        connected.set()
        try:
            yield StillSession()
        finally:
            raise BrokerError("the broker did not answer to DISCONNECT")

    post = Post(tmp_path, Witness(0), QUICK)
    post.publisher = Publisher(post.gateway, post.spool, post.remembered, connect=connect, pace=QUICK)
    task = asyncio.create_task(post.publisher.run(post.enrolment))
    await connected.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert task.cancelled()


def test_a_damaged_enrolment_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """A key that is none would refuse every receipt."""
    fields = '"host": "h", "port": 1, "tls": false, "enrolled_at": 0'
    (tmp_path / "enrolment.json").write_text(f'{{{fields}, "log": "{"0" * 32}", "collector": "abcd"}}')
    with pytest.raises(StateError, match=r"enrolment.json is damaged .*enrol again with a new code"):
        load(tmp_path)
