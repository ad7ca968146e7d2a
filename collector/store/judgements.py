"""The judge's desk: what is to be judged again, and what was judged.

`queued_at` grows each time a device is queued again, so a judge that has read the facts of a device takes it off the
queue only if nothing was queued meanwhile.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import dialect
from collector.store.schema import device_model_ids, devices, judge_queue, model_ids, statements, verdicts


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A device to be judged.

    Attributes:
        gateway: Its gateway.
        device: Its id.
        queued_at: What the queue says; None where it was not queued but its time has come.
        model: The model that it matched the last time.
        verdict: The one it has.
    """

    gateway: str
    device: str
    queued_at: int | None
    model: str | None
    verdict: dict[str, Any] | None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a task.

    Attributes:
        task: What was to be judged.
        model: The model that matched, None where none or more than one did.
        verdict: `{"S": ..., "M": ...}`; None where the facts could not be judged.
        again_at: The earliest instant at which time alone can change it, None where it cannot.
        fault: Why the facts could not be judged.
    """

    task: Task
    model: str | None = None
    verdict: dict[str, Any] | None = None
    again_at: int | None = None
    fault: str | None = None


# --- the queue ---


async def queue(connection: AsyncConnection, these: Iterable[tuple[str, str]], *, at: int) -> None:
    """Have devices, by (gateway, device), judged again."""
    rows = [{"gateway": gateway, "device": name, "queued_at": at} for gateway, name in these]
    if rows:
        await connection.execute(_again(dialect.insert(connection, judge_queue)), rows)


async def queue_device(connection: AsyncConnection, device: str, *, at: int, gateway: str | None = None) -> None:
    """Have a device judged again, on whichever gateway it is, or on one."""
    found = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).where(devices.c.device == device)
    await _queue_found(connection, found, devices, gateway)


async def queue_model(connection: AsyncConnection, model: str, *, at: int, gateway: str | None = None) -> None:
    """Have every device judged again that reports an id which some statement claims for a model."""
    named = device_model_ids
    found = (
        sa.select(named.c.gateway, named.c.device, sa.literal(at))
        .distinct()
        .join(model_ids, model_ids.c.model_id == named.c.model_id)
        .where(model_ids.c.model == model)
    )
    await _queue_found(connection, found, named, gateway)


async def queue_debtor(connection: AsyncConnection, party: str, *, at: int) -> None:
    """Have every device judged again that a seller sold or a manufacturer made."""
    role, _, name = party.partition(":")
    kind, field = ("sale", "seller") if role == "seller" else ("model", "manufacturer")
    named = (statements.c.kind == kind) & (statements.c.fact[field].as_string() == name)
    if role == "seller":
        for device in await connection.scalars(sa.select(statements.c.device).where(named).distinct()):
            await queue_device(connection, device, at=at)
    else:
        for model in await connection.scalars(sa.select(statements.c.model).where(named).distinct()):
            await queue_model(connection, model, at=at)


async def queue_other_policies(connection: AsyncConnection, policy_version: str, *, at: int) -> None:
    """Have every device judged again whose verdict was made under another policy."""
    under = devices.c.verdict["S", "policy_version"].as_string()
    found = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).where(under != policy_version)
    await _queue_found(connection, found, devices, None)


async def _queue_found(
    connection: AsyncConnection, found: sa.Select[Any], table: sa.Table, gateway: str | None
) -> None:
    if gateway is not None:
        found = found.where(table.c.gateway == gateway)
    await connection.execute(
        _again(dialect.insert(connection, judge_queue).from_select(list(judge_queue.c.keys()), found))
    )


def _again(statement: Any) -> Any:
    later = sa.case(
        (statement.excluded.queued_at > judge_queue.c.queued_at, statement.excluded.queued_at),
        else_=judge_queue.c.queued_at + 1,
    )
    return statement.on_conflict_do_update(index_elements=["gateway", "device"], set_={"queued_at": later})


# --- the desk ---


async def due(connection: AsyncConnection, *, now: int, limit: int) -> Sequence[Task]:
    """Devices to judge: those queued, longest first, then those whose time has come."""
    both = (devices.c.gateway == judge_queue.c.gateway) & (devices.c.device == judge_queue.c.device)
    columns = (devices.c.gateway, devices.c.device, devices.c.model, devices.c.verdict)
    queued = (
        sa.select(*columns, judge_queue.c.queued_at).join(devices, both).order_by(judge_queue.c.queued_at).limit(limit)
    )
    tasks = [Task(**row) for row in (await connection.execute(queued)).mappings()]
    timely = (
        sa.select(*columns, sa.null().label("queued_at"))
        .outerjoin(judge_queue, both)
        .where(devices.c.judge_again_at <= now, judge_queue.c.device.is_(None))
        .order_by(devices.c.judge_again_at)
        .limit(limit - len(tasks))
    )
    return tasks + [Task(**row) for row in (await connection.execute(timely)).mappings()]


async def store(
    connection: AsyncConnection,
    judgements: Sequence[Judgement],
    *,
    now: int,
    policy_version: str,
    policy_digest: str,
) -> None:
    """Keep what was judged: the device's verdict, and a row of its history where it differs from the one before."""
    for judgement in judgements:
        await connection.execute(_update(judgement, now))
    changed = [
        {
            "gateway": judgement.task.gateway,
            "device": judgement.task.device,
            "judged_at": now,
            "policy_version": policy_version,
            "policy_digest": policy_digest,
            "verdict": judgement.verdict,
        }
        for judgement in judgements
        if judgement.verdict is not None and judgement.verdict != judgement.task.verdict
    ]
    if changed:
        new = dialect.insert(connection, verdicts)
        keep = {name: new.excluded[name] for name in ("policy_version", "policy_digest", "verdict")}
        await connection.execute(
            new.on_conflict_do_update(index_elements=["gateway", "device", "judged_at"], set_=keep), changed
        )
    await _take_off(connection, [judgement.task for judgement in judgements])


def _update(judgement: Judgement, now: int) -> sa.Update:
    task, verdict = judgement.task, judgement.verdict
    values: dict[str, Any] = {"judge_again_at": judgement.again_at, "judge_fault": judgement.fault}
    if verdict is not None:
        values |= {
            "model": judgement.model,
            "code_s": verdict["S"]["code"],
            "level_s": verdict["S"]["level"],
            "code_m": verdict["M"]["code"],
            "level_m": verdict["M"]["level"],
            "verdict": verdict,
            "judged_at": now,
        }
    this = (devices.c.gateway == task.gateway) & (devices.c.device == task.device)
    return sa.update(devices).where(this).values(values)


async def _take_off(connection: AsyncConnection, tasks: Sequence[Task]) -> None:
    done = [
        {"of_gateway": task.gateway, "of_device": task.device, "as_of": task.queued_at}
        for task in tasks
        if task.queued_at is not None
    ]
    if done:
        column = judge_queue.c
        same = (column.gateway == sa.bindparam("of_gateway")) & (column.device == sa.bindparam("of_device"))
        await connection.execute(sa.delete(judge_queue).where(same, column.queued_at == sa.bindparam("as_of")), done)
