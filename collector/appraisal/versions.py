"""Versions: how one stands to another, by the scheme that the catalogue names (appraisal.md section 9).

Two versions of one scheme compare; anything else is unknown and never guessed. Sources: SemVer 2.0.0 section 11;
`vercmp` is the order of RPM (rpmvercmp) and AppStream.
"""

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, get_args

from collector.appraisal.facts import Scheme

SCHEMES: Final[tuple[str, ...]] = get_args(Scheme)
MAX_LENGTH: Final = 64
_BLANK: Final = " \t\r\n\0"
_UINT32 = re.compile(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}")
_SEQUENCE = re.compile(r"[0-9]{1,20}")
_MULTIPART = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+)*)")
_SEMVER = re.compile(
    r"[vV]?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_DATE = re.compile(
    r"(?:([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})\.([0-9]{2})\.([0-9]{2})"
    r"|([0-9]{2})([0-9]{2})([0-9]{2}))(?:[-._]([0-9]{1,6}))?"
)
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]")
_SKIPPED = re.compile(r"[^0-9A-Za-z~^]*")
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[A-Za-z]+")


class Relation(StrEnum):
    """How a version stands to another."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"
    UNKNOWN = "unknown"


class Version(NamedTuple):
    """A version string and the scheme in which it is meant."""

    text: str
    scheme: Scheme


@lru_cache(maxsize=16384)
def compare(a: str, b: str, scheme: Scheme) -> Relation:
    """How version a stands to version b in a scheme."""
    a, b = a.strip(_BLANK), b.strip(_BLANK)
    if a == b and a:
        return Relation.SAME
    left, right = _parse(a, scheme), _parse(b, scheme)
    if left is None or right is None or scheme == "opaque":
        return Relation.UNKNOWN
    if scheme == "vercmp":
        return _vercmp(a, b)
    return _ordered(left, right)


def relate(a: Version, b: Version) -> Relation:
    """How version a stands to version b; unknown across schemes."""
    return compare(a.text, b.text, a.scheme) if a.scheme == b.scheme else Relation.UNKNOWN


def is_version(version: Version) -> bool:
    """Whether the text is a version of its scheme."""
    return _parse(version.text.strip(_BLANK), version.scheme) is not None


def stripped(text: str) -> str:
    """A version string without what is stripped before a comparison."""
    return text.strip(_BLANK)


@lru_cache(maxsize=16384)
def _parse(text: str, scheme: Scheme) -> Any | None:
    """What orders a version among those of its scheme; None if it is none."""
    return _PARSERS[scheme](text) if len(text) <= MAX_LENGTH else None


def _ordered(left: Any, right: Any) -> Relation:
    if left == right:
        return Relation.SAME
    return Relation.OLDER if left < right else Relation.NEWER


def _uint32(text: str) -> int | None:
    if _UINT32.fullmatch(text) is None:
        return None
    number = int(text, 16 if text.startswith("0x") else 10)
    return number if number < 2**32 else None


def _sequence(text: str) -> int | None:
    return int(text) if _SEQUENCE.fullmatch(text) and int(text) < 2**64 else None


def _multipart(text: str) -> tuple[int, ...] | None:
    if (found := _MULTIPART.fullmatch(text)) is None:
        return None
    parts = [int(part) for part in found[1].split(".")]
    while parts and parts[-1] == 0:  # missing parts are zero
        parts.pop()
    return tuple(parts)


def _semver(text: str) -> tuple[Any, ...] | None:
    if (found := _SEMVER.fullmatch(text)) is None:
        return None
    release = (int(found[1]), int(found[2]), int(found[3]))
    if found[4] is None:
        return (*release, 1, ())
    # SemVer 11.4: numbers before words, numbers by value, words by ASCII; a shorter list first.
    identifiers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split(".")]
    return (*release, 0, tuple(identifiers))


def _date_code(text: str) -> tuple[date, int] | None:
    if (found := _DATE.fullmatch(text)) is None:
        return None
    *parts, suffix = found.groups()
    year, month, day = (int(part) for part in parts if part is not None)
    try:
        return date(year if found[10] is None else 2000 + year, month, day), int(suffix or 0)
    except ValueError:
        return None


def _has_letter_or_digit(text: str) -> str | None:
    return text if text.isascii() and _ALPHANUMERIC.search(text) else None


def _not_empty(text: str) -> str | None:
    return text or None


_PARSERS: Final[dict[str, Callable[[str], Any | None]]] = {
    "uint32": _uint32,
    "sequence": _sequence,
    "multipart-numeric": _multipart,
    "semver": _semver,
    "date-code": _date_code,
    "vercmp": _has_letter_or_digit,
    "opaque": _not_empty,
}


def _vercmp(a: str, b: str) -> Relation:
    while a or b:
        a, b = a[_end(_SKIPPED, a) :], b[_end(_SKIPPED, b) :]
        if mark := next((mark for mark in "~^" if mark in (a[:1], b[:1])), ""):
            if a[:1] != b[:1]:
                return _marked(mark, a, b)
            a, b = a[1:], b[1:]
            continue
        if not a or not b:
            break
        kind = _DIGITS if a[0].isdigit() else _LETTERS
        left, right = a[: _end(kind, a)], b[: _end(kind, b)]
        if not right:
            return Relation.NEWER if kind is _DIGITS else Relation.OLDER
        order = _ordered(int(left), int(right)) if kind is _DIGITS else _ordered(left, right)
        if order is not Relation.SAME:
            return order
        a, b = a[len(left) :], b[len(right) :]
    return _ordered(bool(a), bool(b))


def _marked(mark: str, a: str, b: str) -> Relation:
    """One of the two starts with a mark: `~` is older than all; `^` newer than the end, older than any other rest."""
    rest = b if a.startswith(mark) else a
    newer = mark == "^" and not rest
    return Relation.NEWER if a.startswith(mark) == newer else Relation.OLDER


def _end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0
