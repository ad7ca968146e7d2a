"""Sections 1 and 4: instants as seconds of UTC, days as dates, and what the vague forms between them may mean."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-5][0-9])?"
)
LAST_INSTANT = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp())
FIRST_INSTANT = int(datetime.min.replace(tzinfo=UTC).timestamp())


class Span(NamedTuple):
    """Days from first to last, both possible."""

    first: date
    last: date


class Moment(NamedTuple):
    """Instants from low to high."""

    low: float
    high: int


def read_instant(text: Any) -> int:
    """Whole seconds, `Z` and nothing else."""
    if not isinstance(text, str) or not INSTANT.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).timestamp())


def read_day(text: Any) -> date:
    """`YYYY-MM-DD`."""
    match = DAY.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(text)
    return date(*map(int, match.groups()))


def read_date_time(text: Any) -> tuple[datetime, bool]:
    """A date-time as written, and whether it has an offset; fractions are dropped."""
    match = DATE_TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(text)
    return datetime.fromisoformat(match[1] + (match[2] or "Z")), match[2] is not None


def read_month(text: str) -> Span | None:
    """All days of a month, or nothing where the text is none."""
    match = MONTH.fullmatch(text)
    if not match:
        return None
    year, month = map(int, match.groups())
    first = date(year, month, 1)
    return Span(first, first.replace(day=monthrange(year, month)[1]))


def read_when(value: Any, zone: str) -> Span:
    """The days that a When may mean."""
    if isinstance(value, dict):
        span = Span(read_day(value.get("from")), read_day(value.get("to")))
        if span.first > span.last:
            raise ValueError(value)
        return span
    if isinstance(value, str) and (month := read_month(value)):
        return month
    if isinstance(value, str) and INSTANT.fullmatch(value):
        day = local_day(read_instant(value), zone)
    else:
        day = read_day(value)
    return Span(day, day)


def read_moment(value: Any, zone: str) -> Moment:
    """The instants that a Moment may mean."""
    if isinstance(value, str) and DAY.fullmatch(value):
        day = read_day(value)
        return Moment(day_start(day, zone), day_end(day, zone) - 1)
    written, exact = read_date_time(value)
    second = int(written.timestamp())
    doubt = 0 if exact else 14 * 3600
    return Moment(cut(second - doubt), cut(second + doubt))


def cut(instant: int) -> int:
    """Years 1 to 9999."""
    return max(FIRST_INSTANT, min(instant, LAST_INSTANT))


def written_end(value: str, zone: str) -> int:
    """D2: the end of an End that is no period."""
    if month := read_month(value):
        return day_end(month.last, zone)
    if DAY.fullmatch(value):
        return day_end(read_day(value), zone)
    written, offset = read_date_time(value)
    end = day_end(written.date(), zone)
    return max(end, cut(int(written.timestamp()) + 1)) if offset else end


def day_start(day: date, zone: str) -> int:
    """Local midnight before a day."""
    return cut(int((datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))).timestamp()))


def day_end(day: date, zone: str) -> int:
    """D1: local midnight after a day."""
    return LAST_INSTANT if day == date.max else day_start(day + timedelta(days=1), zone)


def local_day(instant: int, zone: str) -> date:
    """The day of an instant."""
    try:
        return datetime.fromtimestamp(instant, ZoneInfo(zone)).date()
    except (ValueError, OverflowError):
        return date.max if instant > 0 else date.min


def add_days(day: date, days: int) -> date:
    """So many days on."""
    return date.fromordinal(max(1, min(day.toordinal() + days, date.max.toordinal())))


def add_months(anchor: date, months: int) -> date:
    """D3: the same-numbered day, or the last one of that month."""
    index = anchor.year * 12 + anchor.month - 1 + months
    if not 12 <= index < 120_000:
        return date.max if index > 12 else date.min
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def days_after(instant: int, days: int, zone: str) -> int:
    """D3: the end of the day so many days on."""
    return day_end(add_days(local_day(instant, zone), days), zone)


def written(instant: float | None) -> str | None:
    """An instant as verdicts write it."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
