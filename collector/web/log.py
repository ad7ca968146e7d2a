"""The transparency log for whoever checks it: `/api/v1/log…`.

Proofs are JSON, for any size that the log ever had. Asked for as `application/cose` they are receipts (RFC 9942) under
a signed head, which there is for sizes at which a batch ended. Nothing of it has to be believed: `evidence` checks it.
"""

from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request, Response, Router
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import log, rows
from collector.store.database import reading
from collector.transparency import proofs
from collector.web.errors import answers
from collector.web.items import Items, items
from collector.web.paging import key_of
from collector.web.parameters import Cursor, Limit
from collector.web.room import Room
from evidence.checkpoint import encode_checkpoint, encode_consistency
from evidence.receipt import TreeHead, encode_receipt

COSE: Final = "application/cose"
_PAGE: Final = 50
_LARGEST: Final = 2**53 - 1
Asked = Request[Any, Any, Any]
Digest = Annotated[str, QueryParameter(pattern="^[0-9a-f]{64}$", description="SHA-256 of the signed bytes, in hex.")]
Size = Annotated[int | None, QueryParameter(ge=1, le=_LARGEST, description="Leaves in the tree; now if absent.")]
From = Annotated[int, QueryParameter(name="from", ge=1, le=_LARGEST, description="Leaves in the earlier tree.")]
To = Annotated[int | None, QueryParameter(ge=1, le=_LARGEST, description="In the later one; now if absent.")]
Item = TypeVar("Item")


class RestorationItem(msgspec.Struct, frozen=True, kw_only=True):
    """The register was put back: what came after this size before then may be gone."""

    size: int
    root: str
    restored_at: datetime


class LogItem(msgspec.Struct, frozen=True, kw_only=True):
    """The log as it is, and the key that checks it; digests in hex."""

    id: str
    size: int
    root: str
    signed_at: datetime
    public_key: str
    simulated: bool
    restorations: tuple[RestorationItem, ...]


class InclusionItem(msgspec.Struct, frozen=True, kw_only=True):
    """The path (RFC 9162 section 2.1.3) from a leaf to the root."""

    log: str
    digest: str
    index: int
    size: int
    root: str
    path: tuple[str, ...]


class ConsistencyItem(msgspec.Struct, frozen=True, kw_only=True):
    """The path (RFC 9162 section 2.1.4) from one root to a later one."""

    log: str
    from_size: int = msgspec.field(name="from")
    from_root: str
    to_size: int = msgspec.field(name="to")
    to_root: str
    path: tuple[str, ...]


class EntryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf. `kind` is `genesis`, `report` or a statement's; a body can be erased, a leaf cannot."""

    index: int
    digest: str
    recorded_at: datetime
    kind: str | None
    body_present: bool


@answers("")
async def state(room: NamedDependency[Room]) -> LogItem:
    """The log: its name, its newest signed head, its key."""
    async with reading(room.engine) as connection:
        row = await _log(connection)
        head = await log.newest_head(connection, row.log)
        restored = await log.all_restorations(connection)
    fields = {
        **msgspec.structs.asdict(row),
        **msgspec.structs.asdict(head),
        "id": row.log,
        "root": head.root.hex(),
        "restorations": [{**msgspec.structs.asdict(one), "root": one.root.hex()} for one in restored],
    }
    return msgspec.convert(fields, LogItem, strict=False)


@answers("/checkpoint", media_type=COSE)
async def checkpoint(room: NamedDependency[Room]) -> Response[bytes]:
    """The newest signed head, as COSE_Sign1 with the root as its payload."""
    async with reading(room.engine) as connection:
        row = await _log(connection)
        return _cose(encode_checkpoint(await log.newest_head(connection, row.log)))


@answers("/inclusion")
async def inclusion(
    request: Asked, room: NamedDependency[Room], digest: Digest, size: Size = None
) -> InclusionItem | Response[bytes]:
    """That something is in the log."""
    async with reading(room.engine) as connection:
        row = await _log(connection)
        size = await _within(connection, "size", size)
        index = (await log.positions(connection, [digest])).get(digest, size)
        if index >= size:
            raise NotFoundException(f"no leaf of this digest is among the first {size}")
        path = await proofs.inclusion(connection, index, size)
        if _wants_cose(request):
            head = await _head(connection, row.log, size)
            return _cose(encode_receipt(head, bytes.fromhex(digest), index, path))
        root = await proofs.root(connection, size)
    return InclusionItem(
        log=row.log, digest=digest, index=index, size=size, root=root.hex(), path=tuple(step.hex() for step in path)
    )


@answers("/consistency")
async def consistency(
    request: Asked, room: NamedDependency[Room], from_: From, to: To = None
) -> ConsistencyItem | Response[bytes]:
    """That the log at one size is the beginning of the log at a later one."""
    async with reading(room.engine) as connection:
        row = await _log(connection)
        size = await _within(connection, "to", to)
        if from_ > size:
            raise _wrong("from", f"expected at most {size}, the later size")
        shown = await proofs.consistency(connection, from_, size)
        if _wants_cose(request):
            return _cose(encode_consistency(await _head(connection, row.log, size), shown))
        root = await proofs.root(connection, size)
    return ConsistencyItem(
        log=row.log,
        from_size=from_,
        from_root=shown.root.hex(),
        to_size=size,
        to_root=root.hex(),
        path=tuple(step.hex() for step in shown.path),
    )


@answers("/entries")
async def entries(room: NamedDependency[Room], limit: Limit = _PAGE, cursor: Cursor = None) -> Items[EntryItem]:
    """The leaves, in the order of the log."""
    after = key_of(cursor, rows.NumberKey)
    async with reading(room.engine) as connection:
        found = await log.entries(connection, 0 if after is None else after.number + 1, limit + 1)
    shown = tuple(found[:limit])
    last = rows.NumberKey(shown[-1].index) if len(found) > limit else None
    return items(EntryItem, rows.Page(items=shown, next=last))


async def _log(connection: AsyncConnection) -> log.LogRow:
    row = await log.find(connection)
    if row is None:
        raise NotFoundException("this register has no log yet")
    return row


async def _within(connection: AsyncConnection, name: str, size: int | None) -> int:
    most = await log.size(connection)
    if size is not None and size > most:
        raise _wrong(name, f"expected at most {most}, the size of the log")
    return size or most


async def _head(connection: AsyncConnection, name: str, size: int) -> TreeHead:
    head = await log.head_of(connection, name, size)
    if head is None:
        raise NotFoundException(f"no head was signed over {size} leaves; ask for JSON, or for the newest size")
    return head


def _wrong(name: str, message: str) -> ValidationException:
    return ValidationException(extra=[{"key": name, "message": message}])


def _wants_cose(request: Asked) -> bool:
    return COSE in request.headers.get("accept", "")


def _cose(data: bytes) -> Response[bytes]:
    return Response(data, media_type=COSE)


routes = Router(path="/log", route_handlers=[state, checkpoint, inclusion, consistency, entries])
