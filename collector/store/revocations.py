"""Revocations: from when on nothing of a gateway counts, who knew of it since when, and what it takes back.

- A report counts if it came before the instant of the revocation. When it says it was issued does not matter: who stole
  the key can write any time there, and only what was in the log before is known to be older than the theft.
- A revocation is recorded later than the instant that it names. Whoever asks what was known before it was recorded gets
  what counted then, so no report, reading or statement is deleted: readings that no longer count are put aside.
- Devices show what they were by the last report that counts; one that no such report names shows nothing but its name.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import derived
from collector.store.derived import Changes, Reading, Row
from collector.store.schema import (
    devices,
    gateways,
    keys,
    readings,
    reports,
    revocations,
    revoked_readings,
)
from evidence.report import Result

NOTHING: Final[Reading] = {"result": "unreachable"}
"""What is shown of a device of which no report that counts says anything."""


class _Run(msgspec.Struct, frozen=True):
    sequence: int
    reading: Reading | None


class _Came(msgspec.Struct, frozen=True):
    """A report that counts and is not late."""

    sequence: int
    received_at: int


# --- what is read ---


async def known_by(connection: AsyncConnection, gateway: str, known: int) -> int | None:
    """From when on nothing of a gateway counts for who knows what was recorded by an instant; None where all does."""
    query = sa.select(sa.func.min(revocations.c.revoked_at)).where(
        revocations.c.gateway == gateway, revocations.c.recorded_at <= known
    )
    found: int | None = await connection.scalar(query)
    return found


async def revoked(connection: AsyncConnection, these: Collection[str]) -> set[str]:
    """Those of these gateways that are revoked, or will be."""
    return set(await connection.scalars(sa.select(revocations.c.gateway).where(revocations.c.gateway.in_(these))))


def revoked_at(gateway: sa.ColumnElement[str]) -> sa.ColumnElement[int | None]:
    """From when on nothing of a gateway counts by all that is known now."""
    query = sa.select(sa.func.min(revocations.c.revoked_at)).where(revocations.c.gateway == gateway)
    return query.scalar_subquery().label("revoked_at")


def recorded_at(gateway: sa.ColumnElement[str]) -> sa.ColumnElement[int | None]:
    """When the revocation of a gateway that holds was recorded."""
    of = revocations.c
    query = sa.select(of.recorded_at).where(of.gateway == gateway).order_by(of.revoked_at).limit(1)
    return query.scalar_subquery().label("revocation_recorded_at")


async def reports_since(connection: AsyncConnection, gateway: str, at: int) -> int:
    """How many reports of a gateway have come from an instant on."""
    since = (reports.c.gateway == gateway) & (reports.c.received_at >= at)
    return (await connection.execute(sa.select(sa.func.count()).where(since))).scalar_one()


# --- what is written ---


async def record(connection: AsyncConnection, gateway: str, *, at: int, now: int) -> None:
    """Put a revocation on record, earlier than those before, and end the gateway's keys."""
    await connection.execute(sa.insert(revocations), {"gateway": gateway, "revoked_at": at, "recorded_at": now})
    await connection.execute(sa.update(gateways).where(gateways.c.gateway == gateway).values(revoked_at=at))
    earlier = sa.case((keys.c.ended_at < at, keys.c.ended_at), else_=at)
    # What was signed under a key before, and comes late, nobody can tell from what a thief signs now.
    ended = {"ended_at": earlier, "last_sequence": None, "replaces": None}
    await connection.execute(sa.update(keys).where(keys.c.gateway == gateway).values(ended))


async def take_back(connection: AsyncConnection, gateway: str, *, since: int) -> None:
    """Let a gateway's devices show what they were before an instant; all of its reports must have been derived."""
    aside = (readings.c.gateway == gateway) & (readings.c.received_at >= since)
    columns = list(readings.c.keys())
    moved = sa.insert(revoked_readings).from_select(columns, sa.select(readings).where(aside))
    await connection.execute(moved)
    await connection.execute(sa.delete(readings).where(aside))
    came = await _came(connection, gateway, until=since)
    newest = {"last_report_at": came[-1].received_at if came else None}
    await connection.execute(sa.update(gateways).where(gateways.c.gateway == gateway).values(newest))
    runs = await _runs(connection, gateway)
    query = sa.select(devices.c.device, devices.c.first_seen_at, devices.c.last_seen_at, devices.c.reading)
    found = await connection.execute(query.where(devices.c.gateway == gateway))
    rows = [{"gateway": gateway, **row, **_shown(runs[row["device"]], came)} for row in found.mappings()]
    ids = {(gateway, row["device"]): _ids(runs[row["device"]]) for row in rows}
    await derived.write(connection, Changes(readings=(), devices=rows, ids=ids), ())


async def _came(connection: AsyncConnection, gateway: str, *, until: int) -> list[_Came]:
    column = reports.c
    counting = (column.gateway == gateway) & (column.received_at < until) & ~column.late
    query = sa.select(column.sequence, column.received_at).where(counting).order_by(column.sequence)
    return [_Came(*row) for row in await connection.execute(query)]


async def _runs(connection: AsyncConnection, gateway: str) -> Mapping[str, list[_Run]]:
    column = readings.c
    query = sa.select(column.device, column.sequence, column.reading).where(column.gateway == gateway)
    runs: defaultdict[str, list[_Run]] = defaultdict(list)
    for device, sequence, reading in await connection.execute(query.order_by(column.sequence)):
        runs[device].append(_Run(sequence, reading))
    return runs


def _shown(runs: Sequence[_Run], came: Sequence[_Came]) -> Row:
    """What a device shows by its runs and by when its gateway's reports came."""
    named = [place for place, run in enumerate(runs) if run.reading is not None]
    if not named:
        return {"present": False, "last_read_at": None, "reading": NOTHING}
    read = [place for place in named if (runs[place].reading or {})["result"] == Result.OK]
    return {
        "present": named[-1] == len(runs) - 1,
        "reading": runs[named[-1]].reading,
        "last_seen_at": _last_of(named[-1], runs, came),
        "last_read_at": _last_of(read[-1], runs, came) if read else None,
    }


def _last_of(place: int, runs: Sequence[_Run], came: Sequence[_Came]) -> int:
    """When the last report of a run came."""
    is_last = place == len(runs) - 1
    end = len(came) if is_last else bisect_left(came, runs[place + 1].sequence, key=attrgetter("sequence"))
    return came[end - 1].received_at


def _ids(runs: Sequence[_Run]) -> Sequence[str]:
    """What a device called itself the last time it did."""
    said = [run.reading["ids"] for run in runs if run.reading is not None and run.reading.get("ids")]
    return said[-1] if said else ()
