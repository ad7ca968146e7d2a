"""Reading a map of claims with the path of the fault in the error.

Claims that a reader does not know are passed over: within one profile a later version may add some, never change the
meaning of one that exists. What was signed is kept whole, so nothing is lost by it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from evidence import cbor
from evidence.errors import ClaimError
from evidence.limits import MAX_TEXT_BYTES

T = TypeVar("T")


class Claims:
    """A decoded map, read key by key.

    Args:
        value: What was decoded; anything but a map is an error.
        path: Where it stands in the message, for errors.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ClaimError(path or "payload", "a map")
        self._map: dict[Any, Any] = value
        self._path = path

    def path(self, key: int | str) -> str:
        """The path of a key in here."""
        return f"{self._path}/{key}"

    def get(self, key: int | str, read: Callable[[object, str], T]) -> T:
        """The value of a required key."""
        value, path = self._map.get(key), f"{self._path}/{key}"
        if value is None:
            raise ClaimError(path, "a value")
        return read(value, path)

    def find(self, key: int | str, read: Callable[[object, str], T]) -> T | None:
        """The value of an optional key, None where it is absent."""
        value = self._map.get(key)
        return None if value is None else read(value, self.path(key))


def integer(low: int, high: int) -> Callable[[object, str], int]:
    """An integer within bounds, both inclusive."""

    def read(value: object, path: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ClaimError(path, f"an integer from {low} to {high}")
        return value

    return read


def boolean(value: object, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ClaimError(path, "true or false")
    return value


def text(value: object, path: str) -> str:
    """A text that is not empty and not too long, and has no U+0000, which not every database can hold."""
    if not isinstance(value, str) or not value or _size(value) > MAX_TEXT_BYTES or "\0" in value:
        raise ClaimError(path, f"a text of 1 to {MAX_TEXT_BYTES} bytes without U+0000")
    return value


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())


def hexadecimal(size: int) -> Callable[[object, str], bytes]:
    """So many bytes, written as lower-case hex digits."""
    pattern = re.compile(f"[0-9a-f]{{{2 * size}}}")

    def read(value: object, path: str) -> bytes:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ClaimError(path, f"{2 * size} lower-case hex digits")
        return bytes.fromhex(value)

    return read


def octets(low: int, high: int) -> Callable[[object, str], bytes]:
    """A byte string within bounds, both inclusive."""

    def read(value: object, path: str) -> bytes:
        if not isinstance(value, bytes) or not low <= len(value) <= high:
            raise ClaimError(path, f"{low} bytes" if low == high else f"{low} to {high} bytes")
        return value

    return read


digest = octets(32, 32)
instant = integer(0, 2**40)


def pattern(key: int, value: bytes) -> bytes:
    """The regular expression of an encoded claim, from that of its encoded value."""
    return re.escape(cbor.encode(key)) + value


INSTANT = rb"\x1a((?!\0\0).{4})"
"""Of an instant of four bytes, as those are from January 1970 to 2106."""
DIGEST = rb"\x58\x20(.{32})"
"""Of a digest."""
COUNT = rb"([\x01-\x17]|\x18[\x18-\xff]|\x19[\x01-\xff].|\x1a(?!\0\0).{4})"
"""Of an integer from 1 up, of four bytes at most."""


def one_of(words: Sequence[str]) -> Callable[[object, str], str]:
    """One word of a list."""

    def read(value: object, path: str) -> str:
        if value not in words:
            raise ClaimError(path, "one of " + ", ".join(words))
        return str(value)

    return read


def array(read_item: Callable[[object, str], T], most: int) -> Callable[[object, str], tuple[T, ...]]:
    """An array of at most so many items."""

    def read(value: object, path: str) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > most:
            raise ClaimError(path, f"an array of at most {most}")
        return tuple(read_item(item, f"{path}[{number}]") for number, item in enumerate(value))

    return read


def present(fields: dict[int, Any]) -> dict[int, Any]:
    """The claims that there are: what is null is left out."""
    return {key: value for key, value in fields.items() if value is not None}
