"""The YAML front matter of a Markdown page, from a stranger.

Read from the parser's events, so that nothing is constructed that the text does not show: no alias that unfolds into a
thousand copies, no tag that makes an object, no `1:30` that becomes a number. A plain `true`, `false` or `null` is
that, as YAML 1.1 has it; everything else is text. Lines are those of the page.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # PyYAML has no annotations

from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._json import decoded
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import UnmappedError

MAX_DEPTH: Final = 32
MAX_EVENTS: Final = 30_000
"""A product with a hundred releases has two thousand."""
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLAIN: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null"), None),
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}


def front_matter(data: bytes) -> Node:
    """The front matter of a page.

    Raises:
        UnmappedError: There is none, or it is no YAML that can be read in one way only.
    """
    found = _FRONT_MATTER.match(decoded(data))
    if found is None:
        raise UnmappedError(
            "line 1", Reason.FORMAT, "expected a page that begins with front matter between lines of ---"
        )
    reader = _Reader(found[1])
    try:
        return Node(reader.document(), "", reader.lines)
    except yaml.YAMLError as fault:
        place = getattr(fault, "problem_mark", None)
        line = 1 if place is None else place.line + _Reader.FIRST_LINE
        raise UnmappedError(f"line {line}", Reason.MALFORMED, f"no YAML: {getattr(fault, 'problem', fault)}") from fault


class _Reader:
    """Makes plain values of events, and notes the line of each under its pointer."""

    FIRST_LINE: Final = 2  # the page's first line is the `---`

    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._count = 0

    def document(self) -> Any:
        """The one document of the text."""
        while not isinstance(event := self._next(), yaml.NodeEvent):
            if isinstance(event, yaml.StreamEndEvent):
                return None
        value = self._value(event, "", 0)
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._unmapped(event, "more than one document")
        return value

    def _next(self) -> Any:
        event = next(self._events)
        self._count += 1
        if self._count > MAX_EVENTS:
            raise UnmappedError(f"line {self._line(event)}", Reason.TOO_LARGE, f"more than {MAX_EVENTS} values")
        return event

    def _value(self, event: Any, pointer: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise UnmappedError(f"line {self._line(event)}", Reason.TOO_LARGE, f"nested more than {MAX_DEPTH} deep")
        self.lines[pointer] = self._line(event)
        if isinstance(event, yaml.ScalarEvent):
            return _PLAIN.get(event.value.casefold(), event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(pointer, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(pointer, depth)
        raise self._unmapped(event, "an alias, which this reader does not follow")

    def _sequence(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{pointer}/{len(items)}", depth + 1))
        return items

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._unmapped(event, "a key that is no text")
            key = event.value
            if key in members:
                raise self._unmapped(event, f"the key {key!r} stands twice")
            escaped = key.replace("~", "~0").replace("/", "~1")
            members[key] = self._value(self._next(), f"{pointer}/{escaped}", depth + 1)
        return members

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self.FIRST_LINE

    def _unmapped(self, event: Any, detail: str) -> UnmappedError:
        return UnmappedError(f"line {self._line(event)}", Reason.MALFORMED, detail)
