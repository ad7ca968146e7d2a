"""Each way in which a bus cannot be reached has its own reason, and what a device sends costs bounded memory."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
import serial  # type: ignore[import-untyped]  # pyserial ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from agent.errors import LinkError
from agent.links import modbus
from agent.readers import ReadFailure, modbus_device_id
from agent.readers.modbus_device_id import Settings
from evidence.report import Result
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import parse, play
from tests.world.tcp import Handler, serving


async def read(**settings: Any) -> tuple[Result, str]:
    """Result and reason of the one unit asked."""
    [outcome] = await modbus_device_id.read(msgspec.convert({"units": [1], "timeout_s": 0.15} | settings, Settings))
    assert isinstance(outcome, ReadFailure)
    return outcome.result, outcome.reason


async def test_a_port_that_another_program_holds_is_busy(tmp_path: Path) -> None:
    """Two openers: the second is told so, and both go on."""
    line = Line(tmp_path / "port")
    try:
        with serial.Serial(str(line.path), exclusive=True):
            assert await read(port=str(line.path)) == (Result.UNREACHABLE, "busy")
        assert await read(port=str(line.path)) == (Result.UNREACHABLE, "timeout")
        assert line.written.count(b"\x01\x2b") == 1
    finally:
        line.unplug()


async def test_a_port_is_released_after_reading(tmp_path: Path) -> None:
    """Others may have it until the next round."""
    line = Line(tmp_path / "port")
    try:
        await read(port=str(line.path))
        serial.Serial(str(line.path), exclusive=True).close()
    finally:
        line.unplug()


async def test_paths_that_are_no_port(tmp_path: Path) -> None:
    """A path that is not there differs from one that is something else."""
    file = tmp_path / "file"
    file.touch()
    assert await read(port=str(tmp_path / "nothing")) == (Result.UNREACHABLE, "no_such_port")
    assert await read(port=str(file)) == (Result.UNREACHABLE, "not_a_port")
    assert await read(port=str(tmp_path)) == (Result.UNREACHABLE, "not_a_port")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
async def test_a_port_without_permission(tmp_path: Path) -> None:
    """Who is not in the group dialout is told."""
    line = Line(tmp_path / "port")
    try:
        os.chmod(line.path, 0)  # noqa: PTH101  # a pty of our own does not block
        assert await read(port=str(line.path)) == (Result.UNREACHABLE, "no_permission")
    finally:
        line.unplug()


async def test_a_line_that_never_stops_talking(tmp_path: Path) -> None:
    """A flood is garbage, whatever its size, and ends with the time limit."""
    line = Line(tmp_path / "port")

    async def flood() -> None:
        await line.receive()
        while True:
            line.send(b"\x55" * 4096)
            await asyncio.sleep(0)

    flooding = asyncio.create_task(flood())
    try:
        assert await read(port=str(line.path)) == (Result.PARSE_FAILED, "garbled")
    finally:
        flooding.cancel()
        line.unplug()


async def test_an_adapter_that_sends_our_own_bytes_back(tmp_path: Path) -> None:
    """Where the configuration says so, they are not taken for the answer."""
    line = Line(tmp_path / "port")
    request = "01 2b 0e 01 00 70 77"
    playing = asyncio.create_task(play(line, parse(f"> {request}\n< {request}\n< 01 ab 01 9e f0")))
    try:
        assert await read(port=str(line.path), echo=True, timeout_s=5.0) == (Result.REFUSED, "exception_1")
    finally:
        playing.cancel()
        line.unplug()


async def test_an_answer_whose_checksum_fits_and_whose_content_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told at once, and leaves no exception behind in the event loop."""
    line = Line(tmp_path / "port")
    playing = asyncio.create_task(play(line, parse("> 01 2b 0e 01 00 70 77\n< 01 11 00 2c 50")))
    try:
        async with asyncio.timeout(2):
            assert await read(port=str(line.path), timeout_s=5.0) == (Result.PARSE_FAILED, "garbled")
    finally:
        playing.cancel()
        line.unplug()
    assert "Traceback" not in caplog.text


