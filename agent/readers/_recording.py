"""Recordings as people make them: messages with their topics, and bytes written in hex.

A message is `{"topic": …, "payload": …}`, or a payload alone; several are a list of those, or one a line, or lines
as `mosquitto_sub -v` prints them. An empty payload, which deletes what was retained, says nothing. An exchange on a
line is `{"tx": hex, "rx": hex}`, or the answer alone in hex; several are a list.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from agent.errors import LinkError
from evidence.report import Result

T = TypeVar("T")


class _Message(msgspec.Struct):
    topic: str
    payload: msgspec.Raw


class _Exchange(msgspec.Struct):
    tx: str = ""
    rx: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)
_MESSAGES = msgspec.json.Decoder(list[_Message])
_TEXT = msgspec.json.Decoder(str)
_EXCHANGES = msgspec.json.Decoder(_Exchange | list[_Exchange])
_BETWEEN_BYTES = re.compile(rb"0[xX]|\\x|[\s:,;-]+")


def messages(data: bytes) -> list[tuple[str, bytes]]:
    """Topic and payload of each message; no topic where the data is a payload alone."""
    for decode in (lambda one: [_MESSAGE.decode(one)], _MESSAGES.decode, _MESSAGE.decode_lines):
        with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            if found := [(message.topic, _plain(bytes(message.payload))) for message in decode(data)]:
                return found
    return _printed(data) or [("", data)]


def each(
    data: bytes, parse: Callable[[str, bytes], Sequence[T] | None], tells: Callable[[str], bool]
) -> list[T] | None:
    """What a parser makes of each message; None where none of them is a reading.

    Args:
        data: The recording.
        parse: Makes outcomes of topic and payload; None where the payload shows that it is no reading.
        tells: Whether devices tell of themselves under a topic.
    """
    told = [(topic, payload) for topic, payload in messages(data) if not topic or tells(topic)]
    parsed = [parse(topic, payload) if payload.strip() else () for topic, payload in told]
    if all(outcomes is None for outcomes in parsed):
        return None
    return [outcome for outcomes in parsed for outcome in outcomes or ()]


def answers(data: bytes) -> list[bytes] | None:
    """What was answered in recorded exchanges; nothing where all was silent, None where only requests came back.

    Raises:
        LinkError: It is no recording of that kind.
    """
    if not data.lstrip().startswith((b"{", b"[")):
        return [from_hex(data)]
    try:
        decoded = _EXCHANGES.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise LinkError(Result.PARSE_FAILED, "malformed", f"no exchange of frames: {error}") from error
    exchanges = decoded if isinstance(decoded, list) else [decoded]
    said = [(from_hex(one.tx.encode()), from_hex((one.rx or "").encode())) for one in exchanges]
    # Some adapters send our own bytes back before the answer.
    found = [frame for asked, heard in said if (frame := heard.removeprefix(asked))]
    return found if found or not any(heard for _, heard in said) else None


def from_hex(data: bytes) -> bytes:
    """Bytes written in hex, however they are set apart.

    Raises:
        LinkError: They are not.
    """
    try:
        return bytes.fromhex(_BETWEEN_BYTES.sub(b"", data).decode("ascii"))
    except ValueError as error:
        raise LinkError(Result.PARSE_FAILED, "malformed", f"not in hex: {error}") from error


def _printed(data: bytes) -> list[tuple[str, bytes]]:
    """What `mosquitto_sub -v` printed: topic, blank and payload on each line; nothing where it is something else."""
    found = []
    for line in data.splitlines():
        # A topic may hold blanks.
        json_begins = [at for mark in (b" {", b" [") if (at := line.find(mark)) > 0]
        cut = min(json_begins, default=line.find(b" "))
        topic, payload = line[: max(cut, 0)], line[cut + 1 :]
        if b"/" not in topic or topic.startswith((b"{", b"[", b"<", b'"')):
            return []
        found.append((topic.decode(errors="replace"), b"" if payload == b"(null)" else payload))
    return found


def _plain(payload: bytes) -> bytes:
    if payload.startswith(b'"'):
        return _TEXT.decode(payload).encode()
    return b"" if payload == b"null" else payload
