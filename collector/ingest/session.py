"""The session with the broker: messages in, answers out, acknowledgement by hand after the commit.

- A persistent session under a name of its own, so that the broker keeps what comes while we are away. QoS 1 inwards.
  Answers go out at QoS 0: who misses one sends again.
- MQTT 5 with Receive Maximum where the broker takes it, since a default window is 20 messages; else 3.1.1. The two are
  tried in turn until one connects.
- Each connection is one of its own: what is acknowledged belongs to the connection it came on, and after a loss the
  broker delivers again.
- What a turn of the event loop has to send, answers and acknowledgements in their order, is written at once.
- What comes is read in gulps: a broker writes each message by itself, and to wake up for each costs as much as it does.
"""

import asyncio
import functools
import itertools
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Final, cast

from paho.mqtt.enums import MQTTProtocolVersion

from collector.errors import BrokerError, BrokerFault, ConfigError
from collector.ingest import packets
from collector.ingest.access import Access
from collector.ingest.health import OK, Health
from collector.ingest.inbox import Arrival, Inbox
from collector.ingest.patience import delays

TOPICS: Final = ("updateplicht/1/+/+/report", "updateplicht/1/+/+/statement")
RECEIVE_MAXIMUM: Final = 2000
SESSION_EXPIRY_S: Final = 7 * 24 * 3600
KEEPALIVE_S: Final = 30
READ_BYTES: Final = 256 * 1024
GULP_S: Final = 0.01  # between two looks at what has come
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
        topics: What to subscribe to.
        access: How to show who we are; asked for each connection.

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
        topics: Sequence[str] = TOPICS,
        access: Callable[[], Access] = Access,
    ) -> None:
        self._host = host
        self._port = port
        self._name = name
        self._inbox = inbox
        self._health = health
        self._versions = (version,) if version else (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)
        self._topics = topics
        self._access = access
        self._connection: _Connection | None = None
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
        for version in itertools.cycle(self._versions):
            connection = _Connection(self._name, version, self._topics, self._inbox)
            try:
                await connection.open(self._host, self._port, self._access())
                waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
                self._connection = connection
                self.connected.set()
                self._health.set("broker", OK)
                logger.info("connected to the broker at %s:%d, MQTT %s", self._host, self._port, version.name)
                await connection.lost
            except (BrokerError, ConfigError) as error:
                fault = error.fault if isinstance(error, BrokerError) else BrokerFault.CREDENTIALS
                if self._health.set("broker", fault, str(error)):
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


