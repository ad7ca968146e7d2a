"""The rows of the transparency log. A node is (level, index) here; level 0 is made from the leaves.

Of the levels above every fourth is stored: a node between is made of sixteen at most, in one query with the others,
and a leaf costs a fifteenth of a row instead of one.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk
from collector.store.schema import heads, leaves, logs, nodes, reports, restorations, statements
from evidence.merkle import leaf_hash, node_hash
from evidence.receipt import TreeHead

Node = tuple[int, int]
STEP: Final = 4  # from one stored level to the next
_beginning: Final = sa.literal_column("substr(leaves.digest, 1, 6)", sa.LargeBinary)  # as the index has it
_index, _digest = leaves.c.index, leaves.c.digest


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
    newest = (await connection.execute(sa.select(sa.func.max(_index)))).scalar_one()
    return 0 if newest is None else int(newest) + 1


async def positions(connection: AsyncConnection, digests: Collection[str]) -> dict[str, int]:
    """Where these digests are in the log; those that are not are left out."""
    beginnings = {bytes.fromhex(digest)[:6] for digest in digests}
    query = sa.select(_digest, _index).where(_beginning.in_(beginnings), _digest.in_(digests))
    return {row.digest: row[1] for row in await connection.execute(query)} if digests else {}


async def digests(connection: AsyncConnection, first: int, last: int) -> list[tuple[int, str]]:
    """Index and digest of the leaves from `first` to before `last`."""
    query = sa.select(_index, _digest).where(_index >= first, _index < last)
    return [(index, digest) for index, digest in await connection.execute(query.order_by(_index))]


async def hashes(connection: AsyncConnection, wanted: Collection[Node]) -> dict[Node, bytes]:
    """The hashes of complete subtrees; where one is missing in the store, what rests on it is left out."""
    parts = {node: _parts(node) for node in wanted}
    stored = await _stored(connection, {part for of in parts.values() for part in of})
    return {node: _together([stored[part] for part in of]) for node, of in parts.items() if stored.keys() >= {*of}}


def kept(grown: Mapping[Node, bytes]) -> dict[Node, bytes]:
    """Those of these nodes that are stored."""
    return {node: value for node, value in grown.items() if node[0] and node[0] % STEP == 0}


def _parts(node: Node) -> list[Node]:
    """The stored nodes, or leaves, that a node is made of."""
    level, index = node
    above = level % STEP
    return [(level - above, part) for part in range(index << above, (index + 1) << above)]


def _together(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


async def _stored(connection: AsyncConnection, wanted: Collection[Node]) -> dict[Node, bytes]:
    below = [(index,) for level, index in wanted if not level]
    above = [node for node in wanted if node[0]]
    digests = await bulk.select(connection, (_index, _digest), [_index], below)
    found = {(0, index): leaf_hash(bytes.fromhex(digest)) for index, digest in digests}
    rows = await bulk.select(connection, list(nodes.c), [nodes.c.level, nodes.c.index], above)
    return found | {(level, index): value for level, index, value in rows}


class Leaves:
    """Leaves that are new, ready to be stored once their place is known.

    Args:
        dialect: The database's.
        digests: Of the messages, in order.

    Attributes:
        digests: The same.
        hashes: Of the leaves.
    """

    def __init__(self, dialect: sa.Dialect, digests: Sequence[str]) -> None:
        self.digests = digests
        self.hashes = [leaf_hash(bytes.fromhex(digest)) for digest in digests]
        self._rows = bulk.Prepared(dialect, _LEAF, {"digest": digests}, ["index"])

    async def insert(self, connection: AsyncConnection, first: int) -> None:
        """Append them from this index on."""
        await self._rows.execute(connection, index=range(first, first + len(self.digests)))


async def insert(connection: AsyncConnection, grown: Mapping[Node, bytes], head: TreeHead) -> None:
    """Append the subtrees that new leaves complete, and the head over them."""
    await bulk.execute(
        connection, _NODE, [{"level": at[0], "index": at[1], "hash": value} for at, value in kept(grown).items()]
    )
    row = msgspec.structs.asdict(head)
    del row["log"]
    await bulk.execute(connection, _HEAD, [row])


_LEAF: Final = sa.insert(leaves)
_NODE: Final = sa.insert(nodes)
_HEAD: Final = sa.insert(heads)


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
    kind = sa.case((_index == 0, "genesis"), (reports.c.leaf.is_not(None), "report"), else_=statements.c.kind)
    recorded_at = sa.select(heads.c.signed_at).where(heads.c.size > _index).order_by(heads.c.size).limit(1)
    query = (
        sa.select(leaves, kind.label("kind"), has_body.label("body_present"))
        .add_columns(recorded_at.scalar_subquery().label("recorded_at"))
        .outerjoin(reports, reports.c.leaf == _index)
        .outerjoin(statements, statements.c.digest == leaves.c.digest)
        .where(_index >= first)
        .order_by(_index)
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
