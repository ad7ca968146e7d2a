"""Nothing leaves the spool but for the collector's checked word; real Mosquitto, real receipts."""

import asyncio
from pathlib import Path

import pytest

from agent import keys
from agent.state import Remembered
from evidence.receipt import Request, sign_request
from tests.agent.post import NOW, PATIENT, Post
from tests.world.mosquitto import Mosquitto
from tests.world.processes import eventually
from tests.world.witness import Witness


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
        await asyncio.wait_for(post.wanted.wait(), 30)
        await eventually(post.is_empty)
    (refused,) = post.spool.refused.answered()
    assert refused.sequence == 5
    assert refused.path.with_suffix(".refusal").exists()
    assert post.remembered.state.inventory is None
    assert post.remembered.state.sequence == 41
    assert post.remembered.state.counts == {f"refused_{reason}": 1}
    assert post.remembered.state.refusal is not None
    assert post.remembered.state.refusal.reason == reason


async def test_nothing_is_read_again_for_a_key_that_is_refused(post: Post, collector: Witness) -> None:
    """A revoked gateway would wear its devices out for nothing."""
    collector.refuse = "key"
    post.put(5)
    async with post.open():
        await eventually(post.is_empty)
        await eventually(lambda: post.remembered.state.refusal)
    assert not post.wanted.is_set()


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
        await asyncio.wait_for(post.wanted.wait(), 30)
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
