"""`read --record` of lines: what comes out plays back to the same reading, and what is private changes none of it."""

import asyncio
import string
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from agent import readers
from agent.config import Source
from agent.links import modbus
from agent.readers import _described as described
from agent.readers import dsmr, line, modbus_device_id, modbus_registers, nibe, otgw, smp
from agent.readers.modbus_registers import Map
from agent.recording import record
from firmware_fixtures.fixture import Fixture, load
from firmware_fixtures.simulator import modbus as stack
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import Fault
from tests.agent.readers.expected import Expected, expected, outcome
from tests.agent.readers.test_dsmr import telegram
from tests.agent.readers.test_fixtures import SERIAL, STACKS, names, playing, settings_of
from tests.agent.readers.test_smp import IMAGES, SYSTEM, image, packet

NOW = 1_800_000_000
# What is neither understood nor silence is not recorded: it could not be told from what is private.
NOT_UNDERSTOOD = {"dsmr/kust_em1_bad-checksum", "nibe/kust_b1_bad-checksum"}
text = st.from_regex("[A-Za-z0-9][A-Za-z0-9 -]{0,20}", fullmatch=True)


async def recorded(fixture: Fixture, port: Path, folder: Path) -> tuple[Path | None, Expected]:
    """The new fixture of a device on a port, and what was read meanwhile."""
    [entry] = fixture.read
    reader = readers.load(entry["reader"])
    chosen = settings_of(entry) | {"port": str(port)}
    (done,) = await record([_source(entry["reader"], msgspec.convert(chosen, reader.Settings))], folder, NOW)
    return done.folder, await outcome(reader, chosen)


@pytest.mark.parametrize("fixture", **names(SERIAL))
async def test_a_recording_of_a_line_plays_back_to_the_same(fixture: Fixture, tmp_path: Path) -> None:
    """Over a real pty, twice: the device that was recorded, and its recording. No file has its serial number."""
    async with playing(fixture, Fault.NONE, tmp_path / "device") as device:
        folder, read = await recorded(fixture, device.path, tmp_path)
    assert (folder is None) == (fixture.name in NOT_UNDERSTOOD)
    if folder is None:
        return
    again = load(folder)
    assert again.provenance.startswith("Recorded on 2027-01-15")
    async with playing(again, Fault.NONE, tmp_path / "device") as device:
        _, replayed = await recorded(again, device.path, tmp_path / "again")
    told = expected(folder, str(device.path))
    assert replayed == told
    assert told == _without_serial_numbers(read)
    serial_numbers = [item.hardware for item in read.reading if item.hardware]
    files = "".join(file.read_text() for file in folder.iterdir())
    assert [number for number in (*serial_numbers, str(tmp_path)) if number in files] == []


@pytest.mark.parametrize("fixture", **names(STACKS))
async def test_a_recording_of_another_projects_stack(fixture: Fixture, tmp_path: Path) -> None:
    """What pymodbus's server said on a line reads the same from the recording."""
    device = Line(tmp_path / "device")
    serving = asyncio.create_task(stack.serve(device, fixture.identification, fixture.registers))
    try:
        folder, read = await recorded(fixture, device.path, tmp_path)
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        device.unplug()
    assert folder is not None
    async with playing(load(folder), Fault.NONE, tmp_path / "device") as device:
        _, replayed = await recorded(load(folder), device.path, tmp_path / "again")
    assert replayed == _without_serial_numbers(read)


