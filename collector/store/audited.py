"""What the audit reads: stored messages by digest, rows that no leaf vouches for, and each gateway's chain."""

from collections.abc import AsyncIterator, Collection

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.store.database import reading
from collector.store.schema import leaves, reports, statements


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A report or statement; `gateway` and `sequence` are None for a statement."""

    digest: str
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


async def stored(connection: AsyncConnection, digests: Collection[str]) -> dict[str, Stored]:
    """What is stored of these messages."""
    found: dict[str, Stored] = {}
    for table in (statements, reports):
        columns = [column for column in table.c if column.name in Stored.__struct_fields__]
        query = sa.select(*columns).where(table.c.digest.in_(digests))
        found |= {row["digest"]: Stored(**row) for row in (await connection.execute(query)).mappings()}
    return found


async def unlogged(connection: AsyncConnection, most: int) -> list[tuple[str, str]]:
    """Table and digest of rows that are in no leaf."""
    found: list[tuple[str, str]] = []
    for table in (statements, reports):
        query = sa.select(table.c.digest).where(~sa.exists().where(leaves.c.digest == table.c.digest)).limit(most)
        found += [(table.name, row.digest) for row in await connection.execute(query)]
    return found


async def chains(engine: AsyncEngine, page: int) -> AsyncIterator[Link]:
    """All reports by gateway and number, read a page at a time."""
    columns = (reports.c.gateway, reports.c.sequence, reports.c.digest, reports.c.body)
    query = sa.select(*columns).order_by(reports.c.gateway, reports.c.sequence).limit(page)
    after: sa.ColumnElement[bool] = sa.true()
    while True:
        async with reading(engine) as connection:
            links = [Link(**row) for row in (await connection.execute(query.where(after))).mappings()]
        for link in links:
            yield link
        if len(links) < page:
            return
        last = links[-1]
        bound = sa.tuple_(sa.literal(last.gateway, reports.c.gateway.type), sa.literal(last.sequence))
        after = sa.tuple_(reports.c.gateway, reports.c.sequence) > bound
