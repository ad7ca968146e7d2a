"""A connection that ends while something is to be written, and a task that ends while it is: neither leaves a trace."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiomqtt import MqttError

from agent.mqtt import Client

CONNACK, PUBACK = b"\x20\x02\x00\x00", b"\x40\x02"


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Client, socket.socket]]:
    """A client, and the broker's end of its connection, of which each byte is ours to time."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        client = Client("127.0.0.1", listening.getsockname()[1])
        entering = asyncio.create_task(client.__aenter__())
        broker, _ = await loop.sock_accept(listening)
        with broker:
            await loop.sock_recv(broker, 1000)
            await loop.sock_sendall(broker, CONNACK)
            await entering
            yield client, broker
        await client.__aexit__(None, None, None)


@pytest.mark.parametrize("turns", range(4))
async def test_a_broker_that_dies_under_a_message_leaves_no_traceback(turns: int) -> None:
    """Whichever turn of the event loop it dies in; who listens is told."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with connected() as (client, broker):
        sending = asyncio.create_task(client.publish("a", b"b", qos=1))
        for _ in range(turns):
            await asyncio.sleep(0)
        broker.close()
        with pytest.raises(MqttError):
            await anext(client.messages)
        sending.cancel()
        with pytest.raises((asyncio.CancelledError, MqttError)):
            await sending
    assert complaints == []


@pytest.mark.parametrize("turns", range(8))
async def test_who_is_told_to_end_ends_though_the_acknowledgement_comes_at_that_moment(turns: int) -> None:
    """Whichever turn of the event loop it comes in: a service would else send for ever."""
    async with connected() as (client, broker):
        sending = asyncio.create_task(client.publish("a", b"b", qos=1))
        published = await asyncio.get_running_loop().sock_recv(broker, 1000)
        broker.send(PUBACK + published[5:7])
        for _ in range(turns):
            await asyncio.sleep(0)
        was_told = sending.cancel()
        await asyncio.wait({sending})
        assert sending.cancelled() == was_told
