"""npm's modbus-serial as the device: a Modbus stack that shares no line with the pymodbus under our link."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agent import readers
from firmware_fixtures.fixture import Fixture
from firmware_fixtures.simulator.line import Line, join
from tests.agent.readers.expected import expected, outcome
from tests.agent.readers.test_fixtures import STACKS, names, settings_of
from tests.stacks.programs import SCRIPTS, node

Objects = Mapping[str, str]
Registers = Mapping[int, bytes]
PATIENT_S = 8.0  # another process answers


@asynccontextmanager
async def device(log: Path, objects: Objects, registers: Registers, port: Path | None = None) -> AsyncIterator[str]:
    """A device that holds these; its TCP port, where it is given no serial one."""
    held = {str(address): data.hex() for address, data in registers.items()}
    told = {"identification": objects, "registers": held, "port": port and str(port)}
    async with node(log, r"ready on (\w+)", SCRIPTS / "modbus_serial.js", json.dumps(told)) as found:
        yield found


@asynccontextmanager
async def crossed() -> AsyncIterator[tuple[Line, Line]]:
    """Both ends of a serial line."""
    ends = Line(), Line()
    wires = asyncio.create_task(join(*ends))
    try:
        yield ends
    finally:
        wires.cancel()
        with suppress(asyncio.CancelledError):
            await wires
        for end in ends:
            end.unplug()


@pytest.mark.parametrize("fixture", **names(STACKS))
async def test_over_a_serial_line(fixture: Fixture, tmp_path: Path) -> None:
    """The same reading as from recorded frames."""
    [entry] = fixture.read
    held = (fixture.identification, fixture.registers)
    async with crossed() as (ours, theirs), device(tmp_path / "log", *held, theirs.path):
        settings = settings_of(entry) | {"port": str(ours.path), "timeout_s": PATIENT_S}
        for _ in range(2):  # a second round, as the agent makes one every hour
            found = await outcome(readers.load(entry["reader"]), settings)
            assert found == expected(fixture.folder, settings["port"])


@pytest.mark.parametrize("fixture", **names(STACKS))
async def test_over_tcp(fixture: Fixture, tmp_path: Path) -> None:
    """The same again, in the other framing."""
    [entry] = fixture.read
    line = {"port", "baud", "parity", "stop_bits", "echo"}
    settings = {name: value for name, value in settings_of(entry).items() if name not in line}
    async with device(tmp_path / "log", fixture.identification, fixture.registers) as port:
        settings |= {"host": "127.0.0.1", "tcp_port": int(port), "timeout_s": PATIENT_S}
        found = await outcome(readers.load(entry["reader"]), settings)
    assert found == expected(fixture.folder, f"127.0.0.1:{port}")


async def test_an_identification_that_takes_two_answers(tmp_path: Path) -> None:
    """The second begins with the object that did not fit into the first."""
    objects = {"VendorName": "V" * 120, "ProductCode": "P" * 120, "MajorMinorRevision": "2.4.1"}
    async with crossed() as (ours, theirs), device(tmp_path / "log", objects, {}, theirs.path):
        found = await outcome(
            readers.load("modbus_device_id"), {"port": str(ours.path), "units": [1], "timeout_s": PATIENT_S}
        )
        [reading] = found.reading
    assert (reading.ids, reading.version_raw) == ((f"modbus:{'V' * 120}/{'P' * 120}",), "2.4.1")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"reader": "modbus_device_id"}, "exception_1"),
        ({"reader": "modbus_registers", "map": "sunspec"}, "exception_2"),
    ],
    ids=["the function", "the registers"],
)
async def test_a_device_that_does_not_know(entry: dict[str, str], reason: str, tmp_path: Path) -> None:
    """It says so, which is an outcome of its own."""
    async with device(tmp_path / "log", {}, {}) as port:
        settings = settings_of(entry) | {
            "host": "127.0.0.1",
            "tcp_port": int(port),
            "units": [1],
            "timeout_s": PATIENT_S,
        }
        found = await outcome(readers.load(entry["reader"]), settings)
    [failure] = found.failure
    assert (failure.result, failure.reason) == ("refused", reason)
