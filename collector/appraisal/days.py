"""Legal days (appraisal.md section 4): local midnights, periods in months, terms in days.

Every span is half-open. Results outside the years 1 to 9999 are cut to them, so that no statement, however far it
reaches, keeps the others from being judged.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)
_LAST_MONTH = date.max.year * 12 + 11


@lru_cache(maxsize=65536)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant of local midnight before a day."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST


@lru_cache(maxsize=65536)
def day_end(day: date, zone: ZoneInfo) -> datetime:
    """D1: the instant of local midnight after a day."""
    return LATEST if day == date.max else day_start(add_days(day, 1), zone)


@lru_cache(maxsize=65536)
def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day that the calendar in a zone shows at an instant."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return instant.date()


def add_days(day: date, count: int) -> date:
    """The day so many days on."""
    return date.fromordinal(min(max(day.toordinal() + count, 1), date.max.toordinal()))


def add_months(anchor: date, months: int) -> date:
    """D3: the same-numbered day so many months on, or the last day of that month."""
    month = min(max(anchor.year * 12 + anchor.month - 1 + months, 12), _LAST_MONTH)
    year, index = divmod(month, 12)
    return date(year, index + 1, min(anchor.day, monthrange(year, index + 1)[1]))


def period_end(anchor: date, months: int, zone: ZoneInfo) -> datetime:
    """D3: the end of a period in months that is counted from a day."""
    return day_end(add_months(anchor, months), zone)


@lru_cache(maxsize=65536)
def days_after(instant: datetime, count: int, zone: ZoneInfo) -> datetime:
    """D3: the end of a term in days; the day of the event does not count."""
    return day_end(add_days(local_day(instant, zone), count), zone)


def shift(instant: datetime, by: timedelta) -> datetime:
    """An instant moved by a span of time."""
    try:
        return instant + by
    except OverflowError:
        return LATEST if by > timedelta() else EARLIEST