class _Connection(asyncio.BufferedProtocol):
    """One connection, from CONNECT to its end."""

    def __init__(self, name: str, version: MQTTProtocolVersion, topics: Sequence[str], inbox: Inbox) -> None:
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._version = version
        self._topics = topics
        self._inbox = inbox
        self._transport: asyncio.Transport | None = None
        # Read into again and again: asyncio would make 256 KiB anew for each read, however little comes.
        self._read = memoryview(bytearray(READ_BYTES))
        self._unread = bytearray()
        self._unsent: list[bytes] = []
        self._access = Access()
        self._is_answered = False
        self._heard_at = self._loop.time()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._keep_alive: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int, access: Access) -> None:
        """Connect and subscribe.

        Raises:
            BrokerError: The broker cannot be reached, or refuses, or is not who it should be.
        """
        self._access = access
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._loop.create_connection(lambda: self, host, port, ssl=access.tls)
                self._keep_alive = self._loop.create_task(self._tick(), name="broker keep-alive")
                await asyncio.wait({self._subscribed, self.lost}, return_when=asyncio.FIRST_COMPLETED)
        except ssl.SSLError as error:
            raise _no_tls(f"no TLS with the broker at {host}:{port}", error) from error
        except (OSError, TimeoutError) as error:
            raise BrokerError(f"the broker at {host}:{port} cannot be reached: {str(error) or 'no answer'}") from error
        if not self._subscribed.done():
            await self.lost

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0."""
        self._send(packets.publish(topic, payload, self._version))

    def acknowledge(self, packet_id: int) -> None:
        """Tell the broker that a message is stored; after the connection is lost, it finds out by itself."""
        self._send(packets.acknowledge(packet_id))

    def close(self) -> None:
        """Say goodbye, as far as anybody listens; the broker keeps the session."""
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        if self._transport is not None:
            self._send(packets.GOODBYE)
            self._flush()
            self._transport.close()
        if not self.lost.cancel() and not self.lost.cancelled():
            self.lost.exception()  # whoever wanted to know has been told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self._transport = cast("asyncio.Transport", transport)
        self._send(
            packets.connect(
                self._name,
                self._version,
                keepalive_s=KEEPALIVE_S,
                receive_maximum=RECEIVE_MAXIMUM,
                expiry_s=SESSION_EXPIRY_S,
                username=self._access.username,
                password=self._access.password,
            )
        )

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's
        """Where to put what comes."""
        return self._read

    def buffer_updated(self, nbytes: int) -> None:
        """Take what has come whole."""
        self._heard_at = self._loop.time()
        self._unread += self._read[:nbytes]
        try:
            for first, body in packets.split(self._unread):
                self._take(first, body)
        except BrokerError as error:
            self._lose(str(error))
        if self._transport is not None and nbytes < READ_BYTES:
            self._transport.pause_reading()
            self._loop.call_later(GULP_S, self._transport.resume_reading)

    def connection_lost(self, error: Exception | None) -> None:
        """The broker, or the way to it, is gone."""
        # With TLS 1.3 our certificate is looked at after the handshake; the alert may be lost with the connection.
        if isinstance(error, ssl.SSLError) or (self._access.tls is not None and not self._is_answered):
            self._lose(_no_tls("the broker ends TLS", error))
        self._lose(f"the connection to the broker is lost: {error or 'it hung up'}")

    def _take(self, first: int, body: bytes) -> None:
        self._is_answered = True
        match first & 0xF0:
            case packets.PUBLISH:
                topic, payload, packet_id = packets.message(first, body, self._version)
                acknowledge = _nothing if packet_id is None else functools.partial(self.acknowledge, packet_id)
                self._inbox.put(Arrival(topic, payload, acknowledge))
            case packets.CONNACK if body[1:2] == b"\x00":
                self._send(packets.subscribe(self._topics, self._version))
            case packets.CONNACK if packets.WHO_ARE_YOU.issuperset(body[1:2]):
                why = "the broker does not take our user, password or certificate; see [broker] in the configuration"
                self._lose(BrokerError(why, BrokerFault.REFUSED))
            case packets.CONNACK | packets.DISCONNECTED:
                self._lose(f"the broker refuses the session: {body.hex() or 'no reason given'}")
            case packets.SUBACK if packets.refusals(body, self._version):
                self._lose("it refuses the subscription; give the collector the right to read updateplicht/1/#")
            case packets.SUBACK if not self._subscribed.done():
                self._subscribed.set_result(None)

    def _send(self, packet: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packet)

    def _flush(self) -> None:
        if self._unsent and self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    async def _tick(self) -> None:
        """Show that we are there, and notice when the broker is not."""
        while not self.lost.done():
            await asyncio.sleep(KEEPALIVE_S / 2)
            if self._loop.time() - self._heard_at > 1.5 * KEEPALIVE_S:
                self._lose("the broker does not answer any more")
            self._send(packets.PING)

    def _lose(self, why: BrokerError | str) -> None:
        if not self.lost.done():
            self.lost.set_exception(why if isinstance(why, BrokerError) else BrokerError(why))


def _no_tls(what: str, error: Exception | None) -> BrokerError:
    why = getattr(error, "verify_message", None) or getattr(error, "reason", None) or error or "without a word"
    hint = "check its certificate, ca_file, and our own certificate"
    return BrokerError(f"{what}: {why}; {hint}", BrokerFault.TLS)


def _nothing() -> None:
    """QoS 0 is not acknowledged."""
