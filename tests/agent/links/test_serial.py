"""Each way in which a line cannot be used has its own reason, and what a device sends costs bounded memory and time."""

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import serial  # type: ignore[import-untyped]  # pyserial ships no types

from agent.errors import LinkError
from agent.links.serial import MAX_LINE_BYTES, Client, Lines, Port
from evidence.report import Result
from firmware_fixtures.simulator.line import Line


async def refusal(path: Path, wait_s: float = 0.15) -> tuple[Result, str]:
    """Result and reason of listening in vain."""
    with pytest.raises(LinkError) as caught:
        async with Client(Port(port=str(path), timeout_s=wait_s)) as port:
            await port.listen(lambda _: False)
    return caught.value.result, caught.value.reason


async def test_a_port_that_another_program_holds_is_busy(tmp_path: Path) -> None:
    """Two openers: the second is told so, and may have it afterwards."""
    line = Line(tmp_path / "port")
    try:
        with serial.Serial(str(line.path), exclusive=True):
            assert await refusal(line.path) == (Result.UNREACHABLE, "busy")
        assert await refusal(line.path) == (Result.UNREACHABLE, "timeout")
        serial.Serial(str(line.path), exclusive=True).close()
    finally:
        line.unplug()


async def test_paths_that_are_no_port(tmp_path: Path) -> None:
    """A path that is not there differs from one that is something else."""
    file = tmp_path / "file"
    file.touch()
    assert await refusal(tmp_path / "nothing") == (Result.UNREACHABLE, "no_such_port")
    assert await refusal(file) == (Result.UNREACHABLE, "not_a_port")
    assert await refusal(tmp_path) == (Result.UNREACHABLE, "not_a_port")


async def test_a_port_that_goes_away_while_it_is_listened_to(tmp_path: Path) -> None:
    """It is told at once, not when the time is up."""
    line = Line(tmp_path / "port")
    listening = asyncio.create_task(refusal(line.path, 50.0))
    await line.opened()
    line.unplug()
    async with asyncio.timeout(30):
        assert await listening == (Result.UNREACHABLE, "closed")


async def test_a_line_that_never_stops_talking_ends_in_time(tmp_path: Path) -> None:
    """And what else the agent does goes on meanwhile."""
    line = Line(tmp_path / "port")

    async def flood() -> None:
        while True:
            line.send(b"\x55" * 4096)
            await asyncio.sleep(0)

    flooding = asyncio.create_task(flood())
    chunks: list[int] = []

    def take(data: bytes) -> bool:
        chunks.append(len(data))
        return False

    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with Client(Port(port=str(line.path), timeout_s=0.2)) as port:
            assert not await port.listen(take)
    finally:
        flooding.cancel()
        line.unplug()
    assert clock() - began < 2
    assert len(chunks) > 1
    assert max(chunks) <= 4096


async def test_a_line_that_takes_no_bytes(tmp_path: Path) -> None:
    """A request that is stuck is no silence of the device, and closing the port does not wait for it."""
    line = Line(tmp_path / "port")
    asyncio.get_running_loop().remove_reader(line._master)
    try:
        async with Client(Port(port=str(line.path))) as port:
            with pytest.raises(LinkError) as caught:
                port.write(b"x" * 2**20)
        assert caught.value.reason == "blocked"
    finally:
        line.unplug()


async def test_what_is_written_to_a_port_that_is_gone(tmp_path: Path) -> None:
    """It is closed, as when listening."""
    line = Line(tmp_path / "port")
    async with Client(Port(port=str(line.path))) as port:
        line.unplug()
        with pytest.raises(LinkError) as caught:
            port.write(b"AT\r\n")
    assert caught.value.reason == "closed"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
async def test_a_port_without_permission(tmp_path: Path) -> None:
    """Who is not in the group dialout is told."""
    line = Line(tmp_path / "port")
    try:
        os.chmod(line.path, 0)  # noqa: PTH101  # a pty of our own does not block
        assert await refusal(line.path) == (Result.UNREACHABLE, "no_permission")
    finally:
        line.unplug()


@pytest.mark.parametrize(
    ("chunks", "lines", "begun"),
    [
        ([b"one\r\ntwo\n\n", b"thr", b"ee\rfour"], [b"one", b"two", b"three"], b"four"),
        ([b"x" * 4096] * 300 + [b"\r\nnext\n"], [b"next"], b""),
        ([b"x" * MAX_LINE_BYTES + b"\n"], [b"x" * MAX_LINE_BYTES], b""),
    ],
    ids=["whatever ends them", "a line without end", "the longest"],
)
def test_lines(chunks: list[bytes], lines: list[bytes], begun: bytes) -> None:
    """However they are cut, they come whole and once; one that is too long is dropped."""
    found = Lines()
    assert [line for chunk in chunks for line in found.feed(chunk)] == lines
    assert found.begun == begun


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"port": "ttyUSB0"}, "port"),
        ({"port": "/dev/x", "baud": 1}, "baud"),
        ({"port": "/dev/x", "timeout_s": 0}, "timeout_s"),
    ],
    ids=["a port that is no path", "a baud rate that no port has", "no time"],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], path: str) -> None:
    """With the path of the fault."""
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{path}"):
        msgspec.convert(settings, Port)
