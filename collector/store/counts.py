"""How much there is: what an operator looks at first."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import log
from collector.store.rejected import conflicting
from collector.store.schema import (
    cases,
    derive_queue,
    devices,
    findings,
    fleet_queue,
    gateways,
    judge_queue,
    pending,
    rejections,
    statements,
)

MOST_CONFLICTING: Final = 20  # gateways that are named; the page shows all


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by what they are.

    Attributes:
        missing_reports: Numbers below the highest of their gateway that did not come, refused ones among them.
        rejected: Rejections ever, by reason.
        conflicting: Gateways that used a number twice, and how often: one may be a copy of the other.
        pending: Messages that wait for their gateway's enrolment.
        to_derive: Reports of which what follows was not derived yet.
        to_judge: Devices and cases that wait for the judge.
        to_count: Models whose homes are to be counted again.
        findings: About models, that weigh as a breach or a question; withheld ones among them.
        log_size: Leaves.
        last_report_at: When the newest report came, Unix seconds.
    """

    gateways: int
    devices: int
    reports: int
    missing_reports: int
    statements: int
    rejected: dict[str, int]
    conflicting: dict[str, int]
    pending: int
    to_derive: int
    to_judge: int
    to_count: int
    findings: int
    log_size: int
    last_report_at: int | None


async def counts(connection: AsyncConnection) -> Counts:
    """Count."""
    query = sa.select(rejections.c.reason, rejections.c.count).order_by(rejections.c.reason)
    rejected = {row[0]: row[1] for row in await connection.execute(query)}
    return Counts(
        gateways=await _number(connection, sa.select(sa.func.count()).select_from(gateways)),
        devices=await _number(connection, sa.select(sa.func.count()).select_from(devices)),
        reports=await _number(connection, sa.select(sa.func.sum(gateways.c.report_count))),
        missing_reports=await _number(
            connection, sa.select(sa.func.sum(gateways.c.last_sequence - gateways.c.report_count))
        ),
        statements=await _number(connection, sa.select(sa.func.count()).select_from(statements)),
        rejected=rejected,
        conflicting=await conflicting(connection, MOST_CONFLICTING),
        pending=await _number(connection, sa.select(sa.func.count()).select_from(pending)),
        to_derive=await _number(connection, sa.select(sa.func.count()).select_from(derive_queue)),
        to_judge=await _number(connection, sa.select(sa.func.count()).select_from(judge_queue))
        + await _number(connection, sa.select(sa.func.count()).where(cases.c.queued_at.is_not(None))),
        to_count=await _number(connection, sa.select(sa.func.count()).select_from(fleet_queue)),
        findings=await _number(connection, sa.select(sa.func.count()).where(findings.c.level.in_(("B", "A")))),
        log_size=await log.size(connection),
        last_report_at=(await connection.execute(sa.select(sa.func.max(gateways.c.last_report_at)))).scalar_one(),
    )


async def _number(connection: AsyncConnection, query: sa.Select[Any]) -> int:
    return int((await connection.execute(query)).scalar_one() or 0)
