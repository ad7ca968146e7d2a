"""Input that is made to cost: as much as its door lets through of what is cheapest to write and dearest to read."""

from collections.abc import Iterator

from tests.fuzz.targets import MAX_BYTES, Target

_NUMBERS = range(MAX_BYTES // 11)

HEAVY: dict[str, tuple[bytes, bytes, bytes]] = {
    "zeros": (b"", b"\0", b""),
    "bytes that are no text": (b"", b"\xff", b""),
    "one long word": (b"", b"a", b""),
    "empty lines": (b"", b"\n", b""),
    "spaces": (b"", b" ", b""),
    "digits": (b"", b"1", b""),
    "letters of two bytes": (b"", "é".encode(), b""),
    "quotes": (b"", b'"', b""),
    "escapes": (b"", b"\\u0000", b""),
    "base64": (b"", b"QUFB", b""),
    "hexadecimal": (b"", b"00 01 02 03 ", b""),
    "short assignments": (b"", b"A=1\n", b""),
    "short telegram lines": (b"", b"0-0:96.1.1(30)\r\n", b""),
    "frames by the line": (b"", b"> 0103\n< 0103\n", b""),
    "rows of a table": (b"", b"| a | b |\n", b""),
    "open brackets": (b"", b"[", b""),
    "open objects": (b"", b'{"a":', b""),
    "empty objects": (b"[", b"{},", b"{}]"),
    "numbers": (b"[", b"0,", b"0]"),
    "empty texts": (b"[", b'"",', b'""]'),
    "keys": (b"{", b"".join(b'"%x":0,' % number for number in _NUMBERS), b'"":0}'),
    "empty elements": (b"<a>", b"<b/>", b"</a>"),
    "attributes": (b"<a ", b"".join(b'a%x="" ' % number for number in _NUMBERS), b"/>"),
    "entries of a page": (b"---\na:\n", b"  - b\n", b"---\n"),
    "a list on a page": (b"---\na: [", b"0,", b"0]\n---\n"),
    "keys of a page": (b"---\n", b"".join(b"k%x: 0\n" % number for number in _NUMBERS), b"---\n"),
    "nested arrays of CBOR": (b"", b"\x81", b""),
    "an array of CBOR that promises much": (b"\x9a\x00\x0f\xff\xf0", b"\x00", b""),
    "small maps of CBOR": (b"\x9a\x00\x05\x00\x00", b"\xa1\x00\x00", b""),
    "empty packets of MQTT": (b"", b"\x30\x00", b""),
}


def inputs(target: Target, share: int = 1) -> Iterator[tuple[str, bytes]]:
    """Heavy input of every kind, and each seed many times over, of a part of the size that reaches a target at once."""
    size = target.most // share
    for name, (begin, middle, end) in HEAVY.items():
        yield name, _filled(begin, middle, end, size)
    for path in target.seeds():
        if data := path.read_bytes():
            yield f"{path.name}, many times over", _filled(b"", data, b"", size)


def _filled(begin: bytes, middle: bytes, end: bytes, size: int) -> bytes:
    room = size - len(begin) - len(end)
    if len(middle) > room:
        return begin + middle[: max(room, 0)] + end
    return begin + middle * (room // len(middle)) + end
