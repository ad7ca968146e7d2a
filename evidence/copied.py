"""Codes that people copy: a prefix that says what it is, base32, and a checksum so that a mistyped one is noticed."""

import base64
import hashlib

from evidence.errors import EvidenceError

_CHECKSUM_BYTES = 4


def write(prefix: str, body: bytes) -> str:
    """Bytes as text to copy: base32, since people may have to type it."""
    return prefix + base64.b32encode(body + _checksum(body)).decode().rstrip("=").lower()


def read(prefix: str, written: str, what: str, error: type[EvidenceError]) -> bytes:
    """The bytes of a code as it was copied; blanks and line ends inside do not matter.

    Args:
        prefix: What it begins with.
        written: The code.
        what: What it is called.
        error: Raised where it was cut, mistyped, or is another code.
    """
    compact = "".join(written.split()).lower()
    if not compact.startswith(prefix):
        raise error(f"{what} begins with {prefix}; was all of it copied?")
    body32 = compact.removeprefix(prefix).upper()
    try:
        data = base64.b32decode(body32 + "=" * (-len(body32) % 8))
    except ValueError as fault:
        raise error(f"{what} has only a to z and 2 to 7; this one was mistyped or cut") from fault
    body = data[:-_CHECKSUM_BYTES]
    # Not the checksum alone: the last letter may have bits that stand for nothing.
    if write(prefix, body) != compact:
        raise error(f"{what} was mistyped or cut: its checksum does not fit")
    return body


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM_BYTES]
