"""One round: every device is in it once, whatever fails, hangs or comes in another order."""

import asyncio
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Source
from agent.readers import ReadFailure, Reading, load
from agent.survey import Observation, Round, merge, survey
from evidence.report import Offer, OfferResult, Result
from tests.world.readers.scripted import Script, Settings, write

NOW = 1_800_000_000


class House:
    """Scripted sources in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.sources: list[Source] = []

    def add(self, *outcomes: Reading | ReadFailure, port: str | None = None, **script: Any) -> Source:
        """One more source."""
        number = len(self.sources)
        file = self._directory / f"{number}.json"
        readings = tuple(item for item in outcomes if isinstance(item, Reading))
        failures = tuple(item for item in outcomes if isinstance(item, ReadFailure))
        write(file, Script(readings=readings, failures=failures, **script))
        settings = Settings(script=str(file), port=port)
        self.sources.append(Source(path=f"read[{number}]", name="scripted", reader=load("scripted"), settings=settings))
        return self.sources[-1]

    async def round(self, known: dict[str, Sequence[str]] | None = None) -> Round:
        """Read it once."""
        return await survey(self.sources, known or {}, lambda: NOW)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty house."""
    return House(tmp_path)


def outcomes(found: Round) -> dict[str, Reading | ReadFailure]:
    return {item.outcome.identity: item.outcome for item in found.devices}


class Doing:
    """A reader that does what a test says."""

    Settings = Settings

    def __init__(self, do: Callable[[], Awaitable[object]], limit_s: float = 30.0) -> None:
        self._do = do
        self.LIMIT_S = limit_s

    async def read(self, settings: Any) -> Sequence[Reading]:
        """One device, named as the script is."""
        await self._do()
        return [Reading(identity=settings.script)]


def doing(name: str, do: Callable[[], Awaitable[object]], limit_s: float = 30.0, port: str | None = None) -> Source:
    """A source with that reader."""
    return Source(path=name, name=name, reader=Doing(do, limit_s), settings=Settings(script=name, port=port))


async def test_sources_are_read_at_the_same_time() -> None:
    """Each of ten waits until all are being read."""
    all_there = asyncio.Barrier(10)
    found = await survey([doing(f"mac:{number}", all_there.wait) for number in range(10)], {}, lambda: NOW)
    assert (len(found.devices), found.failures) == (10, ())


async def test_entries_that_share_a_serial_port_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one names the port by another path; the time of the second does not begin while it waits."""
    port = tmp_path / "ttyUSB0"
    port.touch()
    (tmp_path / "by-id").symlink_to(port)
    loop, done = asyncio.get_running_loop(), []

    async def take_an_hour() -> None:
        for _ in range(5):  # turns of the loop, in which the other might begin
            await asyncio.sleep(0)
        now = loop.time
        monkeypatch.setattr(loop, "time", lambda: now() + 3600)
        await asyncio.sleep(0.01)
        done.append("first")

    async def come_after() -> None:
        assert done == ["first"]

    first = doing("mac:1", take_an_hour, limit_s=7200, port=str(port))
    second = doing("mac:2", come_after, limit_s=1800, port=str(tmp_path / "by-id"))
    found = await survey([first, second], {}, lambda: NOW)
    assert (len(found.devices), found.failures) == (2, ())


async def test_a_reader_that_hangs_is_left_behind(house: House) -> None:
    """Its own limit ends it, and it costs no other."""
    slow = doing("mac:2", asyncio.Event().wait, limit_s=0.1)
    house.sources.append(slow)
    house.add(Reading(identity="mac:1", version_raw="1"))
    found = await house.round({slow.key: ["mac:2"]})
    assert outcomes(found)["mac:2"].reason == "timeout"  # type: ignore[union-attr]  # it is a failure
    assert outcomes(found)["mac:1"] == Reading(identity="mac:1", version_raw="1")


async def test_an_exception_in_a_reader_is_logged_and_costs_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The devices that it knew before get `reader_error`, and the traceback goes to the log."""
    broken = house.add(exception="our own fault")
    house.add(Reading(identity="mac:1"))
    found = await house.round({broken.key: ["mac:2"]})
    failure = outcomes(found)["mac:2"]
    assert isinstance(failure, ReadFailure)
    assert (failure.result, failure.reason) == (Result.PARSE_FAILED, "reader_error")
    assert "mac:1" in outcomes(found)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


