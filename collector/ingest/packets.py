"""The packets of MQTT that the ingest needs (OASIS MQTT 3.1.1 and 5.0, section 3). Pure: bytes in, bytes out.

A client library reads and writes packet by packet, at several system calls each; that cost more than the signature
check. What is needed of the protocol is little: one subscription, QoS 1 in, QoS 0 out.
"""

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from paho.mqtt.enums import MQTTProtocolVersion

from collector.errors import BrokerError

CONNACK, PUBLISH, SUBACK, DISCONNECTED = 0x20, 0x30, 0x90, 0xE0
PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
FAILURE: Final = 0x80  # reason codes from here on
WHO_ARE_YOU: Final = frozenset({4, 5, 0x86, 0x87})  # of CONNACK: user, password or right, in 3.1.1 and in 5
_RECEIVE_MAXIMUM, _SESSION_EXPIRY = 0x21, 0x11
_SUBSCRIPTION: Final = 1  # the packet id of the one SUBSCRIBE

Version = MQTTProtocolVersion


def connect(
    name: str,
    version: Version,
    *,
    keepalive_s: int,
    receive_maximum: int,
    expiry_s: int,
    username: str | None = None,
    password: bytes | None = None,
) -> bytes:
    """CONNECT to a session that outlives the connection; window and expiry are for version 5 only."""
    flags = 0  # neither "clean session" (3.1.1) nor "clean start" (5)
    login = b""
    if username is not None:
        flags, login = 0x80, _text(username)
        if password is not None:
            flags, login = 0xC0, login + _data(password)
    body = _text("MQTT") + struct.pack("!BBH", version, flags, keepalive_s)
    if version == Version.MQTTv5:
        body += struct.pack("!BBHBI", 8, _RECEIVE_MAXIMUM, receive_maximum, _SESSION_EXPIRY, expiry_s)
    return _packet(0x10, body + _text(name) + login)


def subscribe(topics: Sequence[str], version: Version) -> bytes:
    """SUBSCRIBE to these topics at QoS 1."""
    properties = b"\x00" if version == Version.MQTTv5 else b""
    return _packet(
        0x82, struct.pack("!H", _SUBSCRIPTION) + properties + b"".join(_text(topic) + b"\x01" for topic in topics)
    )


def publish(topic: str, payload: bytes, version: Version) -> bytes:
    """PUBLISH at QoS 0."""
    return _packet(0x30, _text(topic) + (b"\x00" if version == Version.MQTTv5 else b"") + payload)


def acknowledge(packet_id: int) -> bytes:
    """PUBACK."""
    return struct.pack("!BBH", 0x40, 2, packet_id)


def split(data: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the packets that are there whole: first byte and body of each; what is left is the beginning of another.

    Raises:
        BrokerError: This is no MQTT.
    """
    place, there = 0, len(data)
    try:
        while (found := _length(data, place + 1)) is not None and (end := found[0] + found[1]) <= there:
            yield data[place], bytes(data[found[1] : end])
            place = end
    finally:
        del data[:place]


def refusals(body: bytes, version: Version) -> list[int]:
    """The reasons of a SUBACK that refuse a topic."""
    begin = _skip_properties(body, 2) if version == Version.MQTTv5 else 2
    return [reason for reason in body[begin:] if reason >= FAILURE]


def message(first: int, body: bytes, version: Version) -> tuple[str, bytes, int | None]:
    """Topic, payload and packet id of a PUBLISH; at QoS 0 it has none, and nobody waits for an acknowledgement.

    Raises:
        BrokerError: It is cut short, or its topic is no UTF-8.
    """
    try:
        place = 2 + (body[0] << 8 | body[1])
        topic = body[2:place].decode()
        packet_id = None
        if first & 0x06:
            packet_id = body[place] << 8 | body[place + 1]
            place += 2
        if version == Version.MQTTv5:
            place = _skip_properties(body, place)
    except (IndexError, UnicodeDecodeError) as error:
        raise BrokerError("the broker sends a message that is none") from error
    return topic, body[place:], packet_id


def _skip_properties(body: bytes, place: int) -> int:
    found = _length(body, place)
    if found is None:
        raise BrokerError("the broker sends properties that are none")
    size, begin = found
    return begin + size


def _length(data: bytes | bytearray, place: int) -> tuple[int, int] | None:
    """A variable byte integer (section 1.5.5) and where it ends; None where it is cut short."""
    if place < len(data) and data[place] < 0x80:
        return data[place], place + 1
    value = 0
    for number, digit in enumerate(data[place : place + 4]):
        value |= (digit & 0x7F) << (7 * number)
        if digit < 0x80:
            return value, place + number + 1
    if len(data) >= place + 4:
        raise BrokerError("what answers at the broker's address speaks no MQTT")
    return None


def _packet(first: int, body: bytes) -> bytes:
    return _head(first, len(body)) + body


@lru_cache  # of few lengths
def _head(first: int, size: int) -> bytes:
    head = bytearray([first])
    while True:
        size, digit = divmod(size, 0x80)
        head.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(head)


def _text(text: str) -> bytes:
    return _data(text.encode())


def _data(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data
