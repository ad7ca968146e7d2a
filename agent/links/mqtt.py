"""MQTT: what a broker retains under some topics, taken once.

Rules
- One subscription to the topic filters given, never `#`: some bridges retain megabytes and echo every message.
- Nothing is published, so nothing wakes a device.
- What the broker retains comes at once after the subscription; when nothing more came for `QUIET_S` it was all.
- The number of messages, their bytes and the time are bounded. A list that was cut must not pass for the whole house,
  so beyond a bound there is an error and no list.

Reasons: `no_such_host`, `connection_refused`, `no_route`, `timeout`, `closed`, `tls`, `not_authorised`, `refused`,
`too_large`, `no_password`.

Sources: MQTT 3.1.1 and 5.0 (OASIS), sections 3.3.1.3 (retain) and 3.1.2.11.4 (Maximum Packet Size).

Decision: MQTT 5 first, because there a client can tell the broker the largest message that it takes (a device may
retain 256 MB); 3.1.1 where the broker knows no other. QoS 0: what gets lost on the way is there in the next round.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from aiomqtt import Client, MqttError, ProtocolVersion
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.errors import LinkError
from evidence.report import Result

QUIET_S = 1.0
CONNECT_TIMEOUT_S = 5.0
COLLECT_TIMEOUT_S = 15.0
LIMIT_S = 2 * CONNECT_TIMEOUT_S + COLLECT_TIMEOUT_S + 5.0  # seconds that `retained` takes at most
MAX_MESSAGE_BYTES = 8 * 2**20  # a house of a thousand Zigbee devices in one message
MAX_BYTES = 2 * MAX_MESSAGE_BYTES
MAX_MESSAGES = 20_000

_UNSUPPORTED_VERSION = 132
_NOT_AUTHORISED = (134, 135)


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a broker is reached.

    Attributes:
        host: Name or address.
        port: TCP port.
        tls: Whether it speaks TLS there.
        ca_file: Certificates to trust instead of the system's.
        username: Where it asks for one.
        password_file: File that holds the password and nothing else; passwords do not belong into a configuration.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None


async def retained(broker: Broker, filters: Sequence[str]) -> dict[str, bytes]:
    """What the broker retains under these topic filters, by topic.

    Raises:
        LinkError: The broker cannot be reached or refuses, or holds more than is taken.
    """
    if any("#" in topic for topic in filters):
        raise ValueError("a subscription to # takes whatever anyone publishes; name the topics")
    try:
        try:
            return await _retained(broker, filters, ProtocolVersion.V5)
        except MqttConnectError as error:
            if _code(error.rc) != _UNSUPPORTED_VERSION:
                raise
        return await _retained(broker, filters, ProtocolVersion.V311)
    except (MqttError, OSError) as error:
        raise _link_error(broker, error) from error


async def _retained(broker: Broker, filters: Sequence[str], version: ProtocolVersion) -> dict[str, bytes]:
    properties = None
    if version is ProtocolVersion.V5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.MaximumPacketSize = MAX_MESSAGE_BYTES
    client = Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=_password(broker),
        protocol=version,
        properties=properties,
        timeout=CONNECT_TIMEOUT_S,
        max_queued_incoming_messages=MAX_MESSAGES,
        tls_context=ssl.create_default_context(cafile=broker.ca_file) if broker.tls else None,
    )
    async with client:
        granted = await client.subscribe([(topic, 0) for topic in filters])
        if any(_code(code) >= 0x80 for code in granted):
            raise LinkError(Result.REFUSED, "not_authorised", f"{broker.host} lets us not read {', '.join(filters)}")
        async with asyncio.timeout(COLLECT_TIMEOUT_S):
            return await _until_quiet(client, filters)


async def _until_quiet(client: Client, filters: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    size = number = 0
    while not found.keys() >= set(filters):  # with wildcards never so
        try:
            async with asyncio.timeout(QUIET_S):
                message = await anext(client.messages)
        except TimeoutError:
            break
        number += 1
        size += len(message.payload) + len(message.topic.value)
        if size > MAX_BYTES or number > MAX_MESSAGES:
            raise LinkError(Result.PARSE_FAILED, "too_large", f"more than {MAX_BYTES} bytes or {MAX_MESSAGES} messages")
        found[message.topic.value] = message.payload
    return {topic: payload for topic, payload in found.items() if payload}  # an empty one means deleted


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return Path(broker.password_file).read_text().strip("\r\n")
    except (OSError, ValueError) as error:
        raise LinkError(Result.UNREACHABLE, "no_password", f"{broker.password_file}: {error}") from error


def _link_error(broker: Broker, error: Exception) -> LinkError:
    where = f"{broker.host}:{broker.port}: {error}"
    if isinstance(error, MqttConnectError):
        reason = "not_authorised" if _code(error.rc) in _NOT_AUTHORISED else "refused"
        return LinkError(Result.REFUSED, reason, where)
    # aiomqtt keeps only the text of what the socket raised; the error itself is its context.
    cause = error if isinstance(error, OSError) else error.__context__
    match cause:
        case ssl.SSLError():
            reason = "tls"
        case socket.gaierror():
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
