"""The embedded broker: amqtt in this process, on loopback, for homes and trials.

What it cannot do, and what carries it: it takes some thousands of messages a second, keeps nothing over a restart, and
gives a message up when it is not acknowledged within five seconds. None of that loses a report, since a gateway sends
again until it holds a receipt. It knows no passwords, hence loopback only; whoever needs more runs Mosquitto.
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from amqtt.broker import Broker  # type: ignore[import-untyped]  # amqtt has no types
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]
from amqtt.errors import AMQTTError  # type: ignore[import-untyped]

from collector.errors import BrokerError

_LISTENER = "default"
_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@asynccontextmanager
async def embedded_broker(host: str, port: int) -> AsyncIterator[int]:
    """A broker for as long as the context lasts; gives its port, chosen freely where 0 was asked for.

    Raises:
        BrokerError: The address cannot be had.
    """
    # It tells of every connection; what matters is told by those who connect.
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # An external listener is one whose sockets are ours: amqtt's own cannot say which free port it was given.
    listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=host)
    broker = Broker(BrokerConfig(listeners={_LISTENER: listener}, plugins=_PLUGINS))
    connected = functools.partial(broker.stream_connected, listener_name=_LISTENER)
    try:
        server = await asyncio.start_server(connected, host, port, start_serving=False)
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
        await server.wait_closed()
