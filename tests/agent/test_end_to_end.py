"""The agent as its user runs it: real processes, a real broker, and a collector's stand-in with a real log."""

import hashlib
import shutil
from pathlib import Path
from signal import Signals

import msgspec
import pytest

from evidence import cose, report
from tests.world.disks import fill_up, shrink
from tests.world.gateway import BULB, Gateway
from tests.world.mosquitto import Mosquitto
from tests.world.processes import eventually
from tests.world.readers.scripted import Script, write
from tests.world.witness import Witness


async def enrolled(gateway: Gateway, collector: Witness) -> None:
    code, out, err = await gateway.command("enrol", collector.code(), "--yes")
    assert (code, "Enrolled" in out) == (0, True), out + err


def version(number: int) -> str:
    return f"1.0.{number}"


def signed_by_number(collector: Witness) -> dict[int, set[bytes]]:
    """All bytes that ever came for each number."""
    found: dict[int, set[bytes]] = {}
    for leaf, data in collector.messages:
        if leaf == "report":
            payload = cose.parse(data, report.MESSAGE_TYPE).unverified_payload or b""
            found.setdefault(report.decode(payload).sequence, set()).add(data)
    return found


async def test_a_gateway_that_enrolled_reports_and_keeps_the_receipts(gateway: Gateway, collector: Witness) -> None:
    """Enrolment, first report, receipt: the whole way, and nothing left in the spool."""
    await enrolled(gateway, collector)
    await gateway.start()
    await eventually(lambda: gateway.kept() and not gateway.waiting())
    assert collector.enrolment is not None
    assert collector.enrolment.gateway == gateway.name
    (first,) = collector.reports
    assert (first.sequence, first.previous) == (1, None)
    assert [device.version_raw for device in first.devices or ()] == [BULB.version_raw]
    assert await gateway.stop() == 0
    assert "Traceback" not in gateway.log()
    status = await gateway.status()
    assert status["receipts"]["count"] == 2


@pytest.mark.parametrize("number", [Signals.SIGTERM, Signals.SIGINT])
async def test_a_signal_ends_it_cleanly(gateway: Gateway, collector: Witness, number: Signals) -> None:
    """Exit code 0 and no traceback, with a session open."""
    await enrolled(gateway, collector)
    await gateway.start()
    await eventually(lambda: collector.reports)
    assert await gateway.stop(number) == 0
    assert "Traceback" not in gateway.log()


async def test_without_an_enrolment_nothing_leaves_and_nothing_is_signed(gateway: Gateway, collector: Witness) -> None:
    """It surveys, and that is all."""
    await gateway.start()
    await eventually(lambda: gateway.log().count("round devices=1") >= 2)
    assert collector.messages == []
    assert gateway.waiting() == []
    assert (await gateway.status())["last_report"] is None


async def test_a_service_that_runs_notices_its_enrolment(gateway: Gateway, collector: Witness) -> None:
    """`enrol` leaves the sending to it and sees the receipt come."""
    await gateway.start()
    await eventually(lambda: "round devices=1" in gateway.log())
    await enrolled(gateway, collector)
    await eventually(lambda: collector.reports)


async def test_an_enrolment_without_a_broker_is_delivered_later(
    gateway: Gateway, mosquitto: Mosquitto, collector: Witness
) -> None:
    """The command says so plainly, and `run` makes it good."""
    await mosquitto.kill()
    code, out, _ = await gateway.command("enrol", collector.code(), "--yes", "--wait", "1")
    assert code == 75
    assert "No receipt yet: [Errno 111] Connection refused" in out
    assert "`updateplicht-agent run` delivers it when it can" in out
    await mosquitto.start()
    await gateway.start()
    await eventually(lambda: collector.enrolment and collector.reports)


