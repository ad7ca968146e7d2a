"""Every fixture folder is played to its reader over the real wire: plain, and with all that goes wrong on one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import readers
from agent.links import mdns as links_mdns
from agent.links import mqtt
from evidence.report import Result
from firmware_fixtures.fixture import Fixture, load
from firmware_fixtures.simulator import broker, mdns, modbus, mqtt_house
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import Fault, play
from tests.agent.readers.expected import DEVICES, Expected, expected, outcome
from tests.world.mosquitto import Mosquitto

FIXTURES = [load(file.parent) for file in sorted(DEVICES.glob("*/*/device.toml"))]
SERIAL = [fixture for fixture in FIXTURES if fixture.transcript]
STACKS = [fixture for fixture in FIXTURES if fixture.identification or fixture.registers]
HOUSES = [fixture for fixture in FIXTURES if fixture.messages or fixture.answers]
NETWORKS = [fixture for fixture in FIXTURES if fixture.services]
HOSTS = [fixture for fixture in FIXTURES if (fixture.folder / "root").exists()]

# What is to come of a device that answers, for each fault; firmware_fixtures/README.md has the same table.
REASONS = {
    Fault.SILENCE: (Result.UNREACHABLE, "timeout"),
    Fault.HALF: (Result.PARSE_FAILED, "truncated"),
    Fault.GARBAGE: (Result.PARSE_FAILED, "garbled"),
    Fault.FLIPPED_CHECKSUM: (Result.PARSE_FAILED, "crc"),
    Fault.LATE: (Result.UNREACHABLE, "timeout"),
    Fault.UNPLUGGED: (Result.UNREACHABLE, "closed"),
}
HARMLESS = (Fault.NONE, Fault.BYTE_BY_BYTE)
TIMEOUT_S, LATE_S, PATIENT_S, BYTE_S = 0.25, 0.35, 2.0, 0.01


def names(fixtures: list[Fixture]) -> dict[str, Any]:
    """How pytest is to call the cases."""
    return {"argvalues": fixtures, "ids": [fixture.name for fixture in fixtures]}


@asynccontextmanager
async def playing(fixture: Fixture, fault: Fault, link: Path) -> AsyncIterator[Line]:
    """A device on a line."""
    line = Line(link)
    task = asyncio.create_task(play(line, fixture.transcript, fault, LATE_S))
    try:
        yield line
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        line.unplug()


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("fixture", **names(SERIAL))
async def test_a_serial_device_over_a_real_pty(fixture: Fixture, fault: Fault, tmp_path: Path) -> None:
    """Each device gives its reading, or a failure whose reason names the fault; nothing but its requests is written."""
    [entry] = fixture.read
    if fault is Fault.FLIPPED_CHECKSUM and all(
        step.checksum is None for step in fixture.transcript if not step.from_program
    ):
        fault = Fault.NONE
    patience = entry.get("timeout_s", PATIENT_S) if fault in HARMLESS else TIMEOUT_S
    if fault is Fault.BYTE_BY_BYTE:  # each byte waits for its turn on a machine that is busy
        patience = max(patience, PATIENT_S + BYTE_S * sum(len(step.data) for step in fixture.transcript))
    async with playing(fixture, fault, tmp_path / "port") as line:
        settings = settings_of(entry) | {"port": str(line.path), "timeout_s": patience}
        found = await outcome(readers.load(entry["reader"]), settings)
    assert found == _with_fault(expected(fixture.folder, settings["port"]), fault)
    assert _only_requests(bytes(line.written), fixture)


@pytest.mark.parametrize("fixture", **names(STACKS))
async def test_a_serial_device_behind_a_stack_that_another_project_wrote(fixture: Fixture, tmp_path: Path) -> None:
    """pymodbus's server, given the identification, leads to the same reading as our recorded frames."""
    [entry] = fixture.read
    line = Line(tmp_path / "port")
    serving = asyncio.create_task(modbus.serve(line, fixture.identification, fixture.registers))
    try:
        settings = settings_of(entry) | {"port": str(line.path), "timeout_s": PATIENT_S}
        for _ in range(2):  # a second round, as the agent makes one every hour
            found = await outcome(readers.load(entry["reader"]), settings)
            assert found == expected(fixture.folder, settings["port"])
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        line.unplug()


