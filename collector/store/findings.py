"""What many homes together show of a model: what is to be counted again, what was found, and what was found before.

`fleet_queue` works like the judge's queue: `queued_at` grows each time a model is queued again. A model is not counted
again at once: the more homes, the longer the pause, so that counting never takes most of the time.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect, log
from collector.store.schema import (
    case_model_ids,
    cases,
    device_model_ids,
    devices,
    findings,
    fleet_queue,
    fleet_verdicts,
    fleets,
    model_ids,
    statements,
)
from collector.store.spread import Count

PAUSE_S: Final = 60
HOMES_A_SECOND: Final = 1000
"""A model is counted again after a pause at the earliest, and after so long as this many homes a second would take."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose homes are to be counted; `queued_at` is None where only its time has come."""

    model: str
    queued_at: int | None
    due_at: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a task.

    Attributes:
        verdict: In the form of `FleetVerdict`.
        evidence: What it stands on beside the log.
        again_at: When time alone may change it, or homes may have been heard of; None: only a change can.
    """

    task: Task
    manufacturer: str | None
    verdict: dict[str, Any]
    evidence: dict[str, Any]
    spread: list[Count]
    again_at: int | None


async def queue(connection: AsyncConnection, models: Collection[str], *, at: int) -> None:
    """Have the homes of models counted again."""
    rows = [{"model": model, "queued_at": at} for model in sorted(models)]
    await bulk.execute(connection, _again(dialect.insert(connection, fleet_queue)), rows)


async def queue_cases(connection: AsyncConnection, these: Collection[int], *, at: int) -> None:
    """Have the homes of models counted again: those that these cases match; of one that matches none, all it may be."""
    matched = sa.select(cases.c.model).where(cases.c.id.in_(these), cases.c.model.is_not(None))
    unmatched = sa.select(cases.c.id).where(cases.c.id.in_(these), cases.c.model.is_(None))
    claimed = sa.select(model_ids.c.model).join(case_model_ids, case_model_ids.c.model_id == model_ids.c.model_id)
    found = matched.union(claimed.where(case_model_ids.c.case_id.in_(unmatched)))
    await queue(connection, set(await connection.scalars(found)), at=at)


async def queue_stated(connection: AsyncConnection, models: Collection[str], *, at: int) -> None:
    """Have the homes of models counted again of which something was stated, if any home has them or had."""
    named = sa.select(model_ids.c.model).join(device_model_ids, device_model_ids.c.model_id == model_ids.c.model_id)
    counted = sa.select(fleets.c.model).where(fleets.c.model.in_(models))
    found = named.where(model_ids.c.model.in_(models)).union(counted)
    await queue(connection, set(await connection.scalars(found)), at=at)


async def queue_party(connection: AsyncConnection, party: str, *, at: int) -> None:
    """Have the homes of every model counted again of which a party stated anything, which it made or which it sold."""
    name, column = party.partition(":")[2], statements.c
    made = sa.select(column.model).where(column.kind == "model", column.fact["manufacturer"].as_string() == name)
    said = sa.select(column.model).where(column.issuer == party)
    sold = sa.select(cases.c.model).join(devices, devices.c.case_id == cases.c.id)
    sold = sold.join(statements, column.device == devices.c.device)
    sold = sold.where(column.kind == "sale", column.fact["seller"].as_string() == name)
    which = {"manufacturer": made.union(said), "seller": said.union(sold)}.get(party.partition(":")[0])
    if which is not None:
        found = await connection.scalars(which)
        await queue(connection, {model for model in found if model is not None}, at=at)


async def queue_outdated(connection: AsyncConnection, policy_digest: str, *, at: int) -> None:
    """Have those models counted again that were counted under another policy, and those that never were."""
    other = sa.select(fleets.c.model).where(fleets.c.policy_digest != policy_digest)
    new = (
        sa.select(cases.c.model)
        .where(cases.c.model.is_not(None), cases.c.model.not_in(sa.select(fleets.c.model)))
        .where(sa.exists().where(devices.c.case_id == cases.c.id))
        .distinct()
    )
    await queue(connection, set(await connection.scalars(other.union(new))), at=at)


def _again(statement: Any) -> Any:
    later = sa.case(
        (statement.excluded.queued_at > fleet_queue.c.queued_at, statement.excluded.queued_at),
        else_=fleet_queue.c.queued_at + 1,
    )
    return statement.on_conflict_do_update(index_elements=["model"], set_={"queued_at": later})


async def due(connection: AsyncConnection, *, now: int, limit: int) -> Sequence[Task]:
    """Models to count: those queued whose pause is over, then those whose time has come."""
    pause = PAUSE_S + fleets.c.households // HOMES_A_SECOND
    rested = fleets.c.judged_at.is_(None) | (fleets.c.judged_at + pause <= now)
    queued = sa.select(fleet_queue.c.model, fleet_queue.c.queued_at, fleet_queue.c.queued_at.label("due_at"))
    queued = queued.outerjoin(fleets, fleets.c.model == fleet_queue.c.model).where(rested)
    timely = (
        sa.select(fleets.c.model, sa.null().label("queued_at"), fleets.c.judge_again_at.label("due_at"))
        .outerjoin(fleet_queue, fleets.c.model == fleet_queue.c.model)
        .where(fleets.c.judge_again_at <= now, fleet_queue.c.model.is_(None))
    )
    tasks: list[Task] = []
    for query in (queued.order_by(fleet_queue.c.queued_at), timely.order_by(fleets.c.judge_again_at)):
        rows = await connection.execute(query.limit(limit - len(tasks)))
        tasks += [Task(model=model, queued_at=at, due_at=due_at) for model, at, due_at in rows]
    return tasks


async def store(
    connection: AsyncConnection, outcome: Outcome, *, now: int, policy_version: str, policy_digest: str
) -> None:
    """Keep what was found; a row of the history where it differs from what was found before."""
    model, verdict = outcome.task.model, outcome.verdict
    told = {"policy_version": policy_version, "policy_digest": policy_digest}
    if _said(await _newest(connection, model)) != _said({**told, "verdict": verdict}):
        row = {"model": model, "judged_at": now, **told, "log_size": await log.size(connection)}
        row |= {"evidence": outcome.evidence, "verdict": verdict}
        new = dialect.insert(connection, fleet_verdicts)
        same = new.on_conflict_do_update(index_elements=["model", "judged_at"], set_=dict(new.excluded.items()))
        await connection.execute(same, [row])
    row = {"model": model, "manufacturer": outcome.manufacturer, "judged_at": now, **told}
    row |= {name: verdict[name] for name in ("households", "with_report")}
    row |= {"judge_again_at": outcome.again_at, "spread": msgspec.to_builtins(outcome.spread)}
    upsert = dialect.insert(connection, fleets)
    kept = {name: value for name, value in upsert.excluded.items() if name != "model"}
    await connection.execute(upsert.on_conflict_do_update(index_elements=["model"], set_=kept), [row])
    await _replace(connection, model, verdict["findings"], now)
    await _take_off(connection, outcome.task)


async def put_off(connection: AsyncConnection, task: Task, *, until: int) -> None:
    """Keep what was found of a model that cannot be counted, and leave it alone for a while."""
    later = sa.update(fleets).where(fleets.c.model == task.model).values(judge_again_at=until)
    await connection.execute(later)
    await _take_off(connection, task)


async def _take_off(connection: AsyncConnection, task: Task) -> None:
    if task.queued_at is not None:
        done = (fleet_queue.c.model == task.model) & (fleet_queue.c.queued_at == task.queued_at)
        await connection.execute(sa.delete(fleet_queue).where(done))


async def _replace(connection: AsyncConnection, model: str, found: Sequence[dict[str, Any]], now: int) -> None:
    of_model, column = findings.c.model == model, findings.c
    query = sa.select(column.rule, column.track, column.code, column.found_at).where(of_model)
    since = {tuple(row[:3]): row[3] for row in await connection.execute(query)}
    await connection.execute(sa.delete(findings).where(of_model))
    rows = [{**each, "model": model, "track": each["track"] or ""} for each in found]
    for row in rows:
        row["found_at"] = since.get((row["rule"], row["track"], row["code"]), now)
    if rows:
        await connection.execute(sa.insert(findings), rows)


async def _newest(connection: AsyncConnection, model: str) -> dict[str, Any] | None:
    column = fleet_verdicts.c
    query = sa.select(column.policy_version, column.policy_digest, column.verdict).where(column.model == model)
    row = (await connection.execute(query.order_by(column.judged_at.desc()).limit(1))).mappings().one_or_none()
    return None if row is None else dict(row)


def _said(kept: dict[str, Any] | None) -> Any:
    """What must differ for a row of the history: a day more since the first miss is no news."""
    if kept is None:
        return None
    verdict = kept["verdict"]
    said = [{**each, "days": None} for each in verdict["findings"]]
    return kept["policy_digest"], {**verdict, "findings": said}
