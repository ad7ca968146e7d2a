"""What counts of the devices of one model, counted in the database: homes that are alike come as one row.

A device may be of a model if a statement about that model claims one of the ids that the device states. Homes that have
one such device are counted by what was said of it; of homes with several every device comes by itself, because one of
them speaks for the home (appraisal.md section 11).
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.presence import last_read_at
from collector.store.revocations import revoked_at
from collector.store.schema import (
    case_model_ids,
    cases,
    device_model_ids,
    devices,
    judge_queue,
    keys,
    model_ids,
    readings,
    statements,
    verdicts,
)

Pair = tuple[str, str]
"""Gateway and device."""
Fact = dict[str, Any]
_NEVER: Final = 2**62


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Devices of which the same is known, as far as a finding can tell.

    Attributes:
        homes: How many homes it stands for.
        gateway: Whose device it is; None where it stands for homes with one device each.
        verdict: Both tracks, as JSON.
        is_model: Whether the judge matched it with the model.
        version_raw: Like the next three, of its last good reading.
        is_heard: Whether it was read since the instant that was asked about.
        last_read_at: When the last of them was read.
    """

    homes: int
    gateway: str | None
    device: str | None
    verdict: str
    is_model: bool
    version_raw: str | None
    scheme: str | None
    image_digest: str | None
    hardware_revision: int | None
    is_heard: bool
    last_read_at: int


def candidates(model: str) -> sa.Select[Any]:
    """The devices that may be of a model: gateway and device."""
    named = device_model_ids.c
    joined = device_model_ids.join(model_ids, model_ids.c.model_id == named.model_id)
    return sa.select(named.gateway, named.device).select_from(joined).where(model_ids.c.model == model).distinct()


async def pairs(connection: AsyncConnection, model: str, *, limit: int | None = None) -> list[Pair]:
    """Those devices, in the order of their gateways."""
    query = candidates(model).order_by("gateway", "device").limit(limit)
    return [(row.gateway, row.device) for row in await connection.execute(query)]


async def kinds(
    connection: AsyncConnection, model: str, *, heard_from: int | None, apart: Collection[Pair] = ()
) -> list[Kind]:
    """The judged devices that may be of a model, those that are alike counted together.

    Args:
        connection: To the register.
        model: Its name.
        heard_from: Since when a device counts as heard; None: none does.
        apart: Devices to be given one by one.
    """
    these = candidates(model).subquery()
    good = sa.case((devices.c.reading["result"].as_string() == "ok", devices.c.reading), else_=_last_good())
    mine = (
        sa.select(
            *(devices.c.gateway, devices.c.device, last_read_at, good.label("good")),
            cases.c.verdict_id,
            sa.func.coalesce(cases.c.model == model, sa.false()).label("is_model"),
            sa.func.count().over(partition_by=devices.c.gateway).label("in_home"),
        )
        .join(these, (these.c.gateway == devices.c.gateway) & (these.c.device == devices.c.device))
        .join(cases, cases.c.id == devices.c.case_id)
        .where(cases.c.verdict_id.is_not(None), cases.c.fault.is_(None), last_read_at.is_not(None))
        .cte("mine")
        .prefix_with("MATERIALIZED")
    )
    column = mine.c
    lone = column.in_home == 1
    if apart:
        lone &= sa.tuple_(column.gateway, column.device).not_in(list(apart))
    told = (
        sa.select(
            sa.case((~lone, column.gateway)).label("gateway"),
            sa.case((~lone, column.device)).label("device"),
            *(column.verdict_id, column.is_model),
            *(column.good[name].as_string().label(name) for name in ("version_raw", "scheme", "image_digest")),
            column.good["hardware_revision"].as_integer().label("hardware_revision"),
            (column.last_read_at >= (_NEVER if heard_from is None else heard_from)).label("is_heard"),
            column.last_read_at,
        )
    ).subquery()
    kind = [each for each in told.c if each.name != "last_read_at"]
    counted = (sa.func.count().label("homes"), sa.func.max(told.c.last_read_at).label("last_read_at"))
    counts = sa.select(*kind, *counted).group_by(*kind).subquery()
    verdict = sa.cast(verdicts.c.verdict, sa.Text).label("verdict")
    rows = await connection.execute(sa.select(counts, verdict).join(verdicts, verdicts.c.id == counts.c.verdict_id))
    # The library's names are a kind of str that msgspec does not take for one.
    said = [{str(name): value for name, value in row.items()} for row in rows.mappings()]
    return msgspec.convert(said, list[Kind], strict=False)


