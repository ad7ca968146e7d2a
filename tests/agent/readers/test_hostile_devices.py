"""Devices that mean ill, or are mad: each costs its reader its time, a little memory, and one stable reason.

Each reader is here, and with each of a line or a broker: ten million bytes as fast as they are taken, and one byte at a
time without end. What comes is what the reader waits for, begun again and again.
"""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from pymodbus.framer.rtu import FramerRTU

from agent import readers
from agent.links import mdns as links_mdns
from agent.links import mqtt
from firmware_fixtures.fixture import Service
from firmware_fixtures.simulator import mdns
from firmware_fixtures.simulator.line import Line
from tests.agent.readers.expected import outcome
from tests.shared import ROOT
from tests.world.tcp import serving

FLOOD_BYTES = 10_000_000
MAX_MEMORY_BYTES = 8 * 2**20  # for reader and simulated device together; less than what is sent
TIMEOUT_S, TIME_S = 0.3, 60.0
REASONS = {"timeout", "truncated", "garbled", "crc", "too_large", "silent", "malformed"}

BABBLE = {
    "dsmr": b"/KST5E360\r\n\r\n1-0:0.2.0(1.00)\r\n",
    "line": b"AT version:1\r\n+CREG: 1\r\n5c\r",
    "nibe": b"\x5c\x00\x20\x6d\xf0\x01",
    "otgw": b"T0012000\r\nopen",
    "smp": b"\x06\x09AP0BAADzAAEAAL9maW1hZ2Vz\n",
    "modbus_device_id": b"\x01\x2b\x0e\x01\x83\x00\x00\x7f",
    "modbus_registers": b"\x01\x03\x88SunS",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "line": {"device": "modem"},
    "modbus_device_id": {"units": [1]},
    "modbus_registers": {"units": [1], "map": "sunspec"},
}
REQUESTS = {
    "dsmr": b"",
    "nibe": b"",
    "otgw": b"PR=A\r\n",
    "line": b"AT\r\n",
    "smp": b"\x06\x09AAsAAAABAAEAAKCG/g==\n",
    "modbus_device_id": bytes.fromhex("012b0e01007077"),
    "modbus_registers": bytes.fromhex("01039c4000446a7d"),
}
HOUSES = ("esphome", "home_assistant", "shelly", "tasmota", "zigbee2mqtt")
TREE = "sys/firmware/devicetree/base"
OWN = ("gateway", "mdns")  # which have tests of their own below
CONNECT, CONNACK, SUBSCRIBE, PUBLISH = 0x10, b"\x20\x02\x00\x00", 0x82, 0x30


def test_every_reader_meets_them() -> None:
    """A new one too."""
    assert {file.stem for file in (ROOT / "agent/readers").glob("[a-z]*.py")} == {*BABBLE, *HOUSES, *OWN}


Babbling = Callable[[Line, bytes], Coroutine[Any, Any, None]]
Talking = Callable[[asyncio.StreamWriter, bytes], Coroutine[Any, Any, None]]


