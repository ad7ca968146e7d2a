"""A gateway reports to a collector once that has accepted it, and loses no collector by asking another."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.enrolment import load
from agent.errors import StateError
from evidence.report import Report
from tests.world.gateway import Gateway
from tests.world.mosquitto import broker
from tests.world.processes import eventually
from tests.world.witness import Witness, witness


@pytest.fixture
async def other() -> AsyncIterator[Witness]:
    """Another collector, at a broker of its own."""
    async with broker() as running, witness(running.port) as collector:
        yield collector


def _versions(made: Report) -> list[str | None]:
    return [device.version_raw for device in made.devices or ()]


async def _agreed(gateway: Gateway) -> str | None:
    """Log of the collector reported to."""
    enrolment = (await gateway.status())["enrolment"]
    return None if enrolment is None else str(enrolment["log"])


async def test_a_used_code_keeps_the_collector_that_works(gateway: Gateway, collector: Witness, other: Witness) -> None:
    """The other one gets the enrolment and nothing else."""
    await gateway.command("enrol", collector.code(), "--yes")
    other.used, other.last_sequence = True, 2**40
    code, out, _ = await gateway.command("enrol", other.code(), "--yes")
    assert code == 77
    assert f"This gateway reports to log {collector.log}, as before." in out
    assert await _agreed(gateway) == collector.log
    await gateway.start()
    await eventually(lambda: collector.reports and not gateway.waiting())
    assert collector.reports[0].sequence == 1
    assert [leaf for leaf, _ in set(other.messages)] == ["statement"]


async def test_a_used_code_leaves_a_new_gateway_unenrolled(gateway: Gateway, other: Witness) -> None:
    """So that it signs and sends nothing."""
    other.used = True
    code, out, _ = await gateway.command("enrol", other.code(), "--yes")
    assert code == 77
    assert "This gateway reports to nobody." in out
    assert await _agreed(gateway) is None
    assert not [name for name in gateway.files() if name.startswith("enrolment")]
    await gateway.start()
    await eventually(lambda: gateway.log().count("round ") >= 2)
    assert gateway.waiting() == []


async def test_a_code_that_is_refused_later_keeps_the_collector_that_works(
    gateway: Gateway, collector: Witness, other: Witness
) -> None:
    """Reports go on while the other one is silent, and after its refusal."""
    await gateway.command("enrol", collector.code(), "--yes")
    other.silent = True
    code, out, _ = await gateway.command("enrol", other.code(), "--yes", "--wait", "1")
    assert (code, "No receipt yet" in out) == (75, True)
    status = await gateway.status()
    assert (status["enrolment"]["log"], status["pending_enrolment"]["log"]) == (collector.log, other.log)
    await gateway.start()
    await eventually(lambda: collector.reports)
    other.silent, other.used = False, True
    await eventually(lambda: "enrolment_settled" in gateway.log())
    assert f"log={other.log} accepted=False" in gateway.log()
    status = await gateway.status()
    assert (status["enrolment"]["log"], status["pending_enrolment"]) == (collector.log, None)
    assert {leaf for leaf, _ in other.messages} == {"statement"}


async def test_a_collector_that_accepts_takes_the_place_of_the_first(
    gateway: Gateway, collector: Witness, other: Witness
) -> None:
    """Beside a running service; the whole inventory goes to it at once, and nothing more to the first."""
    await gateway.command("enrol", collector.code(), "--yes")
    await gateway.start()
    await eventually(lambda: collector.reports and not gateway.waiting())
    code, out, _ = await gateway.command("enrol", other.code(), "--yes")
    assert (code, "Enrolled" in out) == (0, True)
    assert await _agreed(gateway) == other.log
    await eventually(lambda: other.reports)
    assert _versions(other.reports[0]) == ["2.3.087"]
    assert [made.sequence for made in (*collector.reports, *other.reports)] == [1, 2]


async def test_a_second_code_takes_the_place_of_one_that_nobody_answered(
    gateway: Gateway, collector: Witness, other: Witness
) -> None:
    """The first one's enrolment is withdrawn, and reaches nobody any more."""
    other.silent = True
    await gateway.command("enrol", other.code(), "--yes", "--wait", "1")
    (waiting,) = gateway.waiting()
    assert ".enrolment." in waiting
    assert (await gateway.command("enrol", collector.code(), "--yes"))[0] == 0
    assert await _agreed(gateway) == collector.log
    assert gateway.waiting() == []
    assert len(set(collector.messages)) == 1


async def test_a_receipt_counts_though_the_agent_died_at_once(gateway: Gateway, collector: Witness) -> None:
    """Filed, but not yet acted upon: the next start does."""
    await gateway.command("enrol", collector.code(), "--yes")
    enrolment = gateway.state_dir / "enrolment.json"
    enrolment.rename(gateway.state_dir / "enrolment.pending.json")
    assert json.loads((await gateway.command("status", "--json"))[1])["enrolment"] is None
    await gateway.start()
    await eventually(lambda: collector.reports)
    assert enrolment.exists()


def test_a_damaged_enrolment_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """A key that is none would refuse every receipt."""
    fields = '"host": "h", "port": 1, "tls": false, "enrolled_at": 0'
    (tmp_path / "enrolment.json").write_text(f'{{{fields}, "log": "{"0" * 32}", "collector": "abcd"}}')
    with pytest.raises(StateError, match=r"enrolment.json is damaged .*enrol again with a new code"):
        load(tmp_path)
