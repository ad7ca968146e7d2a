"""A wire between an MQTT client and its broker that spoils what passes, packet by packet.

A packet is carried whole, as the fixed header of MQTT 3.1.1, section 2.2, gives its length; what is in it matters only
where it is a PUBLISH, which a witness may look at before anything befalls it. Connections share what is wrong with
their wire. What is asked of it ends by itself: a spoiler after so many packets or seconds, a held wire after its time.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum

LOOPBACK = "127.0.0.1"
PUBLISH, PUBACK = 0x30, 0x40

Witness = Callable[[str, bytes], None]


class Way(Enum):
    """Which way a packet goes."""

    TO_BROKER = "to the broker"
    TO_CLIENT = "to the client"


class Spoiler(ABC):
    """Befalls the next packets of some kinds that go one way on one connection, the first that has one.

    Args:
        way: Which way.
        count: How many packets.
        kinds: Of which packet types.
    """

    def __init__(self, way: Way, count: int, kinds: Sequence[int] = (PUBLISH, PUBACK)) -> None:
        self.way = way
        self._left = count
        self._kinds = kinds
        self._connection: asyncio.StreamWriter | None = None
        self.met = 0
        self.done = asyncio.Event()

    def takes(self, packet: bytes, connection: asyncio.StreamWriter) -> bool:
        """Whether this packet is one of those."""
        if self.done.is_set() or packet[0] & 0xF0 not in self._kinds:
            return False
        self._connection = self._connection or connection
        return self._connection is connection

    def spoil(self, packet: bytes) -> list[bytes]:
        """What becomes of it."""
        self.met += 1
        spoilt = self._spoilt(packet)
        if self.met == self._left:
            self.done.set()
        return spoilt

    @abstractmethod
    def _spoilt(self, packet: bytes) -> list[bytes]:
        """What of it arrives."""


class Drop(Spoiler):
    """They never arrive, though the connection stands."""

    def _spoilt(self, packet: bytes) -> list[bytes]:  # noqa: ARG002  # every packet the same
        return []


class Duplicate(Spoiler):
    """They arrive twice."""

    def _spoilt(self, packet: bytes) -> list[bytes]:
        return [packet, packet]


class Reorder(Spoiler):
    """They arrive together and in the opposite order once the last has come; if it never comes, they are lost."""

    def __init__(self, way: Way, count: int, kinds: Sequence[int] = (PUBLISH,)) -> None:
        super().__init__(way, count, kinds)
        self._held: list[bytes] = []

    def _spoilt(self, packet: bytes) -> list[bytes]:
        self._held.insert(0, packet)
        return self._held if self.met == self._left else []


class HangupError(Exception):
    """The wire is to be cut here."""


class Cut(Spoiler):
    """Half of a packet arrives, and the connection is gone."""

    def _spoilt(self, packet: bytes) -> list[bytes]:
        return [packet[: len(packet) // 2]]


class Proxy:
    """One wire, for all connections that are made over it.

    Args:
        broker: Port of the broker.
        witness: Told topic and payload of each PUBLISH that a client or the broker has sent.
    """

    def __init__(self, broker: int, witness: Witness = lambda _topic, _payload: None) -> None:
        self.port = 0
        self._broker = broker
        self._witness = witness
        self._spoilers: list[Spoiler] = []
        self._open = asyncio.Event()
        self._open.set()
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        """Take connections for the length of a block."""
        server = await asyncio.start_server(self._connect, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def spoil(self, spoiler: Spoiler, within_s: float) -> bool:
        """Let a spoiler work until it is done, or its time is up; whether it met anything."""
        self._spoilers.append(spoiler)
        try:
            async with asyncio.timeout(within_s):
                await spoiler.done.wait()
        except TimeoutError:
            pass
        finally:
            self._spoilers.remove(spoiler)
        return spoiler.met > 0

    async def hold(self, seconds: float) -> bool:
        """Let nothing through for a while; whether anybody was on the wire."""
        self._open.clear()
        try:
            await asyncio.sleep(seconds)
            return bool(self._connections)
        finally:
            self._open.set()

    def cut(self) -> bool:
        """Break all connections; whether there was one."""
        for connection in self._connections:
            connection.cancel()
        return bool(self._connections)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.IncompleteReadError, HangupError, asyncio.CancelledError):
            pass  # either end hung up, or we do
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._broker)
        ways = [
            asyncio.create_task(self._pump(reader, far_writer, Way.TO_BROKER)),
            asyncio.create_task(self._pump(far_reader, writer, Way.TO_CLIENT)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        while True:
            packet = await read_packet(reader)
            if packet[0] & 0xF0 == PUBLISH:
                self._witness(*published(packet))
            await self._open.wait()
            spoiler = next((one for one in self._spoilers if one.way is way and one.takes(packet, writer)), None)
            for part in [packet] if spoiler is None else spoiler.spoil(packet):
                writer.write(part)
            await writer.drain()
            if isinstance(spoiler, Cut):
                raise HangupError


async def read_packet(reader: asyncio.StreamReader) -> bytes:
    """The next packet (section 2.2: one byte of type and flags, one to four of length, the rest).

    Raises:
        IncompleteReadError: The connection ended.
    """
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:]))
    return head + await reader.readexactly(size)


def published(packet: bytes) -> tuple[str, bytes]:
    """Topic and payload of a PUBLISH of MQTT 3.1.1 (section 3.3)."""
    place = 1
    while packet[place] & 0x80:
        place += 1
    topic = place + 3
    end = topic + int.from_bytes(packet[place + 1 : topic], "big")
    packet_id = 2 if packet[0] & 0x06 else 0
    return packet[topic:end].decode(), packet[end + packet_id :]
