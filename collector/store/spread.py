"""How many homes of a model ran which version when: what a picture of a rollout is drawn from.

One device speaks for each home, so that what is counted are homes: the first by its id among those that the judge
matched. A version stands until another one is read; silence takes nothing back.
"""

from collections import Counter
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import cases, devices, readings

DAY_S: Final = 86_400


class Count(msgspec.Struct, frozen=True, array_like=True):
    """From a day on (days since 1970, UTC) so many homes ran a version."""

    day: int
    version: str
    homes: int


async def spread(connection: AsyncConnection, model: str) -> list[Count]:
    """The counts of each day on which one of them changed, oldest first."""
    speaks = (
        sa.select(devices.c.gateway, sa.func.min(devices.c.device).label("device"))
        .join(cases, cases.c.id == devices.c.case_id)
        .where(cases.c.model == model)
        .group_by(devices.c.gateway)
        .subquery()
    )
    column = readings.c
    version = column.reading["version_raw"].as_string()
    before = sa.func.lag(version).over(partition_by=(column.gateway, column.device), order_by=column.sequence)
    steps = (
        sa.select((column.received_at // DAY_S).label("day"), version.label("version"))
        .add_columns(before.label("before"))
        .join(speaks, (speaks.c.gateway == column.gateway) & (speaks.c.device == column.device))
        .where(column.reading["result"].as_string() == "ok")
        .cte("steps")
    )
    moved = steps.c.version.is_distinct_from(steps.c.before)
    both = (steps.c.day, steps.c.before, steps.c.version)
    query = sa.select(*both, sa.func.count()).where(moved).group_by(*both).order_by(steps.c.day)
    return _counts([tuple(row) for row in await connection.execute(query)])


def _counts(moves: list[tuple[Any, ...]]) -> list[Count]:
    running, counts = Counter[str](), dict[tuple[int, str], int]()
    for day, before, version, homes in moves:
        for name, change in ((before, -homes), (version, homes)):
            if name is not None:
                running[name] += change
                counts[day, name] = running[name]
    return [Count(day, version, homes) for (day, version), homes in counts.items()]