async def flood(line: Line, babble: bytes) -> None:
    """As fast as it is taken."""
    chunk = babble * (4096 // len(babble))
    for _ in range(FLOOD_BYTES // len(chunk)):
        line.send(chunk)
        await asyncio.sleep(0)


async def dribble(line: Line, babble: bytes) -> None:
    """One byte, and then another."""
    for byte in cycle(babble):
        line.send(bytes([byte]))
        await asyncio.sleep(0.01)


@asynccontextmanager
async def babbling(path: Path, talk: Babbling, babble: bytes) -> AsyncIterator[Line]:
    """A device that talks as soon as its port is opened."""
    line = Line(path)

    async def speak() -> None:
        await line.opened()
        await talk(line, babble)

    speaking = asyncio.create_task(speak())
    try:
        yield line
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        line.unplug()


@pytest.fixture
def _bounded() -> Iterator[None]:
    """In time, and in memory; what libraries take is not counted."""
    for name in (*BABBLE, *HOUSES, *OWN):
        readers.load(name)
    tracemalloc.start()
    began = time.monotonic()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < TIME_S
    assert peak < MAX_MEMORY_BYTES


@pytest.mark.usefixtures("_bounded")
@pytest.mark.parametrize("talk", [flood, dribble])
@pytest.mark.parametrize("name", BABBLE)
async def test_a_device_that_never_comes_to_an_end(name: str, talk: Babbling, tmp_path: Path) -> None:
    """One failure, whose reason is one of those that there are; and one request was written, or none."""
    async with babbling(tmp_path / "port", talk, BABBLE[name]) as line:
        settings = {"port": str(line.path), "timeout_s": TIMEOUT_S, **SETTINGS.get(name, {})}
        found = await outcome(readers.load(name), settings)
    assert not found.reading
    assert {item.reason for item in found.failure} <= REASONS
    assert len(found.failure) == 1
    assert bytes(line.written) in (b"", REQUESTS[name])


@pytest.mark.usefixtures("_bounded")
@pytest.mark.parametrize("following", [[0], [1, 0], [1, 2, 1], [1, 1], [0x80, 0x81], [3, 0]])
async def test_an_identification_that_always_goes_on(following: list[int], tmp_path: Path) -> None:
    """Each answer says that more follows: at most the three objects that are wanted are asked for, each once."""
    line, asked = Line(tmp_path / "port"), []

    async def answer() -> None:
        for then in cycle(following):
            request = await line.receive()
            asked.append(request[4])
            body = bytes([1, 0x2B, 0x0E, 1, 0x83, 0xFF, then, 1, 0x90, 1, 0x41])
            line.send(body + FramerRTU.compute_CRC(body).to_bytes(2, "big"))

    answering = asyncio.create_task(answer())
    try:
        found = await outcome(readers.load("modbus_device_id"), {"port": str(line.path), "units": [1]})
    finally:
        answering.cancel()
        line.unplug()
    assert asked == sorted(set(asked))
    assert set(asked) <= {0, 1, 2}
    assert {item.reason for item in found.failure} <= {"garbled"}
    assert len(found.reading) + len(found.failure) == 1


@asynccontextmanager
async def rogue(talk: Talking) -> AsyncIterator[tuple[int, bytearray]]:
    """A broker that grants a subscription and then talks; its port, and what was published to it."""
    published = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking = []
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                kind, body = await _packet(reader)
                if kind == CONNECT:
                    writer.write(CONNACK)
                elif kind == PUBLISH:
                    published.extend(body)
                elif kind == SUBSCRIBE:
                    filters = _filters(body[2:])
                    writer.write(bytes([0x90, 2 + len(filters)]) + body[:2] + bytes(len(filters)))
                    talking.append(asyncio.create_task(talk(writer, filters[0].replace(b"+", b"x"))))
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    async with serving(serve) as port:
        yield port, published


async def flood_topics(writer: asyncio.StreamWriter, topic: bytes) -> None:
    """Ten million bytes of messages that are asked for, each under the same topic."""
    message = _publish(topic, b'{"ieee_address": "' + b"x" * 3000)
    for _ in range(FLOOD_BYTES // len(message)):
        writer.write(message)
        await writer.drain()


async def dribble_topics(writer: asyncio.StreamWriter, topic: bytes) -> None:
    """A message whose end never comes."""
    for byte in _publish(topic, b"[" * 10_000):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("_bounded")
@pytest.mark.parametrize("talk", [flood_topics, dribble_topics])
@pytest.mark.parametrize("name", HOUSES)
async def test_a_broker_that_never_comes_to_an_end(name: str, talk: Talking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read, and nothing published but what devices are asked once a round."""
    monkeypatch.setattr(mqtt, "MAX_BYTES", 10**6)
    monkeypatch.setattr(mqtt, "COLLECT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.3)
    async with rogue(talk) as (port, published):
        found = await outcome(readers.load(name), {"host": "127.0.0.1", "port": port})
    assert not found.reading
    assert {item.reason for item in found.failure} | {found.source.reason if found.source else "silent"} <= REASONS
    assert bytes(published) in (b"", _published(b"shellies/command", b"announce"))


@pytest.mark.usefixtures("_bounded")
async def test_files_of_a_gateway_that_do_not_end(tmp_path: Path) -> None:
    """As much of each is read as any of them has."""
    for name in ("etc/os-release", *(f"{TREE}/chosen/bootloader/{leaf}" for leaf in ("build-timestamp", "version"))):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as written:
            for _ in range(FLOOD_BYTES // 24_000):
                written.write(b"ID=debian\nVERSION_ID=12\n" * 1000)
    found = await outcome(readers.load("gateway"), {"root": str(tmp_path)})
    assert found.failure == ()
    assert "12" in {item.version_raw for item in found.reading}


@pytest.mark.usefixtures("_bounded", "the_only_network")
async def test_a_network_with_more_services_than_any_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many of them are asked for their record, and no more."""
    monkeypatch.setattr(links_mdns, "BROWSE_S", 3.0)
    monkeypatch.setattr(links_mdns, "MAX_SERVICES", 3)
    told = [Service("_shelly._tcp.local.", f"shellyrelay2-024b5503000{n}", {"ver": "1"}) for n in range(6)]
    async with mdns.playing(told):
        found = await outcome(readers.load("mdns"), {"interfaces": ["127.0.0.1"]})
    assert len(found.reading) == 3


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, size = await reader.readexactly(2)
    return kind, await reader.readexactly(size)


def _filters(body: bytes) -> list[bytes]:
    found = []
    while body:
        size = int.from_bytes(body[:2], "big")
        found.append(body[2 : 2 + size])
        body = body[3 + size :]
    return found


def _published(topic: bytes, payload: bytes) -> bytes:
    return len(topic).to_bytes(2, "big") + topic + payload


def _publish(topic: bytes, payload: bytes) -> bytes:
    body = _published(topic, payload)
    return bytes([PUBLISH, 0x80 | len(body) & 0x7F, len(body) >> 7]) + body