async def test_a_report_is_sent_after_a_crash_between_signing_and_receipt(gateway: Gateway, collector: Witness) -> None:
    """The very same bytes, under the same number."""
    await enrolled(gateway, collector)
    collector.silent = True
    await gateway.start()
    await eventually(lambda: signed_by_number(collector))
    await gateway.kill()
    assert len(gateway.waiting()) == 1
    collector.silent = False
    await gateway.start()
    await eventually(lambda: collector.reports and not gateway.waiting())
    assert {number: len(bodies) for number, bodies in signed_by_number(collector).items()} == {1: 1}


async def test_kills_of_agent_and_broker_lose_nothing_and_double_no_number(
    gateway: Gateway, mosquitto: Mosquitto, collector: Witness
) -> None:
    """Every number that was signed arrives once, whole and chained, whatever died in between."""
    await enrolled(gateway, collector)
    for turn in range(6):
        await _die_at(turn % 3, version(turn), gateway, mosquitto, collector)
    rounds = gateway.rounds()
    await gateway.start()
    await eventually(lambda: gateway.rounds() > rounds)
    await eventually(lambda: any(version(5) in _versions(made) for made in collector.reports))
    await eventually(lambda: not gateway.waiting())
    await gateway.stop()
    by_number = signed_by_number(collector)
    assert sorted(by_number) == list(range(1, len(by_number) + 1))
    assert {len(bodies) for bodies in by_number.values()} == {1}
    digests = {number: hashlib.sha256(next(iter(bodies))).digest() for number, bodies in by_number.items()}
    for made in collector.reports:
        assert made.previous == digests.get(made.sequence - 1)
    assert len(gateway.kept()) == len(by_number)
    assert "Traceback" not in gateway.log()


async def _die_at(point: int, new: str, gateway: Gateway, mosquitto: Mosquitto, collector: Witness) -> None:
    """Start the agent on a changed device and kill it: once it has spooled, once it has sent, once it has a receipt."""
    waiting, messages, kept = gateway.waiting(), len(collector.messages), gateway.kept()
    gateway.finds(msgspec.structs.replace(BULB, version_raw=new))
    collector.silent = point == 1
    if point == 0:
        await mosquitto.kill()
        await eventually(lambda: not collector.listening.is_set())
    await gateway.start()
    reached = (
        lambda: gateway.waiting() != waiting,
        lambda: len(collector.messages) > messages,
        lambda: gateway.kept() != kept,
    )
    await eventually(reached[point])
    await gateway.kill()
    collector.silent = False
    if point == 0:
        await mosquitto.start()
        await collector.listening.wait()


def _versions(made: report.Report) -> list[str | None]:
    return [device.version_raw for device in made.devices or ()]


async def test_a_change_is_reported_at_once_and_a_request_brings_the_whole(
    gateway: Gateway, collector: Witness
) -> None:
    """Whole, changed, whole again because the collector asked."""
    await enrolled(gateway, collector)
    await gateway.start()
    await eventually(lambda: len(collector.reports) == 1)
    gateway.finds(msgspec.structs.replace(BULB, version_raw="2.4.000"))
    await eventually(lambda: len(collector.reports) == 2)
    await collector.request(gateway.name, whole=True)
    await eventually(lambda: len(collector.reports) == 3)
    assert [_versions(made) for made in collector.reports] == [["2.3.087"], ["2.4.000"], ["2.4.000"]]


async def test_a_report_refused_as_too_fresh_is_read_and_signed_anew(gateway: Gateway, collector: Witness) -> None:
    """Under a number of its own; the refused one is filed."""
    await enrolled(gateway, collector)
    collector.refuse = "freshness"
    await gateway.start()
    await eventually(lambda: collector.reports and not gateway.waiting())
    assert [made.sequence for made in collector.reports] == [2]
    assert _versions(collector.reports[0]) == ["2.3.087"]
    status = await gateway.status()
    assert status["refusals"]["counts"] == {"freshness": 1}


