"""Statements as people write them: TOML in, `Statement` out.

One statement is `kind` and its fields at the top level; several are `[[statement]]` entries. Dates may be TOML's own or
text. A date-time keeps the offset it was written with, since the day it names depends on it; only `asserted_at` is
turned into UTC. The kind is one of `KINDS`: a word that was mistyped is a statement that says nothing to anybody.
"""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from evidence.errors import ClaimError, MalformedError
from evidence.statement import KINDS, Statement

_MANY = "statement"


def read_statements(text: str, asserted_at: str) -> tuple[Statement, ...]:
    """The statements of one file, in its order.

    Args:
        text: TOML.
        asserted_at: For statements that do not say it themselves.

    Raises:
        EvidenceError: Malformed where it is no TOML, Claim with the path of a value that no statement can hold.
    """
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MalformedError(f"no TOML: {error}") from error
    if _MANY not in top:
        return (_statement(top, asserted_at, ""),)
    entries = top.pop(_MANY)
    if top or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ClaimError("", f"either one statement, or nothing but [[{_MANY}]] entries")
    return tuple(_statement(entry, asserted_at, f"/{_MANY}[{number}]") for number, entry in enumerate(entries))


def _statement(entry: Mapping[str, Any], asserted_at: str, path: str) -> Statement:
    fields = {name: _plain(value, f"{path}/{name}") for name, value in entry.items()}
    kind, said = fields.pop("kind", None), entry.get("asserted_at", asserted_at)
    fields.pop("asserted_at", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ClaimError(f"{path}/kind", f"one of {', '.join(sorted(KINDS))}")
    if isinstance(said, datetime) and said.tzinfo:
        said = said.astimezone(UTC)
    return Statement(kind=kind, asserted_at=_plain(said, f"{path}/asserted_at"), fields=fields)


def _plain(value: object, path: str) -> Any:
    match value:
        case dict():
            return {name: _plain(item, f"{path}/{name}") for name, item in value.items()}
        case list():
            return [_plain(item, f"{path}[{number}]") for number, item in enumerate(value)]
        case datetime():
            return value.isoformat(timespec="seconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case time() | float():
            raise ClaimError(path, "a text, an integer, true or false, a date, or a list or table of these")
        case _:
            return value