async def test_a_device_behind_modbus_tcp_is_recorded_as_one_on_a_line(tmp_path: Path) -> None:
    """The frames are the same but for their envelope; neither its name nor its address is in them."""
    objects = {"VendorName": "Zonneveld", "ProductCode": "ZT-3", "MajorMinorRevision": "2.4.1"}
    identity = ModbusDeviceIdentification(info_name=objects)  # type: ignore[no-untyped-call]
    held = SimDevice(1, [SimData(0, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(held, identity=identity, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        bus = modbus_device_id.Settings(host="127.0.0.1", tcp_port=port, units=(1,))
        (done,) = await record([_source("modbus_device_id", bus)], tmp_path, NOW)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
    assert done.folder is not None
    assert "127.0.0.1" not in "".join(file.read_text() for file in done.folder.iterdir())
    async with playing(load(done.folder), Fault.NONE, tmp_path / "device") as device:
        _, replayed = await recorded(load(done.folder), device.path, tmp_path / "again")
    assert [reading.version_raw for reading in replayed.reading] == ["2.4.1"]


async def test_what_needs_a_description_of_ones_own_is_not_recorded(tmp_path: Path) -> None:
    """Nobody else has that file, and its path tells who wrote it."""
    fixture = next(fixture for fixture in SERIAL if fixture.name.startswith("line/zonneveld"))
    own = tmp_path / "own.toml"
    own.write_text('name = "Own"\nask = ["AT+GMR"]\n')
    mine = msgspec.structs.replace(fixture, read=({**fixture.read[0], "device": str(own)},))
    async with playing(fixture, Fault.NONE, tmp_path / "device") as device:
        folder, read = await recorded(mine, device.path, tmp_path)
    assert read.good
    assert folder is None


def _source(name: str, chosen: object) -> Source:
    return Source(path="read[0]", name=name, reader=readers.load(name), settings=chosen)


def _without_serial_numbers(read: Expected) -> Expected:
    return msgspec.structs.replace(
        read, reading=tuple(msgspec.structs.replace(item, hardware=None) for item in read.reading)
    )


# What differs in nothing but what is private leaves the same recording: no trace of it can be left.


@given(values=st.tuples(text, text))
@settings(deadline=None)
def test_of_a_telegram_only_firmware_is_left(values: Sequence[str]) -> None:
    """Not the serial numbers, the consumption, the messages of the utility."""
    port = dsmr.Settings(port="/dev/ttyUSB0")
    first, second = (
        dsmr.redacted(
            port, b"", telegram("1-0:0.2.0(02.21)", f"0-0:96.1.1({value})", f"1-0:1.8.1({value}*kWh)", f"({value})")
        )
        for value in values
    )
    assert first == second
    assert b"0.2.0(02.21)" in first


@given(frames=st.lists(st.binary(max_size=30), max_size=2))
@settings(deadline=None)
def test_of_a_heat_pump_only_the_product_is_left(frames: Sequence[bytes]) -> None:
    """What else it says on its bus is how the house is heated."""
    product = bytes.fromhex("5c00206d0b0124e346313135352d3136ec")
    others = b"".join(
        bytes([0x5C, 0, 0x20, 0x68, len(data)]) + data + bytes([0xFF]) for data in frames if b"\x5c" not in data
    )
    assert nibe.redacted(nibe.Settings(port="/dev/ttyUSB0"), b"", others + product) == product


@given(values=st.tuples(*[st.integers(0, 0xFFFF)] * 2), setting=st.tuples(text, text))
@settings(deadline=None)
def test_of_a_gateway_only_versions_are_left(values: Sequence[int], setting: Sequence[str]) -> None:
    """Not the temperatures that people chose, nor the gateway's settings."""
    port = otgw.Settings(port="/dev/ttyUSB0")
    first, second = (
        otgw.redacted(port, b"PR=A\r\n", f"T0018{value:04X}\r\nPR: O=T{name}\r\nB407F0C1F\r\n".encode())
        for value, name in zip(values, setting, strict=True)
    )
    assert first == second == b"PS: 0\r\nB407F0C1F\r\n"


@given(numbers=st.tuples(*[st.text(string.digits, min_size=15, max_size=15)] * 2))
@settings(deadline=None)
def test_of_a_modem_only_the_revision_is_left(numbers: Sequence[str]) -> None:
    """Not who called, nor which SIM is in it."""
    port = line.Settings(port="/dev/ttyUSB0", device="modem")
    first, second = (
        line.redacted(port, b"AT+CGMR\r\n", f'+CLIP: "{number}"\r\nLM4R02\r\n+ICCID: {number}\r\nOK\r\n'.encode())
        for number in numbers
    )
    assert first == second == b"Revision: LM4R02\r\nOK\r\n"


@given(secrets=st.tuples(text, text))
@settings(deadline=None)
def test_of_smp_only_the_image_that_runs_and_the_board_are_left(secrets: Sequence[str]) -> None:
    """Not the console, the image that waits, nor the name that the device was given."""
    port = smp.Settings(port="/dev/ttyUSB0")
    images, systems = set(), set()
    for secret in secrets:
        listed = packet(
            IMAGES, {"images": [image("1.2.3", x=secret), image(secret, active=False, slot=1)], "x": secret}
        )
        output = f"Zephyr a{secret}b 684c9e8f32e4 4.4.0 arm cortex-m4 lock Zephyr"
        console = f"<inf> {secret}\r\n".encode()
        images.add(smp.redacted(port, packet(IMAGES, {}, operation=0), console + listed))
        systems.add(smp.redacted(port, packet(SYSTEM, {}, operation=0), console + packet(SYSTEM, {"output": output})))
    assert (len(images), len(systems)) == (1, 1)


@given(secrets=st.tuples(*[st.dictionaries(st.integers(3, 255), st.binary(max_size=20), max_size=3)] * 2))
@settings(deadline=None)
def test_of_an_identification_only_the_objects_that_are_read_are_left(secrets: Sequence[dict[int, bytes]]) -> None:
    """Users name their devices in object 6, and makers put serial numbers into their own."""
    bus = modbus_device_id.Settings(port="/dev/ttyUSB0", units=(1,))
    kept = {0: b"Kust", 1: b"K1", 2: b"1.2"}
    first, second = (modbus_device_id.redacted(bus, b"", _identification(kept | secret)) for secret in secrets)
    assert first == second == _identification(kept)


def _identification(objects: dict[int, bytes]) -> bytes:
    listed = b"".join(bytes([number, len(held)]) + held for number, held in sorted(objects.items()))
    return modbus.framed(b"\x01\x2b\x0e\x01\x83\0\0" + bytes([len(objects)]) + listed)


@pytest.mark.parametrize("name", described.names("registers"))
@given(data=st.data())
@settings(deadline=None)
def test_of_registers_only_those_of_the_map_are_left(name: str, data: st.DataObject) -> None:
    """And the serial number is none of them."""
    layout = described.load("registers", name, Map)
    bus = modbus_registers.Settings(port="/dev/ttyUSB0", units=(1,), map=name)
    read = {0, 1, 2} if layout.mark else set()
    for field, place in layout.field.items():
        read |= set(range(place.at, place.at + place.count)) if field != layout.serial else set()
    answers = set()
    for _ in range(2):
        words = [7 if at in read else data.draw(st.integers(0, 0xFFFF)) for at in range(layout.count)]
        held = bytes([1, layout.function, 2 * layout.count]) + struct.pack(f">{layout.count}H", *words)
        answers.add(modbus_registers.redacted(bus, b"", modbus.framed(held)))
    assert len(answers) == 1
