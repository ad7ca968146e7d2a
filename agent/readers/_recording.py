"""A message as it was taken down: `{"topic": …, "payload": …}`, or a payload alone."""

import msgspec


class _Message(msgspec.Struct):
    topic: str
    payload: msgspec.Raw


_MESSAGE = msgspec.json.Decoder(_Message)
_TEXT = msgspec.json.Decoder(str)


def unwrap(data: bytes) -> tuple[str, bytes]:
    """Topic and payload; no topic where the data is a payload alone."""
    try:
        message = _MESSAGE.decode(data)
        payload = bytes(message.payload)
        return message.topic, _TEXT.decode(payload).encode() if payload.startswith(b'"') else payload
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "", data
