"""MQTT: what a broker retains under some topics, taken once; and what devices answer to a request, sent once.

Rules
- One subscription to the topic filters given, never `#`: some bridges retain megabytes and echo every message.
- Nothing is published but the requests that the reader asked for, each once, at QoS 0 and not retained.
- What the broker retains comes at once after the subscription. When nothing more came for `QUIET_S`, the subscription
  is taken back; what was still on its way has come when the broker acknowledges that.
- The number of messages, their bytes and the time are bounded. A list that was cut must not pass for the whole house,
  so beyond a bound there is an error and no list.

Reasons: `no_such_host`, `connection_refused`, `no_route`, `timeout`, `closed`, `tls`, `not_authorised`, `refused`,
`too_large`, `no_password`.

Sources: MQTT 3.1.1 (OASIS), sections 3.3.1.3 (retain), 3.8 (subscribe), 3.10 (unsubscribe).

Decision: MQTT 3.1.1, though 5 would let us tell the broker the largest message that we take: brokers that know no 5
answer in ways that paho takes for silence. So a larger message is noticed while it comes. QoS 0: what gets lost is
there in the next round.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from aiomqtt import Message, MqttError
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from agent.credentials import private_file
from agent.errors import CredentialError, LinkError
from agent.links import tap
from agent.mqtt import Client
from evidence.report import Result

QUIET_S = 1.0
ANSWER_S = 4.0  # what a device on a weak radio may take
CONNECT_TIMEOUT_S = 5.0
COLLECT_TIMEOUT_S = 15.0
LIMIT_S = 40.0  # seconds that `retained` takes at most: connect, subscribe, collect, disconnect
MAX_MESSAGE_BYTES = 4 * 2**20  # bytes; a thousand Zigbee devices in one message
MAX_BYTES = 16 * 2**20  # bytes in all
MAX_MESSAGES = 20_000
MAX_TOPIC, MAX_LEVELS = 1024, 100  # characters and levels of one that somebody else chose; Mosquitto takes 200 levels

_LOOK_S = 0.05
_REFUSED = 0x80
_NOT_AUTHORISED = (134, 135)


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a broker is reached.

    Attributes:
        host: Name or address.
        port: TCP port.
        tls: Whether it speaks TLS there.
        ca_file: Certificates to trust instead of the system's.
        username: Where it asks for one.
        password_file: Holds the password and nothing else, mode 600; passwords do not belong into a configuration.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None


def is_topic(text: str) -> bool:
    """Whether brokers take this for the name of a topic; one that they do not take ends the session for all others."""
    return (
        0 < len(text) <= MAX_TOPIC and text.isprintable() and not set(text) & set("#+") and text.count("/") < MAX_LEVELS
    )


async def retained(broker: Broker, filters: Sequence[str]) -> dict[str, bytes]:
    """What the broker retains under these topic filters, by topic.

    Raises:
        LinkError: The broker cannot be reached or refuses, or holds more than is taken.
    """
    async with _subscribed(broker, filters) as client:
        found = await _collect(client, filters)
    tap.current().messages.update(found)
    return found


async def answers(
    broker: Broker,
    filters: Sequence[str],
    requests: Sequence[tuple[str, bytes]] = (),
    *,
    within_s: float | None = None,
    enough: int | None = None,
) -> list[tuple[str, bytes]]:
    """What comes under these topic filters after the requests, in the order in which it comes.

    Args:
        broker: Where the devices are.
        filters: Where they answer.
        requests: Topic and payload of each; none, to listen only.
        within_s: How long to wait; `ANSWER_S` unless told.
        enough: How many messages end the waiting.

    Raises:
        LinkError: As `retained`.
    """
    async with _subscribed(broker, filters) as client:
        for topic, payload in requests:
            await client.publish(topic, payload)
        found = _Found(filters)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S if within_s is None else within_s):
                while enough is None or len(found.heard) < enough:
                    message = await _next(client)
                    if message is not None:
                        found.add(message)
    if requests:
        tap.current().requests.extend(requests)
        tap.current().answers.extend(found.heard)
    else:
        tap.current().messages.update(found.messages)
    return found.heard


@asynccontextmanager
async def _subscribed(broker: Broker, filters: Sequence[str]) -> AsyncIterator[Client]:
    if any("#" in topic for topic in filters):
        raise ValueError("a subscription to # takes whatever anyone publishes; name the topics")
    try:
        async with _connected(broker) as client:
            granted = await client.subscribe([(topic, 0) for topic in filters])
            if any(_code(code) >= _REFUSED for code in granted):
                raise LinkError(Result.REFUSED, "not_authorised", f"{broker.host} refuses {', '.join(filters)}")
            async with asyncio.timeout(COLLECT_TIMEOUT_S):
                yield client
    except (MqttError, OSError, UnicodeError) as error:
        raise _link_error(broker, error) from error


@asynccontextmanager
async def _connected(broker: Broker) -> AsyncIterator[Client]:
    client = Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=_password(broker),
        timeout=CONNECT_TIMEOUT_S,
        tls_context=ssl.create_default_context(cafile=broker.ca_file) if broker.tls else None,
    )
    try:
        async with client:
            yield client
    finally:
        # aiomqtt leaves the socket open where something takes the connection and never answers.
        client._client.disconnect()  # noqa: SLF001


async def _collect(client: Client, filters: Sequence[str]) -> dict[str, bytes]:
    found = _Found(filters)
    while not found.messages.keys() >= set(filters):  # with wildcards never so
        message = await _next(client)
        if message is None:
            break
        found.add(message)
    await client.unsubscribe(list(filters), timeout=COLLECT_TIMEOUT_S)
    while len(client.messages):
        found.add(await anext(client.messages))
    return {topic: payload for topic, payload in found.messages.items() if payload}  # an empty one means deleted


async def _next(client: Client) -> Message | None:
    """The next message; None when it has been quiet."""
    coming = asyncio.ensure_future(anext(client.messages))
    try:
        for _ in range(round(QUIET_S / _LOOK_S)):
            done, _ = await asyncio.wait({coming}, timeout=_LOOK_S)
            if done:
                return coming.result()
            _refuse_giants(client)
    finally:
        coming.cancel()
    return None


def _refuse_giants(client: Client) -> None:
    # paho gathers a message of up to 256 MB before it says a word of it, and keeps to itself how long it will be.
    if client._client._in_packet["remaining_length"] > MAX_MESSAGE_BYTES:  # noqa: SLF001
        raise LinkError(Result.PARSE_FAILED, "too_large", f"a message of more than {MAX_MESSAGE_BYTES} bytes")


class _Found:
    """What has come of what was asked for, within bounds."""

    def __init__(self, filters: Sequence[str]) -> None:
        self._filters = filters
        self.messages: dict[str, bytes] = {}
        self.heard: list[tuple[str, bytes]] = []
        self._bytes = 0
        self._number = 0

    def add(self, message: Message) -> None:
        self._number += 1
        self._bytes += len(message.payload) + len(message.topic.value)
        if self._bytes > MAX_BYTES or self._number > MAX_MESSAGES:
            limit = f"more than {MAX_BYTES} bytes or {MAX_MESSAGES} messages"
            raise LinkError(Result.PARSE_FAILED, "too_large", limit)
        # amqtt sends a newcomer what others have subscribed to.
        if any(message.topic.matches(topic) for topic in self._filters):
            self.messages[message.topic.value] = message.payload
            self.heard.append((message.topic.value, message.payload))


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return private_file(Path(broker.password_file)).read_text().strip("\r\n")
    except (OSError, ValueError, CredentialError) as error:
        raise LinkError(Result.UNREACHABLE, "no_password", f"{broker.password_file}: {error}") from error


def _link_error(broker: Broker, error: Exception) -> LinkError:
    where = f"{broker.host}:{broker.port}: {error}"
    if isinstance(error, MqttConnectError):
        reason = "not_authorised" if _code(error.rc) in _NOT_AUTHORISED else "refused"
        return LinkError(Result.REFUSED, reason, where)
    # aiomqtt keeps only the text of what the socket raised; the error itself is its context.
    cause = error.__context__ if isinstance(error, MqttError) else error
    match cause:
        case ssl.SSLError():
            reason = "tls"
        case socket.gaierror() | UnicodeError():  # a name that cannot be one does not get as far as a look-up
            reason = "no_such_host"
        case TimeoutError():
            reason = "timeout"
        case ConnectionRefusedError():
            reason = "connection_refused"
        case ConnectionError():
            reason = "closed"
        case OSError():
            reason = "no_route"
        case _:
            reason = "closed"
    return LinkError(Result.UNREACHABLE, reason, where)


def _code(code: int | ReasonCode | None) -> int:
    return code.value if isinstance(code, ReasonCode) else int(code or 0)
