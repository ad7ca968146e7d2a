"""XML from a stranger: no document type, so no entities to unfold and nothing to fetch; bounded in elements and depth.

Expat itself is used, since the tree of the standard library does not tell the lines that a person needs.
"""

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

import msgspec

from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import UnmappedError

MIN_ELEMENT_BYTES: Final = 40
"""Of a whole document for each of its elements; real ones have over fifty."""
MAX_DEPTH: Final = 64
_LANGUAGE: Final = "xml:lang"


class Element(msgspec.Struct):
    """An element: its name, attributes, children, and the text directly in it."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list["Element"] = []
    words: list[str] = []

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"line {self.line}"

    @property
    def text(self) -> Node:
        """Its own text."""
        return Node("".join(self.words), "", {"": self.line})

    def attribute(self, name: str) -> Node | None:
        """The value of an attribute, None where it is absent."""
        value = self.attributes.get(name)
        return None if value is None else Node(value, "", {"": self.line})

    def all(self, *path: str) -> Iterator["Element"]:
        """The elements at the end of a path of names; translations are left out."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0] and _LANGUAGE not in child.attributes:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> "Element | None":
        """The first element at the end of a path of names."""
        return next(self.all(*path), None)

    def unmapped(self, reason: Reason, detail: str) -> UnmappedError:
        """That this cannot be mapped, and why; to be raised."""
        return UnmappedError(self.place, reason, detail, {self.name: self.attributes})


def document(data: bytes) -> Element:
    """The root element of a document.

    Raises:
        UnmappedError: No XML, or one with a document type.
    """
    builder = _Builder(len(data))
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as fault:
        raise UnmappedError(
            f"line {fault.lineno}", Reason.MALFORMED, f"no XML: {expat.ErrorString(fault.code)}"
        ) from fault
    except (LookupError, ValueError) as fault:  # an encoding that Python does not know either
        raise UnmappedError("line 1", Reason.ENCODING, str(fault)) from fault
    return builder.top.children[0]


class _Builder:
    """Makes a tree of what the parser tells."""

    def __init__(self, size: int) -> None:
        self._most = size // MIN_ELEMENT_BYTES + MAX_DEPTH
        self.top = Element("", {}, 0)
        self._open = [self.top]
        self._elements = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words

    def _doctype(self, *_: object) -> None:
        place = f"line {self.parser.CurrentLineNumber}"
        raise UnmappedError(
            place, Reason.MALFORMED, "a document type, which could define entities; this format has none"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._most or len(self._open) > MAX_DEPTH:
            place = f"line {self.parser.CurrentLineNumber}"
            raise UnmappedError(
                place, Reason.TOO_LARGE, f"more than {self._most} elements, or more than {MAX_DEPTH} deep"
            )
        element = Element(name, attributes, self.parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _words(self, words: str) -> None:
        self._open[-1].words.append(words)
