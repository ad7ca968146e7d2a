"""The log: an append-only Merkle tree over the digests of all that was accepted.

- A leaf's entry is the SHA-256 digest of the whole signed bytes. It is appended in the transaction that stores them, so
  that neither is ever there without the other. That transaction is one of `writing`, and the size of the tree is read
  in it, so that several processes may append in turn.
- One signature per batch: the head over all its leaves. Receipts of one batch differ in their path only.
- A report that names a head gets the proof that this tree continues it. Where ours is another, that is said loudly: the
  register was restored, or somebody shows two logs under one key. The report is stored all the same, as the evidence.
- Appending what is there already appends nothing and gives its receipt under the newest head.
- Leaf 0 is the genesis entry, SHA-256 of the log id's bytes: a log is never empty, since RFC 9942 has no empty path,
  and the first leaf ties the tree to its name.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.errors import ConfigError
from collector.store import log as rows
from collector.store.database import reading, writing
from collector.store.log import Leaves
from collector.transparency import proofs, tree
from evidence.ids import ID_BYTES
from evidence.keys import SigningKey
from evidence.receipt import Earlier, TreeHead, encode_receipt, sign_head
from evidence.report import SeenHead

logger = logging.getLogger(__name__)


class Log:
    """One log, which has an id of its own and signs with one key."""

    def __init__(self, log: str, key: SigningKey) -> None:
        self.id = log
        self.key = key

    @classmethod
    async def open(cls, engine: AsyncEngine, key: SigningKey, key_file: Path, *, now: int, simulated: bool) -> "Log":
        """The log of this register; begun, with its genesis entry, where there is none.

        Args:
            engine: The register.
            key: The collector's.
            key_file: Where it came from, for errors.
            now: Unix seconds.
            simulated: Whether its history may be recorded under a clock that is set by hand.

        Raises:
            ConfigError: The register belongs to another key, or is not `simulated` as the configuration says.
            StoreError: The database does not take or give what it must.
        """
        async with writing(engine) as connection:
            row = await rows.find(connection)
            if row is None:
                row = rows.LogRow(
                    log=secrets.token_hex(ID_BYTES),
                    public_key=key.public.data.hex(),
                    created_at=now,
                    simulated=simulated,
                )
                await rows.create(connection, row)
                await cls(row.log, key).append(connection, [genesis(row.log)], now)
        if row.public_key != key.public.data.hex():
            raise ConfigError(str(key_file), "", "not the key that this register was begun with; put that one back")
        if row.simulated != simulated:
            kind = "a simulated" if row.simulated else "a real"
            raise ConfigError(str(key_file.parent), "simulated", f"this is {kind} register and stays one; use another")
        async with reading(engine) as connection:
            for restoration in await rows.all_restorations(connection):
                logger.warning("log_restored size=%d at=%d", restoration.size, restoration.restored_at)
        return cls(row.log, key)

    async def begin(self, connection: AsyncConnection, recorded_at: int) -> "Batch":
        """Begin a batch in a transaction of `writing`; nothing is stored before it is sealed."""
        return Batch(self, connection, recorded_at, await rows.size(connection))

    async def append(self, connection: AsyncConnection, digests: Sequence[str], recorded_at: int) -> "Batch":
        """Append digests as one batch in a transaction of `writing`."""
        batch = await self.begin(connection, recorded_at)
        await batch.add(digests)
        await batch.seal()
        return batch


class Batch:
    """What one transaction appends. Leaves get their places as they are added; `seal` stores and signs."""

    def __init__(self, log: Log, connection: AsyncConnection, recorded_at: int, size: int) -> None:
        self.recorded_at = recorded_at
        self._log = log
        self._connection = connection
        self._first = self._size = size
        self._new: list[Leaves] = []
        self._places: dict[str, int] = {}
        self._hashes: tree.Hashes = {}
        self._paths: dict[tree.Node, tuple[bytes, ...]] = {}
        self._head: TreeHead | None = None
        self._seen: dict[str, SeenHead] = {}
        self._earlier: dict[str, Earlier] = {}

    async def add(self, digests: Iterable[str]) -> None:
        """Give each digest its place: its old one where the log holds it already."""
        unplaced = [digest for digest in dict.fromkeys(digests) if digest not in self._places]
        self._places |= await rows.positions(self._connection, unplaced)
        if new := [digest for digest in unplaced if digest not in self._places]:
            self.append(Leaves(self._connection.dialect, new))

    def append(self, leaves: Leaves) -> int:
        """Give places to leaves that the log cannot hold yet; the first of them."""
        first = self._size
        self._places.update(zip(leaves.digests, range(first, first + len(leaves.digests)), strict=True))
        self._new.append(leaves)
        self._size += len(leaves.digests)
        return first

    def leaf(self, digest: str) -> int:
        """The index of a digest that was added."""
        return self._places[digest]

    def compare(self, digest: str, seen: SeenHead | None) -> None:
        """Let the receipt of a digest show that the log continues the head that its report names."""
        if seen is not None and seen.log == self._log.id:
            self._seen[digest] = seen

    async def seal(self) -> None:
        """Store the new leaves and sign the head over them; without new ones the newest head stands."""
        if self._size > self._first:
            await self._grow()
        else:
            self._head = await rows.newest_head(self._connection, self._log.id)
        size = self._signed_head.size
        paths = (tree.inclusion(place, size) for place in self._places.values() if place < self._first)
        wanted = {node for path in paths for parts in path for node in parts} - self._hashes.keys()
        self._hashes = {**self._hashes, **await rows.hashes(self._connection, wanted)}
        for digest, seen in self._seen.items():
            await self._show_continuity(digest, seen)

    async def _show_continuity(self, digest: str, seen: SeenHead) -> None:
        size = self._signed_head.size
        # Of a head that we lost there is nothing to show, but where the history that we have departs from it.
        restored = min((one.size for one in await rows.all_restorations(self._connection)), default=None)
        shown = seen.size if seen.size <= size else restored
        if shown is not None:
            self._earlier[digest] = await proofs.consistency(self._connection, shown, size)
        if self.leaf(digest) < seen.size or self._earlier[digest].root != seen.root:
            logger.error(
                "log_forked: report %s names another head of %d leaves than this log has; was the register restored?",
                digest,
                seen.size,
            )

    def receipt(self, digest: str) -> bytes:
        """The receipt (RFC 9942) of a digest that was added; to be given out once the transaction is committed."""
        head, place = self._signed_head, self._places[digest]
        path = self._path((0, place), head.size)
        return encode_receipt(head, bytes.fromhex(digest), place, path, self._earlier.get(digest))

    def _path(self, node: tree.Node, size: int) -> tuple[bytes, ...]:
        """From a node upwards; what leaves share, which is most of it, is made once."""
        level, index = node
        if 1 << level >= size:
            return ()
        path = self._paths.get(node)
        if path is None:
            parts, above = tree.sibling(node, size), self._path((level + 1, index >> 1), size)
            path = self._paths[node] = (tree.fold(parts, self._hashes), *above) if parts else above
        return path

    @property
    def _signed_head(self) -> TreeHead:
        if self._head is None:
            raise RuntimeError("the batch is not sealed")
        return self._head

    async def _grow(self) -> None:
        edge = await rows.hashes(self._connection, tree.root(self._first))
        grown = tree.grow(self._first, [value for leaves in self._new for value in leaves.hashes], edge)
        self._hashes = {**edge, **grown}
        self._head = sign_head(
            log=self._log.id,
            size=self._size,
            root=tree.fold(tree.root(self._size), self._hashes),
            signed_at=self.recorded_at,
            key=self._log.key,
        )
        first = self._first
        for leaves in self._new:
            await leaves.insert(self._connection, first)
            first += len(leaves.digests)
        await rows.insert(self._connection, grown, self._head)


def genesis(log: str) -> str:
    """The digest of a log's first leaf."""
    return hashlib.sha256(bytes.fromhex(log)).hexdigest()
