"""The embedded broker: amqtt in this process, on loopback, for homes and trials.

What it cannot do, and what carries it: it takes some thousands of messages a second, keeps nothing over a restart, and
gives a message up when it is not acknowledged within five seconds. None of that loses a report, since a gateway sends
again until it holds a receipt. It knows no passwords, hence loopback only; whoever needs more runs Mosquitto.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from amqtt.broker import Broker  # type: ignore[import-untyped]  # amqtt has no types
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]
from amqtt.errors import AMQTTError  # type: ignore[import-untyped]

from collector.errors import BrokerError

_LISTENER = "default"
_GOODBYE_S = 5.0
_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


logger = logging.getLogger(__name__)


@asynccontextmanager
async def embedded_broker(host: str, port: int) -> AsyncIterator[int]:
    """A broker for as long as the context lasts; gives its port, chosen freely where 0 was asked for.

    Raises:
        BrokerError: The address cannot be had.
    """
    # It tells of every connection; what matters is told by those who connect.
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    # An external listener is one whose sockets are ours: amqtt's own cannot say which free port it was given, and
    # leaves a connection open whose first bytes are no MQTT.
    listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=host)
    broker = Broker(BrokerConfig(listeners={_LISTENER: listener}, plugins=_PLUGINS))
    broker._subscriptions = _Subscriptions()  # noqa: SLF001  # see there
    broker._cleanup_session = partial(_forget, broker)  # noqa: SLF001  # see there
    guests = _Guests(broker)
    try:
        server = await asyncio.start_server(guests.serve, host, port, start_serving=False)
    except OSError as error:
        raise BrokerError(
            f"the embedded broker cannot listen on {host}:{port}: {error}; choose another port"
        ) from error
    try:
        await broker.start()
        await server.start_serving()
        yield int(server.sockets[0].getsockname()[1])
    except AMQTTError as error:
        raise BrokerError(f"the embedded broker does not start: {error}") from error
    finally:
        server.close()
        await broker.shutdown()
        await guests.leave()
        await server.wait_closed()


class _Guests:
    """The broker's connections, each closed when it is done with, whatever was sent on it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._present: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._present[task] = writer
        try:
            await self._broker.stream_connected(reader, writer, listener_name=_LISTENER)
        except Exception as error:  # noqa: BLE001  # what a stranger sends there must not disturb the others
            logger.warning("a connection to the embedded broker was dropped: %r", error)
        finally:
            writer.close()
            del self._present[task]

    async def leave(self) -> None:
        """End the connections that are left."""
        for writer in self._present.values():
            writer.close()
        if self._present:
            await asyncio.wait(self._present, timeout=_GOODBYE_S)


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


async def _forget(broker: Broker, name: str) -> None:
    """Forget a client who has left, and what he had subscribed to, in one turn of the event loop.

    amqtt 0.12 waits between the two. Who came back meanwhile was told that he is subscribed, and then was no more: he
    stayed connected, and heard nothing.
    """
    session, handler = broker._sessions.pop(name, (None, None))  # noqa: SLF001  # it has no other door
    if session is not None:
        await broker._del_all_subscriptions(session)  # noqa: SLF001  # which waits for nothing
        session.clear_queues()
    if handler is not None:
        await broker._stop_handler(handler)  # noqa: SLF001
