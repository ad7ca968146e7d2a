"""The rows of the transparency log. A node is (level, index) here; level 0 is made from the leaves."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk
from collector.store.schema import heads, leaves, logs, nodes, reports, restorations, statements
from evidence.merkle import leaf_hash
from evidence.receipt import TreeHead

Node = tuple[int, int]


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """A log's name tag."""

    log: str
    public_key: str
    created_at: int
    simulated: bool


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """The register was put back from a backup, when its log had this size and root."""

    size: int
    root: bytes
    restored_at: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf, and what is stored of the message that it stands for.

    Attributes:
        kind: `genesis`, `report`, or the kind of the statement; None where nothing is stored of it.
        body_present: Whether the signed bytes are still here; they can be erased, a leaf cannot.
    """

    index: int
    digest: str
    recorded_at: int
    kind: str | None
    body_present: bool


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


async def digests(connection: AsyncConnection, first: int, last: int) -> list[tuple[int, str]]:
    """Index and digest of the leaves from `first` to before `last`."""
    query = sa.select(leaves.c.index, leaves.c.digest).where(leaves.c.index >= first, leaves.c.index < last)
    return [(index, digest) for index, digest in await connection.execute(query.order_by(leaves.c.index))]


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
    await bulk.execute(
        connection,
        sa.insert(leaves),
        [{"index": index, "digest": digest, "recorded_at": recorded_at} for index, digest in enumerate(digests, first)],
    )
    above = [{"level": at[0], "index": at[1], "hash": value} for at, value in grown.items() if at[0] > 0]
    await bulk.execute(connection, sa.insert(nodes), above)
    row = msgspec.structs.asdict(head)
    del row["log"]
    await connection.execute(sa.insert(heads), row)


async def newest_head(connection: AsyncConnection, log: str) -> TreeHead:
    """The signed head of the log as it is."""
    row = (await connection.execute(sa.select(heads).order_by(heads.c.size.desc()).limit(1))).one()
    return TreeHead(log=log, **row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name


async def head_of(connection: AsyncConnection, log: str, size: int) -> TreeHead | None:
    """The signed head over so many leaves; None where no batch ended there."""
    row = (await connection.execute(sa.select(heads).where(heads.c.size == size))).one_or_none()
    return None if row is None else TreeHead(log=log, **row._mapping)  # noqa: SLF001


async def heads_within(connection: AsyncConnection, log: str, first: int, last: int) -> list[TreeHead]:
    """The signed heads of sizes from `first` to `last`."""
    query = sa.select(heads).where(heads.c.size.between(first, last)).order_by(heads.c.size)
    return [TreeHead(log=log, **row) for row in (await connection.execute(query)).mappings()]


async def entries(connection: AsyncConnection, first: int, limit: int) -> list[Entry]:
    """The leaves from `first` on, in the order of the log."""
    has_body = reports.c.body.is_not(None) | statements.c.body.is_not(None)
    kind = sa.case((leaves.c.index == 0, "genesis"), (reports.c.digest.is_not(None), "report"), else_=statements.c.kind)
    query = (
        sa.select(leaves, kind.label("kind"), has_body.label("body_present"))
        .outerjoin(reports, reports.c.digest == leaves.c.digest)
        .outerjoin(statements, statements.c.digest == leaves.c.digest)
        .where(leaves.c.index >= first)
        .order_by(leaves.c.index)
        .limit(limit)
    )
    return [Entry(**row) for row in (await connection.execute(query)).mappings()]


async def note_restoration(connection: AsyncConnection, restoration: Restoration) -> None:
    """Write down that the register was put back."""
    await connection.execute(sa.insert(restorations), msgspec.structs.asdict(restoration))


async def all_restorations(connection: AsyncConnection) -> list[Restoration]:
    """Each time that the register was put back, the first one first."""
    columns = (restorations.c.size, restorations.c.root, restorations.c.restored_at)
    query = sa.select(*columns).order_by(restorations.c.id)
    return [Restoration(**row) for row in (await connection.execute(query)).mappings()]
