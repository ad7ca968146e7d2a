"""What the wire does to packets, between a client of a few bytes and a broker that writes down what comes."""

import asyncio
from collections.abc import Callable

import pytest

from tests.faults.proxy import Cut, Drop, Duplicate, Proxy, Reorder, Spoiler, Way, published, read_packet
from tests.world.tcp import serving

PING = b"\xc0\x00"


def packet(number: int, size: int = 3) -> bytes:
    """A PUBLISH at QoS 1 on the topic `t`."""
    body = b"\x00\x01t" + number.to_bytes(2, "big") + bytes([number]) * size
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 0x80, len(body) // 128])
    return b"\x32" + length + body


FIRST, SECOND, THIRD = packet(1), packet(2, size=500), packet(3)


@pytest.mark.parametrize(
    ("spoiler", "arrives"),
    [
        pytest.param(lambda: Drop(Way.TO_BROKER, 1), [PING, SECOND, THIRD], id="the first is dropped"),
        pytest.param(lambda: Drop(Way.TO_BROKER, 2), [PING, THIRD], id="two are dropped"),
        pytest.param(lambda: Drop(Way.TO_CLIENT, 1), [PING, FIRST, SECOND, THIRD], id="the other way is spoilt"),
        pytest.param(lambda: Duplicate(Way.TO_BROKER, 1), [PING, FIRST, FIRST, SECOND, THIRD], id="one is doubled"),
        pytest.param(lambda: Reorder(Way.TO_BROKER, 2), [PING, SECOND, FIRST, THIRD], id="two change places"),
        pytest.param(lambda: Reorder(Way.TO_BROKER, 9), [PING], id="what is held for ever is lost"),
        pytest.param(lambda: Cut(Way.TO_BROKER, 1), [PING, FIRST[: len(FIRST) // 2]], id="cut in the first"),
    ],
)
async def test_packets_are_spoilt(spoiler: Callable[[], Spoiler], arrives: list[bytes]) -> None:
    """As the spoiler says; what is no PUBLISH or PUBACK passes."""
    came, over = bytearray(), asyncio.Event()

    async def broker(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            came.extend(data)
        over.set()

    seen: list[tuple[str, bytes]] = []
    async with serving(broker) as port:
        proxy = Proxy(port, lambda topic, payload: seen.append((topic, payload)))
        async with proxy.carrying():
            spoiling = asyncio.create_task(proxy.spoil(spoiler(), within_s=30))
            await asyncio.sleep(0)
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(PING + FIRST + SECOND + THIRD)
            writer.write_eof()
            await asyncio.wait_for(over.wait(), 30)
            writer.close()
        spoiling.cancel()
    assert bytes(came) == b"".join(arrives)
    assert seen[0] == ("t", b"\x01" * 3)


async def test_what_is_held_comes_when_it_is_let_go() -> None:
    """Nothing passes meanwhile."""
    came = asyncio.Event()

    async def broker(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await read_packet(reader) == FIRST
        came.set()

    async with serving(broker) as port:
        proxy = Proxy(port)
        async with proxy.carrying():
            holding = asyncio.create_task(proxy.hold(0.3))
            await asyncio.sleep(0)
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(FIRST)
            done, _ = await asyncio.wait(
                {holding, waiting := asyncio.create_task(came.wait())}, return_when="FIRST_COMPLETED"
            )
            assert done == {holding}
            assert holding.result()
            await asyncio.wait_for(waiting, 30)
            writer.close()


@pytest.mark.parametrize("size", [0, 1, 120, 121, 122, 123, 5000])
def test_the_witness_reads_topic_and_payload(size: int) -> None:
    """Whatever the length of the packet's length."""
    assert published(packet(7, size)) == ("t", b"\x07" * size)