@pytest.mark.parametrize("fixture", **names(HOUSES))
async def test_a_house_on_real_mosquitto(
    fixture: Fixture, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the bridges retain on Mosquitto comes out as the folder says."""
    _hurry(monkeypatch)
    async with mqtt_house.playing("127.0.0.1", mosquitto.port, fixture):
        [entry] = fixture.read
        found = await outcome(readers.load(entry["reader"]), settings_of(entry) | {"port": mosquitto.port})
    assert found == expected(fixture.folder)


@pytest.mark.parametrize("fixture", **names(HOUSES))
async def test_a_house_on_the_broker_of_the_simulator(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker by other hands, which knows MQTT 3.1.1 only, leads to the same."""
    _hurry(monkeypatch)
    async with broker.broker() as port, mqtt_house.playing(broker.LOOPBACK, port, fixture):
        [entry] = fixture.read
        found = await outcome(readers.load(entry["reader"]), settings_of(entry) | {"port": port})
    assert found == expected(fixture.folder)


@pytest.mark.usefixtures("the_only_network")
@pytest.mark.parametrize("fixture", **names(NETWORKS))
async def test_a_network_over_real_multicast(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the devices tell on loopback comes out as the folder says."""
    monkeypatch.setattr(links_mdns, "BROWSE_S", 3.0)
    async with mdns.playing(fixture.services):
        [entry] = fixture.read
        found = await outcome(readers.load(entry["reader"]), settings_of(entry))
    assert found == expected(fixture.folder)


@pytest.mark.parametrize("fixture", **names(HOSTS))
async def test_a_gateway_under_a_root_of_its_own(fixture: Fixture) -> None:
    """Files are read under the root; the kernel is always this machine's."""
    [entry] = fixture.read
    settings = settings_of(entry) | {"root": str(fixture.folder / "root")}
    found = await outcome(readers.load(entry["reader"]), settings)
    told = msgspec.structs.replace(
        found, reading=tuple(item for item in found.reading if item.identity != "machine:kernel")
    )
    assert told == expected(fixture.folder)
    assert len(told.reading) == len(found.reading) - 1


def test_the_table_of_faults_in_the_readme_is_what_is_tested() -> None:
    """Each fault has its row, with the result and the reason that the tests above ask for."""
    table = (DEVICES.parent / "README.md").read_text()
    for fault, (result, reason) in REASONS.items():
        assert re.search(rf"^\| `{fault}` \|.*\| {result}, `{reason}` \|$", table, re.MULTILINE), fault
    assert set(REASONS) | set(HARMLESS) == set(Fault)


def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)
    monkeypatch.setattr(mqtt, "ANSWER_S", 2.0)


def settings_of(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the configuration without the reader's name."""
    return {name: value for name, value in entry.items() if name != "reader"}


def _with_fault(plain: Expected, fault: Fault) -> Expected:
    if fault in HARMLESS:
        return plain
    result, reason = REASONS[fault]
    silent = [item for item in plain.failure if item.reason == "timeout"]
    answering = [item.identity for item in plain.reading]
    answering += [item.identity for item in plain.failure if item not in silent]
    # Who shares the line with a device that was pulled out went with it.
    if fault is Fault.UNPLUGGED and answering:
        silent = [readers.ReadFailure(identity=item.identity, result=result, reason=reason) for item in silent]
    failures = [readers.ReadFailure(identity=identity, result=result, reason=reason) for identity in answering]
    return Expected(failure=tuple(sorted(failures + silent, key=lambda item: item.identity)))


def _has_checksums(fixture: Fixture) -> bool:
    return any(step.checksum is not None for step in fixture.transcript if not step.from_program)


def _only_requests(written: bytes, fixture: Fixture) -> bool:
    """Whether the bytes are requests of the transcript, each at most once and in its order."""
    for step in fixture.transcript:
        if step.from_program:
            written = written.removeprefix(step.data)
    return not written
