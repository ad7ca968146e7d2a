"""The session with the broker: messages in, answers out, acknowledgement by hand after the commit.

- A persistent session under a name of its own, so that the broker keeps what comes while we are away. QoS 1 inwards.
  Answers go out at QoS 0: who misses one sends again.
- MQTT 5 with Receive Maximum where the broker takes it, since a default window is 20 messages; else 3.1.1. The two are
  tried in turn until one connects.
- Each connection is a client of its own: what is acknowledged belongs to the connection it came on, and after a loss
  the broker delivers again.
- paho is driven by the event loop (add_reader, add_writer); only connecting, which blocks, is done in a thread.
"""

import asyncio
import functools
import itertools
import logging
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collector.errors import BrokerError
from collector.ingest.health import OK, Health
from collector.ingest.inbox import Arrival, Inbox
from collector.ingest.patience import delays

TOPICS: Final = (("updateplicht/1/+/+/report", 1), ("updateplicht/1/+/+/statement", 1))
RECEIVE_MAXIMUM: Final = 1000
SESSION_EXPIRY_S: Final = 7 * 24 * 3600
KEEPALIVE_S: Final = 30
CONNECT_S: Final = 5.0
FIRST_DELAY_S: Final = 0.2
LAST_DELAY_S: Final = 30.0

logger = logging.getLogger(__name__)


class Session:
    """The connection that is, or the next one.

    Args:
        host: The broker's.
        port: The broker's.
        name: The client id, the same after a restart.
        inbox: Where messages go.
        health: Where the broker's state is shown.
        version: The one version to speak, where it is known; else both are tried.

    Attributes:
        connected: Set while messages come.
    """

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        inbox: Inbox,
        health: Health,
        version: MQTTProtocolVersion | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._name = name
        self._inbox = inbox
        self._health = health
        self._versions = (version,) if version else (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)
        self._connection: _Connection | None = None
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
        for version in itertools.cycle(self._versions):
            connection = _Connection(self._name, version, self._inbox)
            try:
                await connection.open(self._host, self._port)
                waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
                self._connection = connection
                self.connected.set()
                self._health.set("broker", OK)
                logger.info("connected to the broker at %s:%d, MQTT %s", self._host, self._port, version.name)
                await connection.lost
            except BrokerError as error:
                if self._health.set("broker", "disconnected", str(error)):
                    logger.warning("%s", error)
            finally:
                self._connection = None
                self.connected.clear()
                connection.close()
            await asyncio.sleep(next(waits))

    def publish(self, topic: str, payload: bytes) -> None:
        """Send an answer; without a connection it is dropped, and the gateway sends again."""
        if self._connection is not None:
            self._connection.publish(topic, payload)


class _Connection:
    """One connection, from CONNECT to its end."""

    def __init__(self, name: str, version: MQTTProtocolVersion, inbox: Inbox) -> None:
        self._loop = asyncio.get_running_loop()
        self._inbox = inbox
        self._version = version
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._keep_alive: asyncio.Task[None] | None = None
        is_5 = version == MQTTProtocolVersion.MQTTv5
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if is_5 else False,
            protocol=version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    async def open(self, host: str, port: int) -> None:
        """Connect and subscribe.

        Raises:
            BrokerError: The broker cannot be reached, or refuses.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.to_thread(self._connect, host, port)
                self._attach()
                self._keep_alive = self._loop.create_task(self._tick(), name="broker keep-alive")
                await asyncio.wait({self._subscribed, self.lost}, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, TimeoutError) as error:
            raise BrokerError(f"the broker at {host}:{port} cannot be reached: {str(error) or 'no answer'}") from error
        if not self._subscribed.done():
            await self.lost

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0."""
        self._client.publish(topic, payload, qos=0)

    def acknowledge(self, packet: int) -> None:
        """Tell the broker that a message is stored; after the connection is lost, it finds out by itself."""
        if not self.lost.done():
            self._client.ack(packet, 1)

    def close(self) -> None:
        """Say goodbye, as far as anybody listens; the broker keeps the session."""
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        self._client.disconnect()
        self._guarded(self._client.loop_write)
        if (sock := self._client.socket()) is not None:
            self._detach(self._client, None, sock)
            self._client.on_socket_close = self._client.on_socket_unregister_write = None
            sock.close()
        if not self.lost.cancel() and not self.lost.cancelled():
            self.lost.exception()  # whoever wanted to know has been told

    def _connect(self, host: str, port: int) -> None:
        if self._version == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            self._client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=properties)
        else:
            self._client.connect(host, port, KEEPALIVE_S)

    def _attach(self) -> None:
        # After connecting, so that paho calls these from the loop's own thread only.
        self._client.on_socket_close = self._detach
        self._client.on_socket_register_write = self._want_write
        self._client.on_socket_unregister_write = self._want_no_write
        if (sock := self._client.socket()) is not None:
            self._loop.add_reader(sock, self._guarded, self._client.loop_read)

    def _detach(self, _client: mqtt.Client, _data: Any, sock: "mqtt.SocketLike") -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _want_write(self, _client: mqtt.Client, _data: Any, sock: "mqtt.SocketLike") -> None:
        self._loop.add_writer(sock, self._guarded, self._client.loop_write)

    def _want_no_write(self, _client: mqtt.Client, _data: Any, sock: "mqtt.SocketLike") -> None:
        self._loop.remove_writer(sock)

    async def _tick(self) -> None:
        while not self.lost.done():
            await asyncio.sleep(1)
            self._guarded(self._client.loop_misc)

    def _guarded(self, step: Callable[[], MQTTErrorCode]) -> None:
        # A broken pipe surfaces wherever paho happens to touch the socket.
        try:
            code = step()
        except OSError as error:
            self._lose(str(error))
        else:
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lose(mqtt.error_string(code))

    def _lose(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_exception(BrokerError(f"the connection to the broker is lost: {why}"))

    def _on_connect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lose(f"it refuses the session: {reason}")
        else:
            self._client.subscribe(list(TOPICS))

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._lose("it refuses the subscription; give the collector the right to read updateplicht/1/#")
        elif not self._subscribed.done():
            self._subscribed.set_result(None)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        acknowledge = functools.partial(self.acknowledge, message.mid) if message.qos else _nothing
        self._inbox.put(Arrival(message.topic, bytes(message.payload), acknowledge))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._lose(str(reason))


def _nothing() -> None:
    """QoS 0 is not acknowledged."""
