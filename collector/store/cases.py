"""Cases and their verdicts: what is said once of all devices that are judged as one.

- A case belongs to one policy. It holds its facts, so that it can be judged again without a look at any device.
- `queued_at` grows each time a case is queued again, so a judge that has read what is on record takes it off the queue
  only if nothing was queued meanwhile.
- A case that is due and has no device left is closed: its history stays, and nobody joins it any more.
- A device that must be judged by itself has a case of its own, without facts. Its own tasks judge it and nothing else.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect, findings
from collector.store.schema import case_model_ids, case_verdicts, cases, devices, judge_queue, verdicts

_PART: Final = 10_000  # parameters of one query


class PolicyName(msgspec.Struct, frozen=True):
    """What verdicts were made under."""

    version: str
    digest: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A case that nobody was before; `facts` is None for a device that is judged by itself."""

    key: str
    facts: str | None
    ids: Collection[str]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it stands.

    Attributes:
        queued_at: What the queue says; None where it is not queued.
        is_current: Whether its verdict holds at the instant that was asked for.
    """

    id: int
    key: str
    queued_at: int | None
    is_current: bool


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A case to be judged again, if any device is left in it."""

    id: int
    facts: str
    queued_at: int | None
    has_devices: bool


class Said(msgspec.Struct, frozen=True, weakref=True):
    """A verdict as it is kept, with its digest."""

    digest: str
    text: str
    codes: Mapping[str, str | None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of judging.

    Attributes:
        model: The model that matched, None where none or more than one did.
        said: None where the facts could not be judged.
        again_at: The earliest instant at which time alone can change it, None where it cannot.
        age_s: How old a report may be for it.
        fault: Why the facts could not be judged.
    """

    model: str | None = None
    said: Said | None = None
    again_at: int | None = None
    age_s: int | None = None
    fault: str | None = None


def said(verdict: Mapping[str, Any], text: bytes, policy_digest: str) -> Said:
    """A verdict as it is kept.

    Args:
        verdict: Both tracks.
        text: The same as JSON.
        policy_digest: What it was made under.
    """
    codes: dict[str, str | None] = {}
    for track in ("S", "M"):
        side, name = verdict[track], track.lower()
        finding = side["window_finding"] or {}
        codes |= {f"code_{name}": side["code"], f"level_{name}": side["level"]}
        codes |= {f"finding_{name}": finding.get("code"), f"finding_level_{name}": finding.get("level")}
    return Said(hashlib.sha256(policy_digest.encode() + text).hexdigest(), text.decode(), codes)


# --- what there is ---


async def find(connection: AsyncConnection, keys: Collection[str], *, now: int) -> dict[str, Open]:
    """Those of these cases that somebody was already, by key."""
    column = cases.c
    holds = column.queued_at.is_(None) & column.fault.is_(None) & column.verdict_id.is_not(None)
    holds &= column.again_at.is_(None) | (column.again_at > now)
    query = sa.select(column.id, column.key, column.queued_at, holds).where(column.key.in_(keys))
    return {
        key: Open(id=number, key=key, queued_at=queued_at, is_current=bool(is_current))
        for number, key, queued_at, is_current in await connection.execute(query)
    }


async def due(connection: AsyncConnection, *, now: int, limit: int) -> list[Due]:
    """Cases to judge: those queued, the earliest first, then those whose time has come."""
    column = cases.c
    in_it = sa.exists().where(devices.c.case_id == column.id)
    query = sa.select(column.id, column.facts, column.queued_at, in_it).where(column.facts.is_not(None))
    queued = query.where(column.queued_at.is_not(None)).order_by(column.queued_at).limit(limit)
    rows = list(await connection.execute(queued))
    timely = query.where(column.again_at <= now, column.queued_at.is_(None)).order_by(column.again_at)
    rows += await connection.execute(timely.limit(limit - len(rows)))
    return [
        Due(id=number, facts=facts, queued_at=queued_at, has_devices=bool(has_devices))
        for number, facts, queued_at, has_devices in rows
    ]


# --- the queue ---


async def queue(connection: AsyncConnection, these: sa.Select[Any], *, at: int) -> None:
    """Have cases judged again; of those that are one device's own, the device.

    Args:
        connection: A writing transaction.
        these: Selects their ids.
        at: Unix seconds.
    """
    column = cases.c
    later = sa.case((column.queued_at >= at, column.queued_at + 1), else_=at)
    shared = sa.update(cases).where(column.id.in_(these), column.facts.is_not(None))
    await connection.execute(shared.values(queued_at=later))
    alone = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).join(cases, column.id == devices.c.case_id)
    await queue_devices(connection, alone.where(column.id.in_(these), column.facts.is_(None)))


async def queue_devices(connection: AsyncConnection, found: sa.Select[Any]) -> None:
    """Have devices judged again: a query gives their gateways, their ids, and when."""
    await connection.execute(
        queued_later(dialect.insert(connection, judge_queue).from_select(list(judge_queue.c.keys()), found))
    )


def queued_later(statement: Any) -> Any:
    """An insert into the queue of devices by which what is queued already is queued again, later."""
    later = sa.case(
        (statement.excluded.queued_at > judge_queue.c.queued_at, statement.excluded.queued_at),
        else_=judge_queue.c.queued_at + 1,
    )
    return statement.on_conflict_do_update(index_elements=["gateway", "device"], set_={"queued_at": later})


async def close_other_policies(connection: AsyncConnection, policy: PolicyName, *, at: int) -> None:
    """Close every case that was judged under another policy, and have its devices judged again."""
    other = sa.select(verdicts.c.id).where(verdicts.c.policy_digest != policy.digest)
    them = sa.select(devices.c.gateway, devices.c.device, sa.literal(at)).join(cases, cases.c.id == devices.c.case_id)
    await queue_devices(connection, them.where(cases.c.verdict_id.in_(other)))
    await connection.execute(
        sa.update(cases).where(cases.c.key.is_not(None), cases.c.verdict_id.in_(other)).values(**_CLOSED)
    )


# --- what is written ---


async def open_all(connection: AsyncConnection, new: Sequence[Opened], *, queued_at: int | None) -> dict[str, int]:
    """Make cases where there are none yet; their ids, by key.

    Args:
        connection: A writing transaction.
        new: Those to make.
        queued_at: Where they were judged by what is on record no more, what queues them.
    """
    rows = [
        {"key": each.key, "facts": each.facts, "queued_at": None if each.facts is None else queued_at} for each in new
    ]
    await bulk.execute(connection, dialect.keeping(connection, cases), rows)
    ids = await _numbers(connection, cases, cases.c.key, {each.key for each in new})
    ids_of_it = case_model_ids.c.case_id == sa.bindparam("of")
    await bulk.execute(
        connection,
        sa.delete(case_model_ids).where(ids_of_it),
        [{"of": ids[each.key]} for each in new if each.facts is None],
    )
    named = [{"case_id": ids[each.key], "model_id": name} for each in new for name in each.ids]
    await bulk.execute(connection, dialect.keeping(connection, case_model_ids), named)
    return ids


async def store(
    connection: AsyncConnection,
    judged: Mapping[int, tuple[int | None, Outcome]],
    *,
    now: int,
    policy: PolicyName,
) -> None:
    """Keep what was judged: the verdict of each case, and a row of its history where it differs from the one before.

    Args:
        connection: A writing transaction.
        judged: By case: what the queue said, and what came of it.
        now: The judged instant.
        policy: What it was judged under.
    """
    numbers = await _store_verdicts(connection, (outcome.said for _, outcome in judged.values()), policy)
    before = await _before(connection, judged)
    rows, faults, news, aged, models = [], [], [], [], set[str | None]()
    for number, (queued_at, outcome) in judged.items():
        this = {"this": number, "as_of": queued_at, "new_fault": outcome.fault}
        if outcome.said is None:
            faults.append(this)
            continue
        verdict_id = numbers[outcome.said.digest]
        was, age_s, model = before[number]
        said_of = {"said": verdict_id, "of_model": outcome.model, "again": outcome.again_at, "age": outcome.age_s}
        rows.append({**this, **said_of, "at": now})
        if verdict_id != was:
            news.append({"case_id": number, "judged_at": now, "verdict_id": verdict_id})
            models.add(model)
        if age_s is not None and outcome.age_s != age_s:
            aged.append(number)
    await bulk.execute(connection, _JUDGED, rows)
    await bulk.execute(connection, _FAULTY, faults)
    await bulk.execute(connection, dialect.replacing(connection, case_verdicts, "verdict_id"), news)
    await findings.queue(connection, {model for model in models if model is not None}, at=now)
    await findings.queue_cases(connection, [row["case_id"] for row in news], at=now)
    if aged:  # by another age its devices may be stale, or not be so any more
        them = sa.select(devices.c.gateway, devices.c.device, sa.literal(now)).where(devices.c.case_id.in_(aged))
        await queue_devices(connection, them)


async def close(connection: AsyncConnection, these: Iterable[int]) -> None:
    """Have nobody join these cases any more, and never judge them again."""
    await bulk.execute(
        connection,
        sa.update(cases).where(cases.c.id == sa.bindparam("this")).values(**_CLOSED),
        [{"this": n} for n in these],
    )


async def inherit(connection: AsyncConnection, number: int, before: int) -> None:
    """Let a case that could not be judged yet show what another one says."""
    columns = ("model", "verdict_id", "judged_at")
    (row,) = await connection.execute(sa.select(*(cases.c[name] for name in columns)).where(cases.c.id == before))
    this = sa.update(cases).where(cases.c.id == number, cases.c.verdict_id.is_(None))
    await connection.execute(this.values(**dict(zip(columns, row, strict=True))))


_CLOSED: Final = {"key": None, "facts": None, "queued_at": None, "again_at": None}
_TAKEN_OFF: Final = sa.case((cases.c.queued_at == sa.bindparam("as_of"), sa.null()), else_=cases.c.queued_at)
_THIS: Final = sa.update(cases).where(cases.c.id == sa.bindparam("this"))
_JUDGED: Final = _THIS.values(
    verdict_id=sa.bindparam("said"),
    model=sa.bindparam("of_model"),
    again_at=sa.bindparam("again"),
    age_s=sa.bindparam("age"),
    judged_at=sa.bindparam("at"),
    fault=sa.bindparam("new_fault"),
    queued_at=_TAKEN_OFF,
)
_FAULTY: Final = _THIS.values(again_at=sa.null(), fault=sa.bindparam("new_fault"), queued_at=_TAKEN_OFF)


async def _store_verdicts(
    connection: AsyncConnection, these: Iterable[Said | None], policy: PolicyName
) -> dict[str, int]:
    """Keep each verdict once; their numbers, by digest."""
    distinct = {each.digest: each for each in these if each is not None}
    told = {"policy_version": policy.version, "policy_digest": policy.digest}
    rows = [{"digest": each.digest, "text": each.text, **told, **each.codes} for each in distinct.values()]
    new = dialect.insert(connection, verdicts).values(verdict=dialect.json_text(connection, "text"))
    await bulk.execute(connection, new.on_conflict_do_nothing(), rows)
    return await _numbers(connection, verdicts, verdicts.c.digest, distinct)


_Former = tuple[int | None, int | None, str | None]
"""Verdict, age and model."""


async def _before(
    connection: AsyncConnection, these: Collection[int]
) -> dict[int, tuple[int | None, int | None, str | None]]:
    wanted = list(these)
    found: dict[int, tuple[int | None, int | None, str | None]] = {}
    for begin in range(0, len(wanted), _PART):
        query = sa.select(cases.c.id, cases.c.verdict_id, cases.c.age_s, cases.c.model)
        rows = await connection.execute(query.where(cases.c.id.in_(wanted[begin : begin + _PART])))
        found |= {row.id: (row.verdict_id, row.age_s, row.model) for row in rows}
    return found


async def _numbers(
    connection: AsyncConnection, table: sa.Table, by: sa.Column[Any], these: Collection[str]
) -> dict[str, int]:
    wanted = list(these)
    found: dict[str, int] = {}
    for begin in range(0, len(wanted), _PART):
        query = sa.select(by, table.c.id).where(by.in_(wanted[begin : begin + _PART]))
        found |= {row[0]: row[1] for row in await connection.execute(query)}
    return found
