"""Dates as foreign formats write them, into the forms of appraisal.md section 1. Nothing is repaired."""

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
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


def moment(node: Node) -> str:
    """A day, or a date-time with or without offset, as it stands there."""
    return _checked(node, Moment.parse, "a day or a date-time")


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
    if not re.fullmatch(r"[0-9]{1,12}", text) or not 0 < int(text) <= _LAST_SECOND:
        raise node.unmapped(Reason.DATE, "expected seconds since 1970")
    return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(node: Node, parse: Callable[[object], object], expected: str) -> str:
    text = node.text()
    try:
        parse(text)
    except ValueError:
        raise node.unmapped(Reason.DATE, f"expected {expected}") from None
    return text
