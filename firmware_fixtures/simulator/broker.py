"""The simulated house's own MQTT broker: amqtt, on loopback, with nothing kept on disk."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-untyped]  # amqtt ships no types
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def broker(port: int = 0) -> AsyncIterator[int]:
    """A running broker, and the port it listens on.

    Args:
        port: Where to listen; 0 for any that is free.
    """
    config = BrokerConfig(
        listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
    served = Broker(config)
    served._subscriptions = _Subscriptions()  # noqa: SLF001  # see there
    connected = partial(served.stream_connected, listener_name="default")
    # amqtt does not tell which port it got when asked for any, so the listener is ours.
    server = await asyncio.start_server(connected, LOOPBACK, port, start_serving=False)
    await served.start()
    await server.start_serving()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await served.shutdown()


class _Subscriptions(dict[str, Any]):
    """Looked through as they were when the look began.

    amqtt 0.12 waits for clients in the middle of such a loop. Whoever subscribes or leaves meanwhile would end it with
    a RuntimeError: for one client, or for all, since its one broadcasting task ends with it.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(super().keys()))

    def items(self) -> Any:
        """The pairs as they are now."""
        return tuple(super().items())
