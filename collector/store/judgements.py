"""The judge's desk: which devices are to be looked at again, and which case each of them is.

`queued_at` grows each time a device is queued again, so a judge that has read the facts of a device takes it off the
queue only if nothing was queued meanwhile. What is on record about a model queues cases, not devices.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, cases, dialect, findings
from collector.store.presence import last_read_at
from collector.store.schema import (
    case_model_ids,
    derive_queue,
    device_cases,
    device_model_ids,
    devices,
    judge_queue,
    model_ids,
    statements,
)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A device to be looked at.

    Attributes:
        gateway: Its gateway.
        device: Its id.
        queued_at: What the queue says; None where it was not queued but its time has come.
        last_read_at: When a report last had a good reading of it.
        case_id: Which it was the last time.
    """

    gateway: str
    device: str
    queued_at: int | None
    last_read_at: int | None
    case_id: int | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a task.

    Attributes:
        task: What was looked at.
        case_id: Which case it is.
        again_at: The earliest instant at which time alone makes it another one, None where it does not.
    """

    task: Task
    case_id: int
    again_at: int | None


# --- the queue ---


async def queue(connection: AsyncConnection, these: Iterable[tuple[str, str]], *, at: int) -> None:
    """Have devices, by (gateway, device), judged again."""
    rows = [{"gateway": gateway, "device": name, "queued_at": at} for gateway, name in these]
    await bulk.execute(connection, cases.queued_later(dialect.insert(connection, judge_queue)), rows)


async def queue_device(connection: AsyncConnection, device: str, *, at: int, gateway: str | None = None) -> None:
    """Have a device judged again, on whichever gateway it is, or on one."""
    found = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).where(devices.c.device == device)
    await cases.queue_devices(connection, found if gateway is None else found.where(devices.c.gateway == gateway))


async def queue_models(
    connection: AsyncConnection, models: Collection[str], *, at: int, gateway: str | None = None
) -> None:
    """Have all judged again that report an id which some statement claims for a model, or those on one gateway."""
    claimed = sa.select(model_ids.c.model_id).where(model_ids.c.model.in_(models))
    if gateway is None:
        named = case_model_ids.c
        await cases.queue(connection, sa.select(named.case_id).where(named.model_id.in_(claimed)), at=at)
    else:
        own = device_model_ids.c
        them = sa.select(own.gateway, own.device, sa.literal(at)).distinct().where(own.gateway == gateway)
        await cases.queue_devices(connection, them.where(own.model_id.in_(claimed)))


async def queue_debtor(connection: AsyncConnection, party: str, *, at: int) -> None:
    """Have all judged again that a seller sold or a manufacturer made."""
    role, _, name = party.partition(":")
    kind, field = ("sale", "seller") if role == "seller" else ("model", "manufacturer")
    named = (statements.c.kind == kind) & (statements.c.fact[field].as_string() == name)
    if role == "seller":
        sold = sa.select(statements.c.device).where(named)
        await cases.queue(connection, sa.select(devices.c.case_id).where(devices.c.device.in_(sold)), at=at)
    else:
        models = set(await connection.scalars(sa.select(statements.c.model).where(named).distinct()))
        await queue_models(connection, models, at=at)


# --- the desk ---


async def due(
    connection: AsyncConnection, *, now: int, limit: int, after: tuple[str, str] | None = None
) -> Sequence[Task]:
    """Devices to look at: those queued, by gateway, then those whose time has come.

    Args:
        connection: To the register.
        now: Unix seconds.
        limit: How many at most.
        after: Where the last batch ended, by (gateway, device): the queue is gone through in a circle, so that what
            comes in again and again keeps nobody waiting, and no batch sorts it.
    """
    tasks: list[Task] = []
    place = sa.tuple_(judge_queue.c.gateway, judge_queue.c.device)
    # A gateway whose reports were not derived yet has facts that its devices do not show.
    is_derived = ~sa.exists().where(derive_queue.c.gateway == devices.c.gateway)
    turns = [sa.true()] if after is None else [place > after, place <= after]
    both = (devices.c.gateway == judge_queue.c.gateway) & (devices.c.device == judge_queue.c.device)
    for turn in turns:
        queued = (
            sa.select(*_TASK, judge_queue.c.queued_at)
            .select_from(judge_queue)
            .join(devices, both)
            .where(turn, is_derived)
        )
        in_turn = queued.order_by(judge_queue.c.gateway, judge_queue.c.device).limit(limit - len(tasks))
        tasks += await _tasks(connection, in_turn)
    timely = (
        sa.select(*_TASK, sa.null().label("queued_at"))
        .outerjoin(judge_queue, both)
        .where(devices.c.judge_again_at <= now, judge_queue.c.device.is_(None), is_derived)
        .order_by(devices.c.judge_again_at)
        .limit(limit - len(tasks))
    )
    return tasks + await _tasks(connection, timely)


_TASK: Final = (devices.c.gateway, devices.c.device, last_read_at, devices.c.case_id)


async def _tasks(connection: AsyncConnection, query: sa.Select[Any]) -> list[Task]:
    rows = await connection.execute(query)
    return [
        Task(gateway=gateway, device=device, queued_at=at, last_read_at=read, case_id=case_id)
        for gateway, device, read, case_id, at in rows
    ]


async def place(connection: AsyncConnection, placed: Sequence[Place], *, now: int) -> None:
    """Keep which case each device is, with a row of its history where that is another than before."""
    rows = [{**_this(each.task), "new_case": each.case_id, "again": each.again_at} for each in placed]
    await bulk.execute(connection, _PLACED, rows)
    news = [each for each in placed if each.case_id != each.task.case_id]
    moved = [
        {"gateway": each.task.gateway, "device": each.task.device, "since": now, "case_id": each.case_id}
        for each in news
    ]
    await bulk.execute(connection, dialect.replacing(connection, device_cases, "case_id"), moved)
    left = {each.task.case_id for each in news if each.task.case_id is not None}
    await findings.queue_cases(connection, left | {each.case_id for each in news}, at=now)
    done = [{**_this(each.task), "as_of": each.task.queued_at} for each in placed if each.task.queued_at is not None]
    await bulk.execute(connection, _TAKEN_OFF, done)


def _this(task: Task) -> dict[str, Any]:
    return {"of_gateway": task.gateway, "of_device": task.device}


_PLACED: Final = (
    sa.update(devices)
    .where(devices.c.gateway == sa.bindparam("of_gateway"), devices.c.device == sa.bindparam("of_device"))
    .values(case_id=sa.bindparam("new_case"), judge_again_at=sa.bindparam("again"))
)
_TAKEN_OFF: Final = sa.delete(judge_queue).where(
    judge_queue.c.gateway == sa.bindparam("of_gateway"),
    judge_queue.c.device == sa.bindparam("of_device"),
    judge_queue.c.queued_at == sa.bindparam("as_of"),
)
