"""What the judge must know of many devices at once: one query a table, whatever their number.

JSON comes out as it is stored, so that who reads it a million times may choose how.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import model_ids, parties, readings, rejected, reports, statements

Pair = tuple[str, str]
"""Gateway and device."""
_OF_MODEL: Final = ("model", "window", "release", "advisory")
_OF_DEVICE: Final = ("sale", "unit", "notice", "acknowledgement", "waiver")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of reports with one reading; as JSON, None where the device is in none of them."""

    gateway: str
    device: str
    sequence: int
    received_at: int
    reading: str | None


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """A statement about a device; the fact as JSON."""

    device: str
    kind: str
    issuer: str
    recorded_at: int
    fact: str


async def runs(connection: AsyncConnection, these: Collection[Pair]) -> list[Run]:
    """The runs of these devices, oldest first."""
    # By gateway alone: for pairs SQLite walks the whole table.
    column, gateways, wanted = readings.c, {gateway for gateway, _ in these}, set(these)
    said = sa.type_coerce(column.reading, sa.Text).label("reading")
    query = sa.select(column.gateway, column.device, column.sequence, column.received_at, said)
    rows = await connection.execute(query.where(column.gateway.in_(gateways)))
    found = [
        Run(gateway=gateway, device=device, sequence=number, received_at=at, reading=reading)
        for gateway, device, number, at, reading in rows
        if (gateway, device) in wanted
    ]
    return sorted(found, key=lambda run: run.sequence)


async def stated(connection: AsyncConnection, named: Collection[str]) -> list[Stated]:
    """What anybody stated about devices of these ids; answers are not among it."""
    column = statements.c
    fact = sa.type_coerce(column.fact, sa.Text).label("fact")
    query = sa.select(column.device, column.kind, column.issuer, column.recorded_at, fact).where(
        column.device.in_(named), column.kind.in_(_OF_DEVICE)
    )
    rows = await connection.execute(query)
    return [Stated(device=d, kind=k, issuer=i, recorded_at=at, fact=f) for d, k, i, at, f in rows]


async def named_since(connection: AsyncConnection, gateway: str, sequence: int, *, until: int, most: int) -> int:
    """How many reports of a gateway, at most so many, came by an instant from a number on, late ones apart."""
    query = sa.select(reports.c.sequence).where(
        reports.c.gateway == gateway, reports.c.sequence >= sequence, reports.c.received_at <= until, ~reports.c.late
    )
    return len((await connection.execute(query.limit(most))).all())


async def refused(connection: AsyncConnection, gateways: Collection[str], reasons: Collection[str]) -> set[str]:
    """Those of these gateways of which well signed evidence was rejected for one of these reasons."""
    query = sa.select(rejected.c.gateway).where(rejected.c.gateway.in_(gateways), rejected.c.verified)
    return set(await connection.scalars(query.where(rejected.c.reason.in_(reasons)).distinct()))


async def waiving(connection: AsyncConnection, gateways: Iterable[str]) -> set[str]:
    """Those of these gateways whose household deposited a waiver."""
    issuers = {f"consumer:{gateway}": gateway for gateway in gateways}
    query = sa.select(statements.c.issuer).where(statements.c.issuer.in_(issuers), statements.c.kind == "waiver")
    return {issuers[issuer] for issuer in await connection.scalars(query.distinct())}


async def claims(connection: AsyncConnection, ids: Collection[str]) -> dict[str, set[str]]:
    """For each of these model ids that is claimed the models of which some statement, whenever made, claims it."""
    query = sa.select(model_ids.c.model_id, model_ids.c.model).where(model_ids.c.model_id.in_(ids)).distinct()
    found: dict[str, set[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.model_id, set()).add(row.model)
    return found


async def on_record(connection: AsyncConnection, models: Collection[str]) -> dict[str, list[str]]:
    """The digests of what was stated about each of these models."""
    column = statements.c
    query = sa.select(column.model, column.digest).where(column.model.in_(models), column.kind.in_(_OF_MODEL))
    found: dict[str, list[str]] = {model: [] for model in models}
    for row in await connection.execute(query):
        found[row.model].append(row.digest)
    return {model: sorted(digests) for model, digests in found.items()}


async def facts(connection: AsyncConnection, digests: Collection[str]) -> Mapping[str, dict[str, Any]]:
    """The facts of statements with these digests."""
    found: dict[str, dict[str, Any]] = {}
    wanted = sorted(digests)
    for begin in range(0, len(wanted), 10_000):
        query = sa.select(statements.c.digest, statements.c.fact)
        rows = await connection.execute(query.where(statements.c.digest.in_(wanted[begin : begin + 10_000])))
        found |= {row.digest: row.fact for row in rows}
    return found


async def ceased(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    """All parties that are no more: party, last day, when that was recorded."""
    query = sa.select(parties.c.party, parties.c.ceased, parties.c.ceased_recorded_at)
    # To sort them SQLite would walk through the households, by the key.
    rows = await connection.execute(query.where(parties.c.ceased.is_not(None)))
    return sorted((row.party, row.ceased, row.ceased_recorded_at) for row in rows)