async def test_a_line_that_hangs_up_while_it_is_open(tmp_path: Path) -> None:
    """The adapter was pulled out before it answered."""
    line = Line(tmp_path / "port")
    reading = asyncio.create_task(read(port=str(line.path)))
    await line.receive()
    line.unplug()
    assert await reading == (Result.UNREACHABLE, "closed")


async def _hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _talks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


@pytest.mark.parametrize(
    ("handle", "result", "reason"),
    [
        (_hangs_up, Result.UNREACHABLE, "closed"),
        (_is_silent, Result.UNREACHABLE, "timeout"),
        (_talks_http, Result.PARSE_FAILED, "garbled"),
    ],
    ids=["hangs up", "is silent", "talks HTTP"],
)
async def test_a_tcp_port_where_no_modbus_is(handle: Handler, result: Result, reason: str) -> None:
    """What listens there is told by what it does."""
    async with serving(handle) as port:
        assert await read(host="127.0.0.1", tcp_port=port) == (result, reason)


async def test_a_tcp_port_where_nothing_is() -> None:
    """A refused connection, and a name that is none."""
    with socket.socket() as nobody:  # has a port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        refused = await read(host="127.0.0.1", tcp_port=nobody.getsockname()[1])
    assert refused == (Result.UNREACHABLE, "connection_refused")
    assert await read(host="x" * 64) == (Result.UNREACHABLE, "no_such_host")


async def test_modbus_tcp_is_read_like_a_serial_line() -> None:
    """pymodbus's own TCP server gives the same reading."""
    objects = {"VendorName": "Zonneveld", "ProductCode": "ZT-3", "MajorMinorRevision": "2.4.1"}
    identity = ModbusDeviceIdentification(info_name=objects)  # type: ignore[no-untyped-call]
    device = SimDevice(1, [SimData(0, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(device, identity=identity, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        [reading] = await modbus_device_id.read(Settings(host="127.0.0.1", tcp_port=port, units=(1,)))
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
    assert (reading.identity, getattr(reading, "version_raw", None)) == (f"link:127.0.0.1:{port}/1", "2.4.1")


@given(body=st.binary(min_size=1, max_size=250) | st.sampled_from([b"\x01\x11\x00", bytes.fromhex("010c033ea30f")]))
@settings(max_examples=300, deadline=None)
def test_no_frame_makes_the_framer_raise(body: bytes) -> None:
    """It works inside the event loop, where an exception would be lost and the reader left waiting."""
    frame = body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
    FramerRTU(modbus._Decoder(is_server=False)).handleFrame(frame, 0, 0)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"port": "/dev/ttyUSB0", "host": "heatpump", "units": [1]}, "either `port`"),
        ({"units": [1]}, "either `port`"),
        ({"port": "ttyUSB0", "units": [1]}, r"\$\.port"),
        ({"port": "/dev/ttyUSB0"}, "units"),
        ({"port": "/dev/ttyUSB0", "units": []}, r"\$\.units"),
        ({"port": "/dev/ttyUSB0", "units": [0]}, r"\$\.units\[0\]"),
        ({"port": "/dev/ttyUSB0", "units": list(range(1, 18))}, r"\$\.units"),
        ({"port": "/dev/ttyUSB0", "units": [1, 2, 3, 4], "timeout_s": 5.0}, "fewer or a shorter"),
        ({"port": "/dev/ttyUSB0", "units": [1], "bauds": 9600}, "bauds"),
    ],
    ids=[
        "a port and a host",
        "neither port nor host",
        "a port that is no path",
        "no units",
        "an empty list of units",
        "the broadcast address",
        "a scan",
        "units that take longer than a round may",
        "an unknown key",
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    """With the path of the fault, or what to do."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(settings, Settings)


def test_a_recorded_refusal_is_one_without_a_device() -> None:
    """A frame of exception 2 says refused; half of it, truncated; nothing, too."""
    frame = bytes.fromhex("01 ab 02 de f1")
    for data, reason in ((frame, "exception_2"), (frame[:3], "truncated"), (b"", "truncated")):
        with pytest.raises(LinkError) as caught:
            modbus.parse_identification(data)
        assert caught.value.reason == reason
