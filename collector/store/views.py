"""What the register shows: every read of the pages and of the API, one function each.

- Paged and filtered in the database. A page goes by key, not by offset: the next one begins after the last row's key,
  so that what is added meanwhile is neither shown twice nor skipped over.
- Devices come by what asks for attention: a breach, a question, the household's turn, an update to install; then the
  others by model, those of no known model, and those that wait for their first verdict. Findings weigh like codes. Only
  this order looks at both tracks; what is counted is counted by track.
- A device that cannot be read now keeps what its last good reading said, beside what went wrong since.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import schema as s
from collector.store.paged import Row, form_of, page_of, rows_of
from collector.store.presence import last_read_at, last_seen_at
from collector.store.rejected import conflicts
from collector.store.revocations import recorded_at, revoked_at
from collector.store.rows import (
    TRACKS,
    Choices,
    Device,
    DeviceKey,
    Filter,
    Gateway,
    GatewayKey,
    NumberKey,
    Page,
    ReadingRow,
    Rejected,
    Rejections,
    Statement,
    Summary,
    VerdictRow,
)

_MOST_CHOICES = 200
_MOST_ANSWERED = 500  # statements that a reply may be about
Naming = defaultdict[tuple[str, str], list[tuple[int, dict[str, Any]]]]
"""Facts with the time at which they were recorded, by the device or the model that they are about."""


_case, _verdict = s.cases.c, s.verdicts.c
_judged = s.devices.outerjoin(s.cases, _case.id == s.devices.c.case_id).outerjoin(
    s.verdicts, _verdict.id == _case.verdict_id
)
_level = {"S": _verdict.level_s, "M": _verdict.level_m}
_code = {"S": _verdict.code_s, "M": _verdict.code_m}
_finding_code = {"S": _verdict.finding_s, "M": _verdict.finding_m}
_weights = (*_level.values(), _verdict.finding_level_s, _verdict.finding_level_m)


def _any(values: Iterable[sa.ColumnElement[Any]], wanted: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(value == wanted for value in values))


_rank = sa.case(
    (_verdict.id.is_(None), 6),
    (_any(_weights, "B"), 0),
    (_any(_weights, "A"), 1),
    (_any(_weights, "C"), 2),
    (_any(_code.values(), "UPDATE_PENDING"), 3),
    (_case.model.is_not(None), 4),
    else_=5,
)
_device_keys = (_rank, sa.func.coalesce(_case.model, ""), s.devices.c.gateway, s.devices.c.device)
_shown = (
    *(s.devices.c[name] for name in ("gateway", "device", "first_seen_at", "present", "reading")),
    *(last_seen_at, last_read_at, _case.model, _verdict.verdict, _case.judged_at, _case.fault.label("judge_fault")),
    revoked_at(s.devices.c.gateway),
)
_result = s.devices.c.reading["result"].as_string()


async def devices(
    connection: AsyncConnection, wanted: Filter, *, after: DeviceKey | None = None, limit: int
) -> Page[Device, DeviceKey]:
    """The devices that fit, by what matters."""
    query = _devices().where(*_conditions(wanted))
    found = await page_of(connection, query, _device_keys, after, limit, DeviceKey, lambda row: row)
    naming = await _naming(connection, found.items)
    return Page(items=tuple(_device(row, naming) for row in found.items), next=found.next)


async def device(connection: AsyncConnection, gateway: str, name: str) -> Device | None:
    """One device, or None where the register knows none of that name."""
    query = _devices().where(s.devices.c.gateway == gateway, s.devices.c.device == name)
    rows = await rows_of(connection, query)
    return _device(rows[0], await _naming(connection, rows)) if rows else None


def _devices() -> sa.Select[Any]:
    return sa.select(*_shown, _last_good().label("good")).select_from(_judged)


async def summary(connection: AsyncConnection, wanted: Filter) -> Summary:
    """Counts over the devices that fit, by track; one pass, whatever is counted."""
    levels = {track: _level[track].label(f"level_{track}") for track in TRACKS}
    findings = {track: _finding_code[track].label(f"finding_{track}") for track in TRACKS}
    said = (*levels.values(), *findings.values())
    unread = sa.func.sum(sa.case((_result != "ok", 1), else_=0)).label("unread")
    query = sa.select(*said, sa.func.count().label("count"), unread).select_from(_judged)
    groups = await rows_of(connection, query.where(*_conditions(wanted)).group_by(*said))
    return Summary(
        total=sum(group["count"] for group in groups),
        unjudged=sum(group["count"] for group in groups if group["level_S"] is None),
        unread=sum(group["unread"] for group in groups),
        levels={track: _counted(groups, label.name) for track, label in levels.items()},
        findings={track: _counted(groups, label.name) for track, label in findings.items()},
    )


def _counted(groups: Iterable[Row], column: str) -> dict[str, int]:
    counts = Counter[str]()
    for group in groups:
        if group[column] is not None:
            counts[group[column]] += group["count"]
    return dict(sorted(counts.items()))


async def choices(connection: AsyncConnection) -> Choices:
    """What the devices can be filtered by."""

    async def values(query: sa.Select[Any] | sa.CompoundSelect[Any]) -> tuple[str, ...]:
        return tuple(sorted((await connection.execute(query.limit(_MOST_CHOICES))).scalars()))

    # Of a verdict or a case that no device has any more, a filter finds none: not worth a look at every device.
    return Choices(
        codes=await values(sa.union(*(sa.select(code) for code in _code.values()))),
        gateways=await values(sa.select(s.gateways.c.gateway)),
        models=await values(sa.select(_case.model).where(_case.model.is_not(None)).distinct()),
    )


async def gateways(
    connection: AsyncConnection, *, after: GatewayKey | None = None, limit: int
) -> Page[Gateway, GatewayKey]:
    """The gateways, by id."""
    column = s.gateways.c
    count = (
        sa.select(sa.func.count())
        .where(s.devices.c.gateway == column.gateway, s.devices.c.present)
        .scalar_subquery()
        .label("devices")
    )
    told = (column.gateway, column.enrolled_at, column.revoked_at, column.last_sequence, column.last_report_at)
    query = sa.select(*told, count, conflicts(column.gateway), recorded_at(column.gateway))
    return await page_of(connection, query, (column.gateway,), after, limit, GatewayKey, form_of(Gateway))


async def rejected(
    connection: AsyncConnection, *, reason: str | None = None, after: NumberKey | None = None, limit: int
) -> Page[Rejected, NumberKey]:
    """What was refused and is still kept, newest first."""
    column = s.rejected.c
    query = sa.select(*(c for c in column if c.name not in ("key_id", "body")))
    if reason is not None:
        query = query.where(column.reason == reason)
    return await page_of(connection, query, (column.id.desc(),), after, limit, NumberKey, form_of(Rejected))


async def rejections(connection: AsyncConnection) -> tuple[Rejections, ...]:
    """Every reason for which something was refused, the most frequent first."""
    query = sa.select(*s.rejections.c).order_by(s.rejections.c.count.desc(), s.rejections.c.reason)
    return tuple(map(form_of(Rejections), await rows_of(connection, query)))


async def pending(connection: AsyncConnection) -> int:
    """How many messages wait for their gateway to be enrolled."""
    return (await connection.execute(sa.select(sa.func.count()).select_from(s.pending))).scalar_one()


async def readings(
    connection: AsyncConnection, gateway: str, name: str, *, after: NumberKey | None = None, limit: int
) -> Page[ReadingRow, NumberKey]:
    """How the readings of a device changed, newest first."""
    column = s.readings.c
    query = sa.select(column.sequence, column.received_at, column.reading).where(
        column.gateway == gateway, column.device == name
    )
    return await page_of(connection, query, (column.sequence.desc(),), after, limit, NumberKey, form_of(ReadingRow))


async def verdicts(
    connection: AsyncConnection, gateway: str, name: str, *, after: NumberKey | None = None, limit: int
) -> Page[VerdictRow, NumberKey]:
    """How the verdicts on a device changed, newest first."""
    span, told = _spans(gateway, name), s.case_verdicts.c
    following = sa.func.lead(told.judged_at).over(partition_by=told.case_id, order_by=told.judged_at)
    on_cases = (
        sa.select(told.case_id, told.judged_at, told.verdict_id, following.label("until"))
        .where(told.case_id.in_(sa.select(span.c.case_id)))
        .subquery()
    )
    said = on_cases.c
    overlaps = (span.c.until.is_(None) | (said.judged_at < span.c.until)) & (
        said.until.is_(None) | (said.until > span.c.since)
    )
    at = sa.case((said.judged_at < span.c.since, span.c.since), else_=said.judged_at).label("judged_at")
    of_device = (
        sa.select(at, said.verdict_id, sa.func.lag(said.verdict_id).over(order_by=at).label("before"))
        .join(span, (span.c.case_id == said.case_id) & overlaps)
        .subquery()
    )
    column = of_device.c
    query = (
        sa.select(column.judged_at, _verdict.policy_version, _verdict.policy_digest, _verdict.verdict)
        .join(s.verdicts, _verdict.id == column.verdict_id)
        .where(column.before.is_(None) | (column.before != column.verdict_id))
    )
    return await page_of(connection, query, (column.judged_at.desc(),), after, limit, NumberKey, form_of(VerdictRow))


def _spans(gateway: str, name: str) -> sa.Subquery:
    """Which case a device was from when until when."""
    column = s.device_cases.c
    until = sa.func.lead(column.since).over(order_by=column.since).label("until")
    return (
        sa.select(column.case_id, column.since, until)
        .where(column.gateway == gateway, column.device == name)
        .subquery()
    )


async def statements(
    connection: AsyncConnection, about: Device, *, after: NumberKey | None = None, limit: int
) -> Page[Statement, NumberKey]:
    """What is on record about a device or its model, newest first.

    Another household's statements are not among it, nor waivers of which this household deposited no copy.
    """
    column = s.statements.c
    own = column.issuer == f"consumer:{about.gateway}"
    documents = sa.select(column.document).where(own, column.kind == "waiver")
    query = sa.select(column.digest, column.leaf, column.kind, column.issuer, column.asserted_at, column.recorded_at)
    query = query.add_columns(column.fact).where(
        (column.device == about.device) | ((column.model == about.model) & column.device.is_(None)),
        own | column.issuer.not_like("consumer:%"),
        (column.kind != "waiver") | (column.device == about.device) | column.document.in_(documents),
    )
    return await page_of(connection, query, (column.leaf.desc(),), after, limit, NumberKey, form_of(Statement))


async def answers(
    connection: AsyncConnection, about: Device, issuers: Collection[str], *, known: int, limit: int
) -> tuple[Statement, ...]:
    """What some parties replied about a device, its model, or a statement about one of them, the newest first."""
    column = s.statements.c
    own = column.issuer == f"consumer:{about.gateway}"
    concerned = (column.device == about.device) | ((column.model == about.model) & column.device.is_(None))
    seen = own | column.issuer.not_like("consumer:%")
    latest = sa.select(column.digest).where(concerned, seen).order_by(column.leaf.desc()).limit(_MOST_ANSWERED)
    digests = list(await connection.scalars(latest))
    of_a_statement = (
        column.device.is_(None) & column.model.is_(None) & column.fact["statement"].as_string().in_(digests)
    )
    query = (
        sa.select(column.digest, column.leaf, column.kind, column.issuer, column.asserted_at, column.recorded_at)
        .add_columns(column.fact)
        .where(column.kind == "answer", column.issuer.in_(issuers), column.recorded_at <= known)
        .where(concerned | of_a_statement)
        .order_by(column.leaf.desc())
        .limit(limit)
    )
    return tuple(map(form_of(Statement), await rows_of(connection, query)))


async def simulated(connection: AsyncConnection) -> bool:
    """Whether a clock that was set by hand recorded any of this."""
    return bool((await connection.execute(sa.select(sa.func.max(s.logs.c.simulated)))).scalar())


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    column = s.devices.c
    conditions: list[sa.ColumnElement[bool]] = []
    tracks = (wanted.track,) if wanted.track else TRACKS
    if wanted.level is not None:
        conditions.append(_any((_level[track] for track in tracks), wanted.level))
    if wanted.code is not None:
        said = (code for track in tracks for code in (_code[track], _finding_code[track]))
        conditions.append(_any(said, wanted.code))
    if wanted.gateway is not None:
        conditions.append(column.gateway == wanted.gateway)
    if wanted.model is not None:
        conditions.append(_case.model == wanted.model)
    return conditions


def _last_good() -> sa.ScalarSelect[Any]:
    column = s.readings.c
    return (
        sa.select(column.reading)
        .where(
            column.gateway == s.devices.c.gateway,
            column.device == s.devices.c.device,
            column.reading["result"].as_string() == "ok",
        )
        .order_by(column.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )


async def _naming(connection: AsyncConnection, rows: Sequence[Row]) -> Naming:
    """What names the debtors of all these devices: by device, and by model."""
    column = s.statements.c
    devices, models = {row["device"] for row in rows}, {row["model"] for row in rows} - {None}
    query = sa.select(column.kind, column.device, column.model, column.recorded_at, column.fact).where(
        (column.kind.in_(("sale", "unit")) & column.device.in_(devices))
        | ((column.kind == "model") & column.model.in_(models))
    )
    found: Naming = defaultdict(list)
    for kind, device, model, at, fact in await connection.execute(query):
        found["model" if kind == "model" else "device", model if kind == "model" else device].append((at, fact))
    return found


def _device(row: Row, naming: Naming) -> Device:
    reading, household, end = row["reading"], f"consumer:{row['gateway']}", row["revoked_at"]
    about = [*naming["device", row["device"]], *naming["model", row["model"]]]
    named = [
        fact
        for at, fact in about
        if not fact["issuer"].startswith("consumer:") or (fact["issuer"] == household and (end is None or at < end))
    ]
    good = reading if reading["result"] == "ok" else row["good"]
    return msgspec.convert({**row, "good": good, "naming": named}, Device)
