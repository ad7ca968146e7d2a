"""The rows of the transparency log. A node is (level, index) here; level 0 is made from the leaves."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import heads, leaves, logs, nodes
from evidence.merkle import leaf_hash
from evidence.receipt import TreeHead

Node = tuple[int, int]


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """A log's name tag."""

    log: str
    public_key: str
    created_at: int
    simulated: bool


async def find(connection: AsyncConnection) -> LogRow | None:
    """The log of this register, None before the first start."""
    row = (await connection.execute(sa.select(logs))).one_or_none()
    return None if row is None else LogRow(**row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name


async def create(connection: AsyncConnection, row: LogRow) -> None:
    """Write the log's name tag, once."""
    await connection.execute(sa.insert(logs), msgspec.structs.asdict(row))


async def size(connection: AsyncConnection) -> int:
    """Leaves in the log."""
    newest = (await connection.execute(sa.select(sa.func.max(leaves.c.index)))).scalar_one()
    return 0 if newest is None else int(newest) + 1


async def positions(connection: AsyncConnection, digests: Collection[str]) -> dict[str, int]:
    """Where these digests are in the log; those that are not are left out."""
    query = sa.select(leaves.c.digest, leaves.c.index).where(leaves.c.digest.in_(digests))
    return {row.digest: row[1] for row in await connection.execute(query)}


async def hashes(connection: AsyncConnection, wanted: Collection[Node]) -> dict[Node, bytes]:
    """The hashes of complete subtrees."""
    found: dict[Node, bytes] = {}
    if indexes := [index for level, index in wanted if level == 0]:
        below = sa.select(leaves.c.index, leaves.c.digest).where(leaves.c.index.in_(indexes))
        found |= {(0, index): leaf_hash(bytes.fromhex(digest)) for index, digest in await connection.execute(below)}
    # One range of the key per level: SQLite reads the whole table for a list of pairs.
    levels = sorted({level for level, _ in wanted if level > 0})
    if levels:
        at_level = (
            (nodes.c.level == level) & nodes.c.index.in_([index for at, index in wanted if at == level])
            for level in levels
        )
        query = sa.select(nodes).where(sa.or_(*at_level))
        found |= {(level, index): value for level, index, value in await connection.execute(query)}
    return found


async def insert(
    connection: AsyncConnection,
    first: int,
    digests: Sequence[str],
    recorded_at: int,
    grown: Mapping[Node, bytes],
    head: TreeHead,
) -> None:
    """Append leaves from index `first` on, the subtrees that they complete, and the head over them."""
    await connection.execute(
        sa.insert(leaves),
        [{"index": index, "digest": digest, "recorded_at": recorded_at} for index, digest in enumerate(digests, first)],
    )
    if above := [{"level": at[0], "index": at[1], "hash": value} for at, value in grown.items() if at[0] > 0]:
        await connection.execute(sa.insert(nodes), above)
    row = msgspec.structs.asdict(head)
    del row["log"]
    await connection.execute(sa.insert(heads), row)


async def newest_head(connection: AsyncConnection, log: str) -> TreeHead:
    """The signed head of the log as it is."""
    row = (await connection.execute(sa.select(heads).order_by(heads.c.size.desc()).limit(1))).one()
    return TreeHead(log=log, **row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
