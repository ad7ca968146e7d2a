"""The embedded broker forgets who has left, and hears who comes back at that very moment."""

import asyncio
from typing import Any

import aiomqtt
import pytest
from amqtt.broker import Broker  # type: ignore[import-untyped]  # amqtt has no types

from collector.ingest.broker import embedded_broker

HOST = "127.0.0.1"
WITHIN_S = 60.0


def guest(port: int, name: str) -> aiomqtt.Client:
    """A client that has a name, under which the broker keeps what it subscribes to."""
    return aiomqtt.Client(HOST, port, identifier=name, clean_session=False, timeout=WITHIN_S)


async def test_who_comes_back_while_he_is_forgotten_is_not_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is held up in the middle of forgetting, as on a busy machine."""
    stop, stopped = Broker._stop_handler, []
    forgetting, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(broker: Any, handler: Any) -> None:
        await stop(broker, handler)
        if handler in stopped:  # when he left it was stopped for the first time
            forgetting.set()
            await go_on.wait()
        stopped.append(handler)

    monkeypatch.setattr(Broker, "_stop_handler", slowly)
    async with asyncio.timeout(WITHIN_S), embedded_broker(HOST, 0) as port:
        async with guest(port, "gateway") as gateway:
            await gateway.subscribe("receipt", qos=1)
        await forgetting.wait()
        async with guest(port, "gateway") as gateway, guest(port, "collector") as collector:
            await gateway.subscribe("receipt", qos=1)
            go_on.set()
            while not len(gateway.messages):
                await collector.publish("receipt", b"", qos=1)
                await asyncio.sleep(0.05)
