"""Dates as foreign formats write them, into the forms of appraisal.md section 1. Nothing is repaired.

Years before 1971 and the year 9999 are what programs write for "never set" and "never": no firmware has a date there.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from collector.appraisal.values import Moment
from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._nodes import Node

# RFC 3339 with what several formats demand of it: capital T and Z, an offset, no leap second.
_WITH_OFFSET: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_FRACTION: Final = re.compile(r"\.\d+")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO: Final = re.compile(r"\d{4}(-?)\d{2}\1\d{2}(?:T\d{2}(:?)\d{2}\2\d{2}(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_YEARS: Final = ("1971", "9998")
_SECONDS: Final = range(31_536_000, 253_370_764_800)  # of those years


def moment(node: Node) -> str:
    """A day, or a date-time with or without offset, as it stands there."""
    return _checked(node, Moment.parse, "a day or a date-time")


def iso(node: Node) -> str:
    """A day, or a date-time with or without offset, in any complete form of ISO 8601, basic or extended."""
    text = node.text()
    if not _ISO.fullmatch(text):
        return moment(node)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise node.unmapped(Reason.DATE, "expected a day or a date-time") from None
    return moment(node.instead(read.isoformat() if "T" in text else read.date().isoformat()))


def day(node: Node) -> str:
    """A day."""
    text = _checked(node, Moment.parse, "a day such as 2026-11-21")
    if not _DAY.fullmatch(text):
        raise node.unmapped(Reason.DATE, "expected a day such as 2026-11-21")
    return text


def date_time(node: Node) -> str:
    """A date-time with offset, as it stands there."""
    text = _checked(node, Moment.parse, "a date-time with offset such as 2026-11-21T12:00:00Z")
    if not _WITH_OFFSET.fullmatch(text):
        raise node.unmapped(Reason.DATE, "expected a date-time with offset such as 2026-11-21T12:00:00Z")
    return text


def instant(node: Node) -> str:
    """The whole second of a date-time with offset, in UTC: when something was said."""
    return f"{utc(date_time(node)).replace(tzinfo=None).isoformat()}Z"


def utc(written: str) -> datetime:
    """The whole second of a date-time with offset that was checked before."""
    return datetime.fromisoformat(_FRACTION.sub("", written)).astimezone(UTC)


def unix(node: Node) -> str:
    """The instant of seconds since 1970, written as digits."""
    text = node.text()
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) not in _SECONDS:
        raise node.unmapped(Reason.DATE, f"expected seconds since 1970, of the years {' to '.join(_YEARS)}")
    return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(node: Node, parse: Callable[[object], object], expected: str) -> str:
    text = node.text()
    try:
        parse(text)
    except ValueError:
        raise node.unmapped(Reason.DATE, f"expected {expected}") from None
    if not _YEARS[0] <= text[:4] <= _YEARS[1]:
        raise node.unmapped(Reason.DATE, f"stands for no date: expected a year from {' to '.join(_YEARS)}")
    return text
