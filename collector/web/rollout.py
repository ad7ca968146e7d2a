"""How versions spread over homes, as a picture: columns of equal time, each stacked by version, in hundredths.

Only what points at no home is drawn: a version that fewer homes run than `min_cell` is left out of its column, and a
column with fewer homes than `min_households` is empty. The shares are of the homes that are drawn.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Final

import msgspec

from collector.appraisal import compare
from collector.appraisal.facts import Scheme
from collector.appraisal.policy import FleetPolicy
from collector.web.timeline import Mark

DAY_S: Final = 86_400
_COLUMNS: Final = 40
_NAMED: Final = 4
_ORDER: Final = {"older": -1, "newer": 1}
Count = tuple[int, str, int]
"""From a day on (days since 1970) so many homes ran a version."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One version in one column; `place` is its version's in the legend, None for all that are not named there."""

    place: int | None
    x: float
    y: float
    height: float


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """The picture.

    Attributes:
        width: Of a column, in percent.
        versions: The legend, newest first: each with its share of homes in the last column that is drawn.
        others: The share of those that are not named.
    """

    width: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    first: datetime
    last: datetime
    versions: tuple[tuple[str, int], ...]
    others: int


def rollout(
    counts: Sequence[Count], scheme: Scheme, marks: dict[str, datetime], now: datetime, numbers: FleetPolicy
) -> Rollout | None:
    """The picture of a model, None where there is nothing to draw.

    Args:
        counts: Oldest first.
        scheme: In which its versions compare.
        marks: Days by what they are.
        now: Where the picture ends.
        numbers: How many homes are enough.
    """
    if not counts:
        return None
    first, last = counts[0][0], int(now.timestamp()) // DAY_S + 1
    step = -(-(last - first) // _COLUMNS) or 1
    columns = [_shown(column, numbers) for column in _columns(counts, last - step * _COLUMNS, step)]
    drawn = [column for column in columns if column]
    if not drawn:
        return None
    named = _in_order({version for column in drawn for version in column}, drawn[-1], scheme)
    begin, width = last - step * _COLUMNS, 100 / _COLUMNS
    bars = [bar for place, column in enumerate(columns) for bar in _bars(column, named, place * width)]
    within = {kind: (at.timestamp() / DAY_S - begin) / (step * _COLUMNS) for kind, at in marks.items()}
    total = sum(drawn[-1].values())
    shares = tuple((version, round(100 * drawn[-1].get(version, 0) / total)) for version in named)
    return Rollout(
        width=width,
        bars=tuple(bars),
        marks=tuple(Mark(kind=kind, x=round(100 * x, 2)) for kind, x in within.items() if 0 <= x <= 1),
        first=datetime.fromtimestamp(begin * DAY_S, UTC),
        last=datetime.fromtimestamp(last * DAY_S - 1, UTC),
        versions=shares,
        others=round(100 * sum(homes for version, homes in drawn[-1].items() if version not in named) / total),
    )


def _columns(counts: Iterable[Count], begin: int, step: int) -> list[dict[str, int]]:
    """What ran at the end of each column."""
    running: dict[str, int] = {}
    columns: list[dict[str, int]] = []
    todo = list(counts)
    for place in range(_COLUMNS):
        end = begin + (place + 1) * step
        while todo and todo[0][0] < end:
            _, version, homes = todo.pop(0)
            running[version] = homes
        columns.append(dict(running))
    return columns


def _shown(column: dict[str, int], numbers: FleetPolicy) -> dict[str, int]:
    shown = {version: homes for version, homes in column.items() if homes >= max(numbers.min_cell, 1)}
    return shown if sum(shown.values()) >= numbers.min_households else {}


def _in_order(versions: set[str], last: dict[str, int], scheme: Scheme) -> list[str]:
    """The few that most homes run or ran, newest first where they compare."""
    most = sorted(versions, key=lambda version: (-last.get(version, 0), version))[:_NAMED]

    def newer_first(one: str, other: str) -> int:
        return -_ORDER.get(compare(one, other, scheme), 0)

    return sorted(most, key=cmp_to_key(newer_first))


def _bars(column: dict[str, int], named: Sequence[str], x: float) -> list[Bar]:
    """From the bottom up: what is not named, then the oldest; the newest on top."""
    total, top, bars = sum(column.values()), 100.0, []
    others = sum(homes for version, homes in column.items() if version not in named)
    parts: list[tuple[int | None, int]] = [(None, others)]
    parts += [(named.index(version), column.get(version, 0)) for version in reversed(named)]
    for place, homes in parts:
        if homes:
            height = 100 * homes / total
            top -= height
            bars.append(Bar(place=place, x=round(x, 2), y=round(max(top, 0), 2), height=round(height, 2)))
    return bars
