"""JSON (RFC 8259) from a stranger: no key twice, no NaN, bounded in values, depth and digits."""

import json
from collections import Counter
from typing import Any, Final, Never

from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import UnmappedError

MIN_VALUE_BYTES: Final = 4
"""Of a whole document for each comma and bracket; real ones have over ten. An empty object weighs two bytes in a file
and thirty times that in memory."""


def document(data: bytes) -> Node:
    """The root of a JSON document.

    Raises:
        UnmappedError: No JSON, or one that two readers could read differently.
    """
    most = 100 + len(data) // MIN_VALUE_BYTES
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise UnmappedError("", Reason.TOO_LARGE, f"more than {most} values")
    try:
        # Some publishers write a byte order mark; RFC 8259 lets a reader pass over it.
        value = json.loads(decoded(data), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise UnmappedError("", Reason.TOO_LARGE, "nested too deeply") from None
    except ValueError as fault:
        raise UnmappedError("", Reason.MALFORMED, f"no JSON: {fault}", data[:100].decode(errors="replace")) from fault
    return Node(value)


def decoded(data: bytes) -> str:
    """The text of UTF-8 bytes.

    Raises:
        UnmappedError: They are none.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        start = max(0, fault.start - 40)
        around = data[start : fault.end + 40].decode(errors="backslashreplace")
        raise UnmappedError("", Reason.ENCODING, f"no UTF-8 at byte {fault.start}", around) from fault


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return value


def _refuse(word: str) -> Never:
    raise ValueError(f"{word} is no JSON")
