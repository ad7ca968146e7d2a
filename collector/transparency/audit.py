"""The audit: the tree made anew from what is stored, and compared with what was signed and said.

- Leaves in order give every subtree, and those every root; each stored subtree and each signed head must be theirs.
- A body must have the digest that its leaf has; its row must name the leaf, and be what the body says.
- A head that a gateway named in a report must be one that this log had: else the gateway saw another history.
- What was erased (a leaf whose body is gone), numbers that never came and breaks in the chain of `previous` digests are
  told, and are no findings: erasing is lawful, and the last two are the gateway's own history, not the register's.

It reads a page at a time, each in a transaction of its own, so that it holds nothing up: what is below the size at its
beginning never changes.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.store import audited
from collector.store import log as rows
from collector.store.audited import Stored
from collector.store.database import reading
from collector.transparency import proofs, tree
from collector.transparency.log import genesis
from evidence import cose, report
from evidence.checkpoint import encode_checkpoint, open_checkpoint
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.merkle import leaf_hash
from evidence.receipt import TreeHead

PAGE: Final = 200  # leaves; 50 MB of the largest bodies
MAX_FINDINGS: Final = 1000  # that are listed; all are counted


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A contradiction.

    Attributes:
        kind: `leaf`, `genesis`, `node`, `head`, `missing`, `body`, `row` or `fork`.
        leaf: Where in the log.
    """

    kind: str
    leaf: int
    detail: str


class GatewayHistory(msgspec.Struct, kw_only=True):
    """What a gateway's own numbers and digests show.

    Attributes:
        gaps: Numbers below its highest that are not on record.
        breaks: Reports whose `previous` is not the digest of the report before.
    """

    gateway: str
    reports: int = 0
    last_sequence: int = 0
    gaps: int = 0
    breaks: int = 0


class Audit(msgspec.Struct, kw_only=True):
    """What came out."""

    log: str
    size: int
    root: str = ""
    bodies: int = 0
    erased: int = 0
    heads: int = 0
    findings: int = 0
    listed: list[Finding] = []
    restored_at: tuple[int, ...] = ()

    def find(self, kind: str, leaf: int, detail: str) -> None:
        """Add a finding."""
        self.findings += 1
        if len(self.listed) < MAX_FINDINGS:
            self.listed.append(Finding(kind=kind, leaf=leaf, detail=detail))


async def audit(engine: AsyncEngine, log: rows.LogRow, progress: Callable[[int, int], None]) -> Audit:
    """Rebuild the log and compare.

    Args:
        engine: The register.
        log: The name tag of its log.
        progress: Called with the leaves that are done and all of them.
    """
    async with reading(engine) as connection:
        size = await rows.size(connection)
        restored = tuple(one.restored_at for one in await rows.all_restorations(connection))
        is_signed = await rows.head_of(connection, log.log, size) is not None
        is_newest = is_signed and (await rows.newest_head(connection, log.log)).size == size
    found = Audit(log=log.log, size=size, restored_at=restored)
    if not is_newest:
        found.find("head", size - 1, f"there are {size} leaves, and the newest signed head is over another number")
    rebuilding = _Rebuilding(engine, log, found)
    for first in range(0, size, PAGE):
        await rebuilding.page(first, min(first + PAGE, size))
        progress(min(first + PAGE, size), size)
    found.root = rebuilding.root.hex()
    async with reading(engine) as connection:
        for table, leaf in await audited.unlogged(connection, MAX_FINDINGS):
            found.find("row", leaf, f"a row of {table} names a leaf that is not there")
    return found


async def histories(engine: AsyncEngine) -> AsyncIterator[GatewayHistory]:
    """Each gateway's numbers and chain, by gateway."""
    current: GatewayHistory | None = None
    before = ""
    async for row in audited.chains(engine, PAGE):
        if current is None or row.gateway != current.gateway:
            if current is not None:
                yield current
            current, before = GatewayHistory(gateway=row.gateway), ""
        current.gaps += row.sequence - current.last_sequence - 1
        if before and row.sequence == current.last_sequence + 1:
            current.breaks += _is_break(row.body, before)
        current.reports += 1
        current.last_sequence, before = row.sequence, row.digest
    if current is not None:
        yield current


