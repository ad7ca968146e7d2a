"""The judge's desk: what is to be judged again, and what was judged.

`queued_at` grows each time a device is queued again, so a judge that has read the facts of a device takes it off the
queue only if nothing was queued meanwhile.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect, findings
from collector.store.presence import last_read_at
from collector.store.schema import derive_queue, device_model_ids, devices, judge_queue, model_ids, statements, verdicts


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A device to be judged.

    Attributes:
        gateway: Its gateway.
        device: Its id.
        queued_at: What the queue says; None where it was not queued but its time has come.
        last_read_at: When a report last had a good reading of it.
        model: The model that it matched the last time.
        verdict: The one it has, as JSON.
    """

    gateway: str
    device: str
    queued_at: int | None
    last_read_at: int | None
    model: str | None
    verdict: str | None


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
    await bulk.execute(connection, _again(dialect.insert(connection, judge_queue)), rows)


async def queue_device(connection: AsyncConnection, device: str, *, at: int, gateway: str | None = None) -> None:
    """Have a device judged again, on whichever gateway it is, or on one."""
    found = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).where(devices.c.device == device)
    await _queue_found(connection, found, devices, gateway)


async def queue_models(
    connection: AsyncConnection, models: Collection[str], *, at: int, gateway: str | None = None
) -> None:
    """Have every device judged again that reports an id which some statement claims for one of these models."""
    named = device_model_ids
    found = (
        sa.select(named.c.gateway, named.c.device, sa.literal(at))
        .distinct()
        .join(model_ids, model_ids.c.model_id == named.c.model_id)
        .where(model_ids.c.model.in_(models))
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
        models = set(await connection.scalars(sa.select(statements.c.model).where(named).distinct()))
        await queue_models(connection, models, at=at)


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


async def due(
    connection: AsyncConnection, *, now: int, limit: int, after: tuple[str, str] | None = None
) -> Sequence[Task]:
    """Devices to judge: those queued, by gateway, then those whose time has come.

    Args:
        connection: To the register.
        now: Unix seconds.
        limit: How many at most.
        after: Where the last batch ended, by (gateway, device): the queue is gone through in a circle, so that what
            comes in again and again keeps nobody waiting, and no batch sorts it.
    """
    tasks: list[Task] = []
    place = sa.tuple_(judge_queue.c.gateway, judge_queue.c.device)
    turns = [sa.true()] if after is None else [place > after, place <= after]
    # A gateway whose reports were not derived yet has facts that its devices do not show.
    is_derived = ~sa.exists().where(derive_queue.c.gateway == devices.c.gateway)
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


_TASK: Final = (
    *(devices.c.gateway, devices.c.device, last_read_at, devices.c.model),
    sa.type_coerce(devices.c.verdict, sa.Text).label("verdict"),
)


async def _tasks(connection: AsyncConnection, query: sa.Select[Any]) -> list[Task]:
    rows = await connection.execute(query)
    return [
        Task(gateway=gateway, device=device, queued_at=at, last_read_at=read, model=model, verdict=verdict)
        for gateway, device, read, model, verdict, at in rows
    ]


async def store(
    connection: AsyncConnection,
    judgements: Sequence[Judgement],
    *,
    now: int,
    policy_version: str,
    policy_digest: str,
) -> None:
    """Keep what was judged: the device's verdict, and a row of its history where it differs from the one before."""
    good = [
        {**_this(each), "at": now, "new_model": each.model, "again": each.again_at}
        for each in judgements
        if each.verdict
    ]
    await bulk.execute(connection, _JUDGED, good)
    faults = [{**_this(each), "fault": each.fault} for each in judgements if each.verdict is None]
    await bulk.execute(connection, _FAULTY, faults)
    news = _news(judgements)
    text = dialect.json_text(connection, "text")
    codes: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in _CODES}
    await bulk.execute(connection, _DEVICE.values(verdict=text, **codes), news)
    new = dialect.insert(connection, verdicts)
    keep = {name: new.excluded[name] for name in ("policy_version", "policy_digest", "verdict")}
    history = new.on_conflict_do_update(index_elements=["gateway", "device", "judged_at"], set_=keep)
    told = {"judged_at": now, "policy_version": policy_version, "policy_digest": policy_digest}
    rows = [{"gateway": row["of_gateway"], "device": row["of_device"], "text": row["text"], **told} for row in news]
    await bulk.execute(connection, history.values(verdict=text), rows)
    await _queue_findings(connection, news, now)
    await _take_off(connection, [judgement.task for judgement in judgements])


def _news(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Those that are not what the device has; a verdict that many share is written and compared once."""
    texts: dict[int, str] = {}
    compared: dict[tuple[str | None, int], bool] = {}
    rows = []
    for judgement in judgements:
        old, new = judgement.task.verdict, judgement.verdict
        if new is None:
            continue
        which = old, id(new)
        if which not in compared:
            compared[which] = old is None or json.loads(old) != new
        if compared[which]:
            if id(new) not in texts:
                texts[id(new)] = json.dumps(new)
            codes = {f"new_{name}": new[track][field] for name, (track, field) in _CODES.items()}
            models = (judgement.task.model, judgement.model)
            rows.append({**_this(judgement), "text": texts[id(new)], "models": models, **codes})
    return rows


async def _queue_findings(connection: AsyncConnection, news: Sequence[dict[str, Any]], now: int) -> None:
    """Have the homes counted again of every model that a device matches or matched; else of each that it may be."""
    models = {model for row in news for model in row["models"] if model}
    unmatched = {row["of_gateway"] for row in news if not any(row["models"])}
    models |= await findings.claimed(connection, unmatched) if unmatched else set()
    await findings.queue(connection, models, at=now)


def _this(judgement: Judgement) -> dict[str, Any]:
    return {"of_gateway": judgement.task.gateway, "of_device": judgement.task.device}


_CODES: Final = {
    "code_s": ("S", "code"),
    "level_s": ("S", "level"),
    "code_m": ("M", "code"),
    "level_m": ("M", "level"),
}
_DEVICE: Final = sa.update(devices).where(
    devices.c.gateway == sa.bindparam("of_gateway"), devices.c.device == sa.bindparam("of_device")
)
_JUDGED: Final = _DEVICE.values(
    model=sa.bindparam("new_model"),
    judged_at=sa.bindparam("at"),
    judge_again_at=sa.bindparam("again"),
    judge_fault=sa.null(),
)
_FAULTY: Final = _DEVICE.values(judge_again_at=sa.null(), judge_fault=sa.bindparam("fault"))


async def _take_off(connection: AsyncConnection, tasks: Sequence[Task]) -> None:
    done = [
        {"of_gateway": task.gateway, "of_device": task.device, "as_of": task.queued_at}
        for task in tasks
        if task.queued_at is not None
    ]
    column = judge_queue.c
    same = (column.gateway == sa.bindparam("of_gateway")) & (column.device == sa.bindparam("of_device"))
    await bulk.execute(connection, sa.delete(judge_queue).where(same, column.queued_at == sa.bindparam("as_of")), done)