async def test_an_agent_restored_from_an_old_card_goes_on_from_the_collectors_number(
    gateway: Gateway, collector: Witness
) -> None:
    """Its number was used by other bytes: it learns so from the refusal."""
    await enrolled(gateway, collector)
    card = gateway.directory / "card"
    shutil.copytree(gateway.state_dir, card)
    for turn in (1, 2):
        gateway.finds(msgspec.structs.replace(BULB, version_raw=version(turn)))
        await gateway.start()
        await eventually(lambda turn=turn: len(collector.reports) == turn and not gateway.waiting())  # type: ignore[misc]
        await gateway.stop()
    shutil.rmtree(gateway.state_dir)
    shutil.copytree(card, gateway.state_dir)
    gateway.finds(msgspec.structs.replace(BULB, version_raw=version(3)))
    await gateway.start()
    await eventually(lambda: len(collector.reports) == 3 and not gateway.waiting())
    assert (collector.reports[2].sequence, _versions(collector.reports[2])) == (3, [version(3)])


async def test_what_preview_shows_is_what_leaves(gateway: Gateway, mosquitto: Mosquitto, collector: Witness) -> None:
    """Byte for byte, and looking changes nothing."""
    await enrolled(gateway, collector)
    await mosquitto.kill()
    await gateway.start()
    await eventually(
        lambda: "report=1 " in gateway.log() and b'"code": "broker"' in (gateway.state_dir / "state.json").read_bytes()
    )
    before = gateway.files()
    code, shown, err = await gateway.command("preview", "--hex")
    assert (code, err) == (0, "")
    code, text, _ = await gateway.command("preview")
    assert f"/ {len(shown.strip()) // 2} bytes to updateplicht/1/" in text
    assert '["2.3.087"]' in text
    assert gateway.files() == before
    await mosquitto.start()
    await eventually(lambda: collector.reports)
    assert ("report", bytes.fromhex(shown)) in collector.messages


async def test_a_sale_of_the_configuration_reaches_the_collector(gateway: Gateway, collector: Witness) -> None:
    """Once, under the device id that the report names."""
    gateway.configure('[[sales]]\ndevice = "ieee:00158d0001e29ff0"\nseller = "noordlicht"\ncontract = 2026-03-10')
    await enrolled(gateway, collector)
    for _ in range(2):
        rounds = gateway.rounds()
        await gateway.start()
        await eventually(lambda rounds=rounds: gateway.rounds() > rounds)  # type: ignore[misc]
        await eventually(lambda: collector.statements and collector.reports and not gateway.waiting())
        await gateway.stop()
    (sale,) = collector.statements
    (device,) = collector.reports[0].devices or ()
    assert sale.fields == {"device": device.device, "seller": "noordlicht", "contract": "2026-03-10"}


async def test_a_full_disk_stops_neither_reading_nor_reporting(small_filesystem: Path, collector: Witness) -> None:
    """Reports go out while nothing else can be written, and their receipts are filed when there is room again."""
    gateway = Gateway(small_filesystem)
    scripts = [small_filesystem / f"{turn}.json" for turn in range(3)]
    for turn, script in enumerate(scripts):
        write(script, Script(readings=(msgspec.structs.replace(BULB, version_raw=version(turn)),)))
    await enrolled(gateway, collector)
    await gateway.start()
    try:
        await eventually(lambda: collector.reports and not gateway.waiting())
        for turn, script in enumerate(scripts):
            fill_up(small_filesystem)
            assert (await gateway.status())["disk"] == "full"
            shrink(small_filesystem, 4096)  # room for the report, and for nothing else
            script.rename(gateway.script)
            await eventually(lambda turn=turn: any(version(turn) in _versions(made) for made in collector.reports))  # type: ignore[misc]
        (small_filesystem / "log").unlink()
        await eventually(lambda: not gateway.waiting(), within_s=150)  # it comes again after a while that has doubled
    finally:
        await gateway.kill()
    by_number = signed_by_number(collector)
    assert sorted(by_number) == [1, 2, 3, 4]
    assert {len(bodies) for bodies in by_number.values()} == {1}
    assert len(gateway.kept()) == 4
