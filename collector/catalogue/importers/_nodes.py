"""A value of a document and the place where it stands: strict readers that say what is wrong, and where.

Places are JSON pointers (RFC 6901); a format that has lines gives `line 12` instead.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._sheet import UnmappedError
from evidence.limits import MAX_TEXT_BYTES

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
MAX_UINT16: Final = 2**16 - 1
MAX_UINT32: Final = 2**32 - 1


class Node:
    """A value in a document of objects, arrays, texts, numbers, booleans and null."""

    __slots__ = ("_lines", "_pointer", "value")

    def __init__(self, value: Any, pointer: str = "", lines: Mapping[str, int] | None = None) -> None:
        self.value = value
        self._pointer = pointer
        self._lines = lines

    @property
    def place(self) -> str:
        """Where it stands."""
        if self._lines is None:
            return self._pointer
        return f"line {self._lines.get(self._pointer, 1)}"

    def unmapped(self, reason: Reason, detail: str) -> UnmappedError:
        """That this cannot be mapped, and why; to be raised."""
        return UnmappedError(self.place, reason, detail, self.value)

    def instead(self, value: Any) -> "Node":
        """Another value for what stands there."""
        return Node(value, self._pointer, self._lines)

    def find(self, key: str) -> "Node | None":
        """The member of an object, None where it is absent or null."""
        if not isinstance(self.value, dict):
            raise self.unmapped(Reason.TYPE, "expected an object")
        value = self.value.get(key)
        return None if value is None else self._child(key, value)

    def get(self, key: str) -> "Node":
        """The member of an object."""
        found = self.find(key)
        if found is None:
            raise self.unmapped(Reason.MISSING, f"expected `{key}`")
        return found

    def mark(self, key: str) -> "Node":
        """The member by which a document of a format is known."""
        if not isinstance(self.value, dict) or self.value.get(key) is None:
            raise self.unmapped(Reason.FORMAT, f"expected an object with `{key}`")
        return self._child(key, self.value[key])

    def keys(self) -> list[str]:
        """The names of an object's members."""
        if not isinstance(self.value, dict):
            raise self.unmapped(Reason.TYPE, "expected an object")
        return list(self.value)

    def items(self) -> Iterator["Node"]:
        """The items of an array."""
        if not isinstance(self.value, list):
            raise self.unmapped(Reason.TYPE, "expected an array")
        return (self._child(str(number), value) for number, value in enumerate(self.value))

    def listed(self, key: str) -> Iterator["Node"]:
        """The items of an array that may be absent."""
        found = self.find(key)
        return iter(()) if found is None else found.items()

    def text(self) -> str:
        """A text that a statement can hold, outer blanks off."""
        if not isinstance(self.value, str):
            raise self.unmapped(Reason.TYPE, "expected a text")
        text = self.value.strip()
        if not text:
            raise self.unmapped(Reason.MISSING, "expected a text that is not empty")
        if _CONTROL.search(text) or len(text.encode()) > MAX_TEXT_BYTES:
            raise self.unmapped(Reason.TYPE, f"expected one line of at most {MAX_TEXT_BYTES} bytes")
        return text

    def prose(self) -> str:
        """A text for people: on one line, cut to what a statement can hold."""
        if not isinstance(self.value, str):
            raise self.unmapped(Reason.TYPE, "expected a text")
        text = " ".join(_CONTROL.sub(" ", self.value).split())
        return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")

    def integer(self, low: int, high: int) -> int:
        """A whole number within bounds, both inclusive."""
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.unmapped(Reason.TYPE, f"expected a whole number from {low} to {high}")
        return self.value

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.unmapped(Reason.TYPE, "expected true or false")
        return self.value

    def _child(self, key: str, value: Any) -> "Node":
        escaped = key.replace("~", "~0").replace("/", "~1")
        return Node(value, f"{self._pointer}/{escaped}", self._lines)