async def test_a_source_that_fails_as_a_whole_fails_each_device_it_knew(house: House) -> None:
    """They stay known, so that the next round says so again."""
    away = house.add(link_error="closed")
    found = await house.round({away.key: ["mac:1", "mac:2"]})
    assert {name: item.reason for name, item in outcomes(found).items() if isinstance(item, ReadFailure)} == {
        "mac:1": "closed",
        "mac:2": "closed",
    }
    assert found.known == {away.key: ("mac:1", "mac:2")}
    (failure,) = found.failures
    assert (failure.source, failure.reason) == ("read[0]", "closed")


async def test_a_device_that_left_a_good_source_is_gone(house: House) -> None:
    """Absence is not silence: the bridge says that it is no longer there."""
    bridge = house.add(Reading(identity="mac:1"))
    found = await house.round({bridge.key: ["mac:1", "mac:2"]})
    assert list(outcomes(found)) == ["mac:1"]
    assert found.known == {bridge.key: ("mac:1",)}


async def test_a_device_that_is_not_heard_again_is_silent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody lists the devices, absence cannot be told from silence; it stays known."""
    monkeypatch.setattr(load("scripted"), "LISTS", False, raising=False)
    air = house.add(Reading(identity="mac:1"))
    found = await house.round({air.key: ["mac:1", "mac:2"]})
    silent = outcomes(found)["mac:2"]
    assert isinstance(silent, ReadFailure)
    assert (silent.result, silent.reason) == (Result.UNREACHABLE, "silent")
    assert (found.known, found.failures) == ({air.key: ("mac:1", "mac:2")}, ())


async def test_cancelling_a_round_ends_it(house: House) -> None:
    """Nothing on the way swallows the cancellation."""
    house.add(delay_s=60)
    task = asyncio.create_task(house.round())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def seen(outcome: Reading | ReadFailure, reader: str = "scripted") -> Observation:
    return Observation(reader=reader, read_at=NOW, outcome=outcome)


def test_the_nearest_reading_wins_and_takes_what_it_lacks_from_the_next() -> None:
    """Ids are united; a version stays with its scheme."""
    near = Reading(identity="ieee:1", ids=("zigbee:A/1",), distance=1, name="Hall")
    next_one = Reading(
        identity="ieee:1",
        distance=2,
        ids=("ha:A/1", "zigbee:A/1"),
        version_raw="1.2",
        scheme="uint32",
        offer=Offer(result=OfferResult.OFFERED, version="1.3"),
    )
    far = Reading(identity="ieee:1", distance=3, version_raw="0.9", version_alt="old")
    (merged,) = merge([seen(far, "c"), seen(next_one, "b"), seen(near, "a")])
    assert merged.reader == "a"
    assert merged.outcome == Reading(
        identity="ieee:1",
        name="Hall",
        distance=1,
        ids=("ha:A/1", "zigbee:A/1"),
        version_raw="1.2",
        scheme="uint32",
        offer=Offer(result=OfferResult.OFFERED, version="1.3"),
    )


def shown(distance: int) -> Reading:
    return Reading(identity="mac:1", distance=distance, version_raw="1.2")


def failed(distance: int, result: Result = Result.UNREACHABLE) -> ReadFailure:
    return ReadFailure(identity="mac:1", distance=distance, result=result, reason="closed")


@pytest.mark.parametrize(
    ("outcomes_of_sources", "counts"),
    [
        ([failed(2), shown(1)], shown(1)),
        ([failed(0), shown(1)], shown(1)),
        ([failed(2), shown(2)], shown(2)),
        ([failed(3), shown(2)], shown(2)),
        ([failed(1), shown(2)], failed(1)),
        ([failed(0, Result.REFUSED), failed(1), shown(2)], failed(0, Result.REFUSED)),
        ([failed(1), shown(1), shown(2)], shown(1)),
        ([failed(1), failed(2, Result.REFUSED)], failed(1)),
        ([failed(1), failed(1, Result.REFUSED)], failed(1, Result.REFUSED)),
    ],
    ids=[
        "a reading stands over the failure of a farther source",
        "what the bridge read stands though the device itself is silent",
        "hearsay stands over a failure to hear it elsewhere",
        "hearsay stands over the failure of a farther source",
        "hearsay of a device whose bridge is dead is no reading",
        "of the failures that outweigh hearsay the nearest counts",
        "one bridge reads what another cannot reach",
        "of failures alone the nearest counts",
        "of equally near ones the most telling",
    ],
)
def test_of_readings_and_failures_which_counts(
    outcomes_of_sources: list[Reading | ReadFailure], counts: Reading | ReadFailure
) -> None:
    """A near reading stands over all failures; hearsay only where no nearer source failed."""
    (merged,) = merge([seen(item) for item in outcomes_of_sources])
    assert merged.outcome == counts


async def test_a_broker_that_is_down_is_told_of_by_the_nearest_source() -> None:
    """Not by the one whose name comes first: who was told knows the least."""
    with socket.socket() as nobody:  # has a port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        sources = []
        for name in ("home_assistant", "zigbee2mqtt"):
            reader = load(name)
            settings = reader.Settings(host="127.0.0.1", port=nobody.getsockname()[1])
            sources.append(Source(path=name, name=name, reader=reader, settings=settings))
        found = await survey(sources, {source.key: ["ieee:1"] for source in sources}, lambda: NOW)
    (device,) = found.devices
    assert isinstance(device.outcome, ReadFailure)
    assert (device.reader, device.outcome.distance) == ("zigbee2mqtt", 1)
    assert device.outcome.reason == "connection_refused"


async def test_devices_of_a_list_that_cannot_be_read_share_its_failure(house: House) -> None:
    """Nobody says that they left; those on another list of the same source are read."""
    garbled = ReadFailure(identity="link:1", result=Result.PARSE_FAILED, reason="malformed", hides=True)
    source = house.add(Reading(identity="mac:1"), garbled)
    found = await house.round({source.key: ["mac:1", "mac:2"]})
    assert {name: getattr(item, "reason", None) for name, item in outcomes(found).items()} == {
        "link:1": "malformed",
        "mac:1": None,
        "mac:2": "malformed",
    }
    assert found.known == {source.key: ("link:1", "mac:1", "mac:2")}


words = st.sampled_from(["a", "b", "c"])
readings = st.builds(
    Reading,
    identity=words,
    name=st.none() | words,
    distance=st.integers(0, 3),
    ids=st.lists(words, max_size=2).map(tuple),
    version_raw=st.none() | words,
    version_alt=st.none() | words,
    hardware=st.none() | words,
)
read_failures = st.builds(
    ReadFailure,
    identity=words,
    distance=st.integers(0, 3),
    result=st.sampled_from(list(Result)[1:]),
    reason=words,
)
observations = st.lists(
    st.builds(Observation, reader=words, read_at=st.integers(1, 3), outcome=readings | read_failures), max_size=8
)


@given(items=observations, seed=st.integers())
def test_the_order_of_the_sources_never_matters(items: list[Observation], seed: int) -> None:
    """Else the inventory would change, and a report be sent, for nothing."""
    shuffled = random.Random(seed).sample(items, len(items))
    assert merge(items) == merge(shuffled)


@given(items=observations)
def test_every_device_is_there_once_and_nothing_is_made_up(items: list[Observation]) -> None:
    """Each identity once; the ids of all its readings; a version that one of them states."""
    merged = merge(items)
    assert [item.outcome.identity for item in merged] == sorted({item.outcome.identity for item in items})
    for item in merged:
        mine = [other.outcome for other in items if other.outcome.identity == item.outcome.identity]
        found = [other for other in mine if isinstance(other, Reading)]
        if any(reading.distance < 2 for reading in found) or len(found) == len(mine):
            assert isinstance(item.outcome, Reading)
        if not found:
            assert item.outcome in mine
        if isinstance(item.outcome, Reading):
            assert set(item.outcome.ids) == {model for reading in found for model in reading.ids}
            assert item.outcome.distance == min(reading.distance for reading in found)
            assert item.outcome.version_raw in [reading.version_raw for reading in found]


@given(items=observations)
def test_merging_twice_changes_nothing(items: list[Observation]) -> None:
    """What was merged is an observation like any other."""
    assert merge(merge(items)) == merge(items)
