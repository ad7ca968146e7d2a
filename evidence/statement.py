"""The statement: what a seller, manufacturer, household, operator or feed puts on record, signed with its key.

The payload is a map with text keys: `kind`, the fields of that kind as the appraisal's fact tables give them, and
`asserted_at`, the instant that the issuer's signature claims. What a kind requires, and who may record it, is checked
at the collector's door; here only the form is.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec

from evidence import cbor, claims, cose
from evidence.claims import Claims
from evidence.errors import ClaimError, MalformedError
from evidence.keys import SigningKey
from evidence.limits import MAX_INTEGER, MAX_STATEMENT_BYTES

MESSAGE_TYPE = "application/vnd.updateplicht.statement+cbor"

KINDS: Final = frozenset(
    {
        *("model", "unit", "sale", "window", "waiver", "release", "advisory", "notice"),
        *("acknowledgement", "answer", "key_succession"),
    }
)
"""What people state. Programs state more (`enrolment`), and a later release may, so a reader takes any word."""

# Made by the register itself or belonging to the envelope: nobody may state them.
RESERVED = frozenset({"id", "issuer", "recorded_at", "rejected"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_KIND = re.compile(r"[a-z][a-z_]{0,31}")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement.

    Attributes:
        kind: `window`, `release`, `sale`, ...
        asserted_at: `YYYY-MM-DDTHH:MM:SSZ`.
        fields: The fields of that kind; texts, integers, booleans, null, lists and maps with text keys.
    """

    kind: str
    asserted_at: str
    fields: Mapping[str, Any]


def encode(statement: Statement) -> bytes:
    """The claims of a statement as CBOR.

    Raises:
        ClaimError: A field of a form that a statement cannot hold.
    """
    payload = {"kind": statement.kind, "asserted_at": statement.asserted_at, **statement.fields}
    data = cbor.encode(payload)
    decode(data)
    return data


def sign(statement: Statement, key: SigningKey) -> bytes:
    """The statement in its signed envelope."""
    return cose.sign(encode(statement), key, MESSAGE_TYPE, MAX_STATEMENT_BYTES)


def decode(payload: bytes) -> Statement:
    """The claims of a statement, from a payload whose signature was checked.

    Raises:
        EvidenceError: TooLarge, Malformed or NotDeterministic for the bytes, Claim for the form of a field.
    """
    value = fields(cbor.decode(payload, MAX_STATEMENT_BYTES), "")
    found = Claims(value)
    return Statement(
        kind=found.get("kind", _kind),
        asserted_at=found.get("asserted_at", _instant),
        fields={name: item for name, item in value.items() if name not in ("kind", "asserted_at")},
    )


def fields(value: object, path: str) -> dict[str, Any]:
    """A map that holds only what a statement may, with text keys.

    Raises:
        EvidenceError: Malformed where it is no such map, Claim for the form of a field.
    """
    if not isinstance(value, dict):
        raise ClaimError(path or "payload", "a map")
    for name, item in value.items():
        _check_field(name, item)
    return value


def _kind(value: object, path: str) -> str:
    if not isinstance(value, str) or not _KIND.fullmatch(value):
        raise ClaimError(path, "a word of at most 32 lower-case letters and underscores")
    return value


def _instant(value: object, path: str) -> str:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        with suppress(ValueError):  # such as the 30th of February
            datetime.fromisoformat(value)
            return value
    raise ClaimError(path, "an instant YYYY-MM-DDTHH:MM:SSZ")


def _check_field(name: object, value: object) -> None:
    if not isinstance(name, str):
        raise MalformedError("a statement has text keys only")
    claims.text(name, "payload")
    if name in RESERVED:
        raise ClaimError(f"/{name}", "to be absent: the register sets it")
    _check_json(value, f"/{name}")


def _check_json(value: object, path: str) -> None:
    # Facts are kept and shown as JSON, so that is what a statement may hold.
    match value:
        case dict():
            for key, item in value.items():
                claims.text(key, path)
                _check_json(item, f"{path}/{key}")
        case list():
            for number, item in enumerate(value):
                _check_json(item, f"{path}[{number}]")
        case bytes():
            raise ClaimError(path, "a digest in hex, not bytes")
        case str() if value:
            claims.text(value, path)
        case int() if not isinstance(value, bool):
            claims.integer(-MAX_INTEGER, MAX_INTEGER)(value, path)
