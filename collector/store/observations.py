"""What gateways observed of one device, thinned in the database to what can make a difference.

A *run* is a stretch of a gateway's reports in which the device's reading is the same.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import leaves, readings, rejected, reports, revoked_readings


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A reading, and the number of the first report that holds it; None where the device is in none of them."""

    sequence: int
    received_at: int
    reading: dict[str, Any] | None


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A report that names the device; `run` is the number of the first report of its run."""

    run: int
    sequence: int
    digest: str
    received_at: int


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence of this gateway's own making that was not accepted."""

    id: str
    received_at: int
    reason: str


async def runs(connection: AsyncConnection, gateway: str, device: str, *, until: int) -> list[Run]:
    """The runs of a device that began by an instant, oldest first."""
    column = _ever(gateway, device).c
    query = sa.select(column.sequence, column.received_at, column.reading).where(column.received_at <= until)
    rows = await connection.execute(query.order_by(column.sequence))
    return [Run(**row) for row in rows.mappings()]


async def sightings(
    connection: AsyncConnection, gateway: str, device: str, *, until: int, span: int, first: int
) -> list[Sighting]:
    """Of each run the first reports, and the first and last one in each span of time.

    Args:
        connection: To the register.
        gateway: The device's.
        device: Its id.
        until: Reports that came later are not looked at, Unix seconds.
        span: In seconds; spans begin at its multiples.
        first: How many reports from the beginning of a run.
    """
    column = _ever(gateway, device).c
    run = sa.select(
        column.sequence.label("first"),
        sa.func.lead(column.sequence).over(order_by=column.sequence).label("next"),
        column.reading.is_(sa.null()).label("absent"),
    ).subquery()
    inside = (reports.c.sequence >= run.c.first) & (run.c.next.is_(None) | (reports.c.sequence < run.c.next))
    order, in_span = reports.c.sequence, (run.c.first, reports.c.received_at // span)
    ranked = (
        sa.select(
            run.c.first.label("run"),
            *(reports.c.sequence, reports.c.leaf, reports.c.received_at),
            sa.func.row_number().over(partition_by=run.c.first, order_by=order).label("in_run"),
            sa.func.row_number().over(partition_by=in_span, order_by=order).label("from_first"),
            sa.func.row_number().over(partition_by=in_span, order_by=order.desc()).label("from_last"),
        )
        .join(run, inside)
        .where(reports.c.gateway == gateway, reports.c.received_at <= until, ~reports.c.late, ~run.c.absent)
        .subquery()
    )
    kept = (ranked.c.in_run <= first) | (ranked.c.from_first == 1) | (ranked.c.from_last == 1)
    columns = (*(ranked.c[name] for name in ("run", "sequence", "received_at")), leaves.c.digest)
    query = sa.select(*columns).join(leaves, leaves.c["index"] == ranked.c.leaf).where(kept)
    return [Sighting(**row) for row in (await connection.execute(query)).mappings()]


async def rejections(
    connection: AsyncConnection, gateway: str, topic: str, *, since: int, until: int, span: int, reasons: frozenset[str]
) -> list[Rejection]:
    """The first and last rejection in each span of time, of evidence whose signature was good.

    Args:
        connection: To the register.
        gateway: Whose evidence.
        topic: Where it came in.
        since: From when on, Unix seconds.
        until: Until when.
        span: In seconds; spans begin at its multiples.
        reasons: Those that matter.
    """
    column = rejected.c
    here = (column.gateway == gateway) & (column.topic == topic) & column.verified & column.reason.in_(reasons)
    events = sa.select(column.id, column.received_at, column.reason).where(
        here, column.received_at.between(since, until)
    )
    rows = await connection.execute(_ends(events.subquery(), "id", span))
    return [Rejection(id=f"rejected:{id_}", received_at=at, reason=reason) for id_, at, reason in rows]


async def taken_back(
    connection: AsyncConnection, gateway: str, *, since: int, until: int, span: int
) -> list[Rejection]:
    """The first and last report in each span of time that came from an instant on, from which on its key is revoked."""
    column = reports.c
    came = (column.gateway == gateway) & column.received_at.between(since, until)
    events = sa.select(column.leaf, column.received_at).where(came).subquery()
    ends = _ends(events, "leaf", span).subquery()
    query = sa.select(leaves.c.digest, ends.c.received_at).join(ends, ends.c.leaf == leaves.c["index"])
    return [Rejection(id=digest, received_at=at, reason="key") for digest, at in await connection.execute(query)]


def _ends(events: sa.Subquery, name: str, span: int) -> sa.Select[Any]:
    """The first and last of these events in each span of time."""
    at, number = events.c.received_at, events.c[name]
    first = sa.func.row_number().over(partition_by=at // span, order_by=(at, number)).label("from_first")
    last = sa.func.row_number().over(partition_by=at // span, order_by=(at.desc(), number.desc())).label("from_last")
    ranked = sa.select(events, first, last).subquery()
    kept = (ranked.c.from_first == 1) | (ranked.c.from_last == 1)
    return sa.select(*(ranked.c[column.name] for column in events.c)).where(kept)


def _ever(gateway: str, device: str) -> sa.Subquery:
    """The runs of a device, also those that a revocation took back."""
    both = (sa.select(t).where(t.c.gateway == gateway, t.c.device == device) for t in (readings, revoked_readings))
    return sa.union_all(*both).subquery()