def _last_good() -> sa.ScalarSelect[Any]:
    this = (readings.c.gateway == devices.c.gateway) & (readings.c.device == devices.c.device)
    good = sa.select(readings.c.reading).where(this, readings.c.reading["result"].as_string() == "ok")
    return good.order_by(readings.c.sequence.desc()).limit(1).scalar_subquery()


async def placed(connection: AsyncConnection, model: str) -> dict[Pair, list[Fact]]:
    """The devices that may be of a model of which somebody stated a sale or a placing, each with these facts."""
    these, column = candidates(model).subquery(), statements.c
    ends = revoked_at(these.c.gateway)
    query = sa.select(these.c.gateway, these.c.device, column.issuer, column.recorded_at, ends, column.fact)
    query = query.join(statements, column.device == these.c.device).where(column.kind.in_(("sale", "unit")))
    found: dict[Pair, list[Fact]] = {}
    for gateway, device, issuer, recorded_at, end, fact in await connection.execute(query):
        own = issuer == f"consumer:{gateway}" and (end is None or recorded_at < end)
        if own or not issuer.startswith("consumer:"):
            found.setdefault((gateway, device), []).append(fact)
    return found


async def sellers(connection: AsyncConnection, model: str) -> set[str]:
    """Those among the sellers that ever ended a key who sold a device that may be of a model."""
    ended = sa.select(keys.c.party).where(keys.c.ended_at.is_not(None), keys.c.party.startswith("seller:"))
    named = {party.partition(":")[2]: party for party in await connection.scalars(ended.distinct())}
    if not named:
        return set()
    these, seller = candidates(model).subquery(), statements.c.fact["seller"].as_string()
    sold = sa.select(seller).distinct().join(these, these.c.device == statements.c.device)
    sold = sold.where(statements.c.kind == "sale", seller.in_(named))
    return {named[name] for name in await connection.scalars(sold)}


async def waits(connection: AsyncConnection, model: str, *, now: int) -> bool:
    """Whether a device that may be of a model is still to be judged."""
    # Asked of those that wait, because they are few; a join would begin with all devices of the model.
    named = sa.select(1).where(device_model_ids.c.model_id.in_(_ids(model)))
    of_cases = sa.select(case_model_ids.c.case_id).where(case_model_ids.c.model_id.in_(_ids(model)))
    due = (cases.c.queued_at.is_not(None) | (cases.c.again_at <= now)) & cases.c.facts.is_not(None)
    queued = sa.exists(named.where(_same(device_model_ids, judge_queue)))
    timely = sa.exists(named.where(_same(device_model_ids, devices)))
    either = sa.exists(sa.select(1).select_from(judge_queue).where(queued)) | sa.exists(
        sa.select(1).select_from(devices).where(devices.c.judge_again_at <= now, timely)
    )
    either |= sa.exists(sa.select(1).select_from(cases).where(due, cases.c.id.in_(of_cases)))
    return bool(await connection.scalar(sa.select(either)))


def _ids(model: str) -> sa.Select[Any]:
    return sa.select(model_ids.c.model_id).where(model_ids.c.model == model)


def _same(one: sa.Table, other: sa.Table) -> sa.ColumnElement[bool]:
    return (one.c.gateway == other.c.gateway) & (one.c.device == other.c.device)
