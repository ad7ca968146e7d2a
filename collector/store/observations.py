"""What gateways observed of one device, thinned in the database to what can make a difference.

A *run* is a stretch of a gateway's reports in which the device's reading is the same.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import leaves, readings, rejected, reports


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

    id: int
    received_at: int
    reason: str


async def runs(connection: AsyncConnection, gateway: str, device: str, *, until: int) -> list[Run]:
    """The runs of a device that began by an instant, oldest first."""
    column = readings.c
    query = sa.select(column.sequence, column.received_at, column.reading).where(
        column.gateway == gateway, column.device == device, column.received_at <= until
    )
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
    column = readings.c
    run = (
        sa.select(
            column.sequence.label("first"),
            sa.func.lead(column.sequence).over(order_by=column.sequence).label("next"),
            column.reading.is_(sa.null()).label("absent"),
        )
        .where(column.gateway == gateway, column.device == device)
        .subquery()
    )
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
    in_span, order = column.received_at // span, (column.received_at, column.id)
    backwards = (column.received_at.desc(), column.id.desc())
    ranked = (
        sa.select(
            *(column.id, column.received_at, column.reason),
            sa.func.row_number().over(partition_by=in_span, order_by=order).label("from_first"),
            sa.func.row_number().over(partition_by=in_span, order_by=backwards).label("from_last"),
        )
        .where(
            column.gateway == gateway,
            column.topic == topic,
            column.verified,
            column.received_at.between(since, until),
            column.reason.in_(reasons),
        )
        .subquery()
    )
    columns = (ranked.c[name] for name in Rejection.__struct_fields__)
    kept = sa.select(*columns).where((ranked.c.from_first == 1) | (ranked.c.from_last == 1))
    return [Rejection(**row) for row in (await connection.execute(kept)).mappings()]
