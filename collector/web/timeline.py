"""A window as a picture: where its spans and its days lie between two ends, in hundredths of the width.

The picture is SVG in the page, drawn by the template from these numbers and coloured by the style sheet; what it shows
stands beside it in words.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from collector.appraisal.days import shift

_MARGIN = 0.04
_MOST_YEARS = 8
_SHORTEST = timedelta(days=30)
_FARTHEST = timedelta(days=36_525)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where, in percent."""

    kind: str
    x: float
    width: float


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A day that matters, in percent."""

    kind: str
    x: float


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The picture of one window.

    Attributes:
        years: The first of January of each year that is named.
    """

    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]
    years: tuple[tuple[str, float], ...]


def timeline(start: datetime | None, end: datetime | None, extended: datetime | None, now: datetime) -> Timeline | None:
    """The picture of a window, None where no end is known; without a known start it begins at the edge."""
    if end is None and extended is None:
        return None
    start, end, extended = (instant and _cut(instant, now) for instant in (start, end, extended))
    known = [instant for instant in (start, end, extended, now) if instant is not None]
    scale = _Scale(min(known), max(known))
    begin = start or scale.first
    spans = [scale.span("owed", begin, end)] if end is not None else []
    if extended is not None:
        spans.append(scale.span("extended", max(begin, end or begin), extended))
    marks = {"start": start, "end": end, "extended": extended, "now": now}
    return Timeline(
        spans=tuple(spans),
        marks=tuple(Mark(kind=kind, x=scale.place(at)) for kind, at in marks.items() if at is not None),
        years=scale.years(),
    )


def _cut(instant: datetime, now: datetime) -> datetime:
    """A promise may reach to the year 9999; the picture does not."""
    return min(max(instant, shift(now, -_FARTHEST)), shift(now, _FARTHEST))


class _Scale:
    def __init__(self, first: datetime, last: datetime) -> None:
        length = max(last - first, _SHORTEST)
        self.first = shift(first, -length * _MARGIN)
        self._last = shift(first, length * (1 + _MARGIN))

    def place(self, instant: datetime) -> float:
        return round(100 * ((instant - self.first) / (self._last - self.first)), 2)

    def span(self, kind: str, start: datetime, end: datetime) -> Span:
        x = self.place(start)
        return Span(kind=kind, x=x, width=round(max(self.place(end) - x, 0), 2))

    def years(self) -> tuple[tuple[str, float], ...]:
        years = range(self.first.year + 1, self._last.year + 1)
        step = -(-len(years) // _MOST_YEARS) or 1
        return tuple((str(year), self.place(datetime(year, 1, 1, tzinfo=UTC))) for year in years[::step])
