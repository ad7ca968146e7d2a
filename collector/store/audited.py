"""What the audit reads: stored messages by leaf, rows that no leaf vouches for, and each gateway's chain."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.store import bodies
from collector.store.database import reading
from collector.store.schema import leaves, reports, statements


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A report or statement; `gateway` and `sequence` are None for a statement."""

    leaf: int
    body: bytes | None
    gateway: str | None = None
    sequence: int | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A report in its gateway's chain."""

    gateway: str
    sequence: int
    digest: str
    body: bytes | None


_REPORTS: Final = sa.select(*bodies.COLUMNS).select_from(bodies.JOINED)


async def stored(connection: AsyncConnection, first: int, last: int) -> dict[int, Stored]:
    """What is stored of the leaves from `first` to before `last`."""
    these = (leaves.c["index"] >= first) & (leaves.c["index"] < last)
    query = sa.select(leaves.c["index"], statements.c.leaf, statements.c.body)
    of_statements = query.join(statements, statements.c.digest == leaves.c.digest).where(these)
    found = {index: Stored(leaf=leaf, body=body) for index, leaf, body in await connection.execute(of_statements)}
    rows = [dict(row) for row in (await connection.execute(_REPORTS.where(these))).mappings()]
    made = await bodies.made(connection, rows)
    for row in rows:
        leaf = row["leaf"]
        found[leaf] = Stored(leaf=leaf, body=made[leaf], gateway=row["gateway"], sequence=row["sequence"])
    return found


async def unlogged(connection: AsyncConnection, most: int) -> list[tuple[str, int]]:
    """Table and leaf of rows whose leaf is not there."""
    found: list[tuple[str, int]] = []
    for table in (statements, reports):
        query = sa.select(table.c.leaf).where(~sa.exists().where(leaves.c["index"] == table.c.leaf)).limit(most)
        found += [(table.name, row.leaf) for row in await connection.execute(query)]
    return found


async def chains(engine: AsyncEngine, page: int) -> AsyncIterator[Link]:
    """All reports by gateway and number, read a page at a time."""
    query = _REPORTS.order_by(reports.c.gateway, reports.c.sequence).limit(page)
    after: sa.ColumnElement[bool] = sa.true()
    while True:
        async with reading(engine) as connection:
            rows = [dict(row) for row in (await connection.execute(query.where(after))).mappings()]
            made = await bodies.made(connection, rows)
        for row in rows:
            digest = row["digest"] or ""
            yield Link(gateway=row["gateway"], sequence=row["sequence"], digest=digest, body=made[row["leaf"]])
        if len(rows) < page:
            return
        last = rows[-1]
        bound = sa.tuple_(sa.literal(last["gateway"], reports.c.gateway.type), sa.literal(last["sequence"]))
        after = sa.tuple_(reports.c.gateway, reports.c.sequence) > bound