class _Rebuilding:
    """The tree so far: its edge, and nothing else."""

    def __init__(self, engine: AsyncEngine, log: rows.LogRow, found: Audit) -> None:
        self._engine = engine
        self._log = log
        self._key = PublicKey(bytes.fromhex(log.public_key))
        self._found = found
        self._edge: tree.Hashes = {}
        self._is_whole = True
        self.root = b""

    async def page(self, first: int, last: int) -> None:
        async with reading(self._engine) as connection:
            leaves = await rows.digests(connection, first, last)
            stored = await audited.stored(connection, first, last)
        indexes = [index for index, _ in leaves]
        if indexes != list(range(first, last)):
            absent = sorted({*range(first, last)} - {*indexes})
            self._found.find("leaf", absent[0], f"{len(absent)} leaves are missing; from here on no root can be made")
            self._is_whole = False
        if self._is_whole:
            await self._grow(first, [digest for _, digest in leaves])
        for index, digest in leaves:
            await self._compare(index, digest, stored.get(index))

    async def _grow(self, first: int, digests: list[str]) -> None:
        grown = tree.grow(first, [leaf_hash(bytes.fromhex(digest)) for digest in digests], self._edge)
        hashes = {**self._edge, **grown}
        last = first + len(digests)
        above = rows.kept(grown)
        async with reading(self._engine) as connection:
            stored = await rows.hashes(connection, above)
            heads = await rows.heads_within(connection, self._log.log, first + 1, last)
        for (level, index), value in above.items():
            if stored.get((level, index)) != value:
                self._found.find("node", (index + 1 << level) - 1, f"subtree {level}/{index} is not that of its leaves")
        for head in heads:
            self._check_head(head, tree.fold(tree.root(head.size), hashes))
        self._edge = {node: hashes[node] for node in tree.root(last)}
        self.root = tree.fold(tree.root(last), hashes)

    def _check_head(self, head: TreeHead, root: bytes) -> None:
        self._found.heads += 1
        if head.root != root:
            self._found.find("head", head.size - 1, f"the head over {head.size} leaves has another root")
        try:
            signed = open_checkpoint(encode_checkpoint(head), self._key)
        except EvidenceError as error:
            self._found.find("head", head.size - 1, f"the head over {head.size} leaves is not signed: {error}")
            return
        if (signed.log, signed.size, signed.signed_at) != (self._log.log, head.size, head.signed_at):
            self._found.find("head", head.size - 1, f"the head over {head.size} leaves was signed as another")

    async def _compare(self, index: int, digest: str, row: Stored | None) -> None:
        if index == 0:
            if digest != genesis(self._log.log):
                self._found.find("genesis", 0, "the first leaf is not the name of this log")
            return
        if row is None:
            self._found.find("missing", index, f"nothing is stored of {digest}")
            return
        if row.leaf != index:
            self._found.find("row", index, f"the row of {digest} names leaf {row.leaf}")
        if row.body is None:
            self._found.erased += 1
            return
        self._found.bodies += 1
        if hashlib.sha256(row.body).hexdigest() != digest:
            self._found.find("body", index, f"the stored bytes of {digest} are others")
        elif row.gateway is not None:
            await self._compare_report(index, row, row.body)

    async def _compare_report(self, index: int, row: Stored, body: bytes) -> None:
        claims = _claims(body)
        if claims is None or (claims.gateway, claims.sequence) != (row.gateway, row.sequence):
            self._found.find("row", index, f"the row of leaf {index} names another gateway or number than its bytes")
            return
        seen = claims.head
        if seen is None or seen.log != self._log.log or not self._is_whole:
            return
        async with reading(self._engine) as connection:
            if seen.size > index or await proofs.root(connection, seen.size) != seen.root:
                detail = f"gateway {row.gateway} saw another head over {seen.size} leaves: there was another history"
                self._found.find("fork", index, detail)


def _is_break(body: bytes | None, before: str) -> bool:
    claims = None if body is None else _claims(body)
    return claims is not None and (claims.previous or b"").hex() != before


def _claims(body: bytes) -> report.Outline | None:
    """What a stored report says; its signature was checked when it came, and its digest vouches for the bytes."""
    try:
        return report.outline(cose.parse(body, report.MESSAGE_TYPE).unverified_payload or b"")
    except EvidenceError:
        return None
