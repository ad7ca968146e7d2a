"""`python -m firmware_fixtures play`, as the demo and anyone else starts it."""

import asyncio
import shutil
import signal
import sys
from pathlib import Path

import pytest
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from agent.links import mqtt
from agent.readers import ReadFailure, modbus_device_id, zigbee2mqtt
from firmware_fixtures.fixture import load
from tests.shared import ROOT
from tests.world.processes import running

FIXTURES = ROOT / "firmware_fixtures"
THERMOSTAT = FIXTURES / "devices/modbus_device_id/zonneveld_zt3_2.4.1"
PROGRAM = ("firmware_fixtures", "play")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_serial_device_is_played_until_it_is_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    """It is read under its link, and leaves neither link nor traceback."""
    link = tmp_path / "thermostat"
    async with running(tmp_path / "log", *PROGRAM, str(THERMOSTAT), "--link", str(link), until_ready=True) as (
        process,
        said,
    ):
        assert said == {"ready": True, "path": str(link)}
        [reading] = await modbus_device_id.read(modbus_device_id.Settings(port=str(link), units=(1,), timeout_s=10.0))
        assert getattr(reading, "version_raw", None) == "2.4.1"
        assert await process.end(number) == 0
        assert process.output() == ""
    assert not link.is_symlink()


async def test_a_device_may_be_played_with_a_fault(tmp_path: Path) -> None:
    """Anyone can see what an agent makes of a line that flips bits."""
    async with running(
        tmp_path / "log", *PROGRAM, str(THERMOSTAT), "--fault", "flipped_checksum", until_ready=True
    ) as (_, said):
        settings = modbus_device_id.Settings(port=said["path"], units=(1,), timeout_s=3.0)
        [failure] = await modbus_device_id.read(settings)
        assert isinstance(failure, ReadFailure)
        assert failure.reason == "crc"


async def test_a_house_is_played_until_it_is_told_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its devices are there when it says that it is ready."""
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)
    async with running(tmp_path / "log", *PROGRAM, str(FIXTURES / "house"), until_ready=True) as (process, said):
        found = await zigbee2mqtt.read(zigbee2mqtt.Settings(host="127.0.0.1", port=said["port"]))
        assert len(found) == 7
        assert await process.end() == 0
        assert process.output() == ""


async def test_a_link_left_by_a_run_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    """`kill -9` leaves the link; the next run puts its own there."""
    link = tmp_path / "port"
    async with running(tmp_path / "log", *PROGRAM, str(THERMOSTAT), "--link", str(link), until_ready=True) as (
        first,
        _,
    ):
        await first.end(signal.SIGKILL)
    assert link.is_symlink()
    async with running(tmp_path / "log", *PROGRAM, str(THERMOSTAT), "--link", str(link), until_ready=True):
        [reading] = await modbus_device_id.read(modbus_device_id.Settings(port=str(link), units=(1,), timeout_s=10.0))
        assert getattr(reading, "version_raw", None) == "2.4.1"


@pytest.mark.parametrize(
    ("folder", "options", "code", "complaint"),
    [
        ("devices", (), 66, "device.toml"),
        ("devices/gateway/zonneveld_hub2_12", (), 64, "nothing to play"),
        ("devices/modbus_device_id/zonneveld_zt3_2.4.1", ("--link", "{file}"), 69, "is no link"),
        ("house", ("--port", "{port}"), 69, "in use"),
    ],
    ids=["a folder without a device", "a device that is files", "a link where a file is", "a port that is taken"],
)
async def test_what_cannot_be_played_says_why(
    folder: str, options: tuple[str, ...], code: int, complaint: str, tmp_path: Path
) -> None:
    """In one line, with an exit code of sysexits."""
    (tmp_path / "file").touch()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        words = {"file": tmp_path / "file", "port": server.sockets[0].getsockname()[1]}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *PROGRAM,
            str(FIXTURES / folder),
            *(option.format(**words) for option in options),
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == code
    assert complaint in told.decode()
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("device.toml", "provenance = 1", "provenance"),
        ("device.toml", 'provenance = "x"\nread = []\ncolour = "red"', "colour"),
        ("transcript.txt", "? 01", "line 1"),
        ("transcript.txt", "> zz", "hexadecimal"),
    ],
    ids=["a wrong type", "an unknown key", "a line that is no frame", "a frame that is not in hex"],
)
async def test_a_faulty_folder_says_where(file: str, text: str, complaint: str, tmp_path: Path) -> None:
    """Whoever wrote it finds the place."""
    folder = tmp_path / "device"
    shutil.copytree(THERMOSTAT, folder)
    (folder / file).write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *PROGRAM, str(folder), stderr=asyncio.subprocess.PIPE
    )
    _, told = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 66
    assert complaint in told.decode()


def test_the_thermostats_transcript_is_what_pymodbus_answers() -> None:
    """Its provenance says so."""
    fixture = load(THERMOSTAT)
    objects = {number: text.encode() for number, text in enumerate(fixture.identification.values())}
    answer = ReadDeviceInformationResponse(read_code=1, information=objects, dev_id=1)
    assert FramerRTU(DecodePDU(is_server=True)).buildFrame(answer) == fixture.transcript[1].data
