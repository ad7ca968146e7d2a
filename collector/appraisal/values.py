"""The forms in which facts write time (appraisal.md section 1), parsed once and strictly.

A form is read without a time zone, because the tracks judge the same fact by different legal days; what a form means
in a zone is asked of it later. Every parser raises ValueError for anything but its form.
"""

import re
from calendar import monthrange
from datetime import MINYEAR, UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from collector.appraisal.days import EARLIEST, LATEST, ONE_SECOND, day_end, day_start, local_day, shift

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:[0-5]\d)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
UNKNOWN_OFFSET: Final = timedelta(hours=14)
"""How far local time may lie from UTC on either side."""


def is_instant(form: object) -> bool:
    """Whether something is written as `YYYY-MM-DDTHH:MM:SSZ`; that it is a real second is left to who reads it."""
    return isinstance(form, str) and _INSTANT.fullmatch(form) is not None


def parse_instant(form: object) -> datetime:
    """Read `YYYY-MM-DDTHH:MM:SSZ`."""
    if isinstance(form, str) and is_instant(form):
        return datetime.fromisoformat(form)
    raise ValueError("expected an instant such as 2026-11-21T12:00:00Z")


class _Form:
    """Equal when the same thing was written."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Form) and type(self) is type(other) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._parts()}"

    def _parts(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


class When(_Form):
    """A day that may be vague: a span of days, or an instant that stands for its local day."""

    __slots__ = ("first", "instant", "last")

    def __init__(self, first: date, last: date, instant: datetime | None = None) -> None:
        self.first = first
        self.last = last
        self.instant = instant

    @classmethod
    def parse(cls, form: object) -> "When":
        """Read a day, a month, an interval of days or an instant."""
        if isinstance(form, dict):
            first, last = _day(form.get("from")), _day(form.get("to"))
            if last < first:
                raise ValueError("the interval runs backwards")
            return cls(first, last)
        if is_instant(form):
            instant = parse_instant(form)
            return cls(instant.date(), instant.date(), instant)
        return cls(*_days(form))

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and the last day that this may be, in a zone."""
        if self.instant is None:
            return self.first, self.last
        day = local_day(self.instant, zone)
        return day, day


class Moment(_Form):
    """A public moment: a day of which any second may be meant, or the earliest and the latest second."""

    __slots__ = ("when",)

    def __init__(self, when: date | tuple[datetime, datetime]) -> None:
        self.when = when

    @classmethod
    def parse(cls, form: object) -> "Moment":
        """Read a date-time with or without offset, or a day."""
        if isinstance(form, str) and (written := _DATE_TIME.fullmatch(form)):
            if written[2] is not None:
                moment = _instant(written)
                return cls((moment, moment))
            local = datetime.fromisoformat(written[1]).replace(tzinfo=UTC)
            return cls((shift(local, -UNKNOWN_OFFSET), shift(local, UNKNOWN_OFFSET)))
        return cls(_day(form))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The earliest and the latest second that this may be, in a zone."""
        if isinstance(self.when, tuple):
            return self.when
        return day_start(self.when, zone), day_end(self.when, zone) - ONE_SECOND


class End(_Form):
    """The end of a promise: a last day (with the instant if one was written), a period, or to be announced."""

    __slots__ = ("anchor", "instant", "last", "months")

    def __init__(
        self,
        last: date | None = None,
        instant: datetime | None = None,
        months: int | None = None,
        anchor: Literal["purchase", "placing"] | date | None = None,
    ) -> None:
        self.last = last
        self.instant = instant
        self.months = months
        self.anchor = anchor

    @classmethod
    def parse(cls, form: object) -> "End":
        """Read a day, a month, a date-time, a period or `tba`."""
        if isinstance(form, dict):
            return cls._period(form.get("months"), form.get("from"))
        if form == "tba":
            return cls()
        if isinstance(form, str) and (written := _DATE_TIME.fullmatch(form)):
            instant = _instant(written) if written[2] is not None else None
            return cls(datetime.fromisoformat(written[1]).date(), instant)
        return cls(_days(form)[1])

    @classmethod
    def _period(cls, months: object, anchor: object) -> "End":
        if not isinstance(months, int) or isinstance(months, bool) or months < 0:
            raise ValueError("expected months as a whole number, not negative")
        if anchor == "purchase":
            return cls(months=months, anchor="purchase")
        if anchor == "placing":
            return cls(months=months, anchor="placing")
        return cls(months=months, anchor=_day(anchor))

    @property
    def to_be_announced(self) -> bool:
        """Whether the issuer has only said that it will say."""
        return self.last is None and self.months is None


def _day(form: object) -> date:
    if isinstance(form, str) and _DAY.fullmatch(form):
        return date.fromisoformat(form)
    raise ValueError("expected a day such as 2026-11-21")


def _days(form: object) -> tuple[date, date]:
    """The days of a day or a month."""
    if isinstance(form, str) and (month := _MONTH.fullmatch(form)):
        first = date(int(month[1]), int(month[2]), 1)
        return first, first.replace(day=monthrange(first.year, first.month)[1])
    day = _day(form)
    return day, day


def _instant(written: re.Match[str]) -> datetime:
    moment = datetime.fromisoformat(written[1] + written[2])
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST if moment.year == MINYEAR else LATEST
