"""The register for programs: `/api/v1/…`, JSON, each list `{"items": […], "next": cursor or null}`.

What a device runs is the gateway's observation; the device itself signs nothing. Instants are UTC to the second.
"""

from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import rows, statements, views
from collector.store.database import reading
from collector.web import findings, log
from collector.web.errors import answers
from collector.web.items import (
    DeviceItem,
    GatewayItem,
    Items,
    ReadingItem,
    RejectedItem,
    RejectionItem,
    ReplayItem,
    StatementItem,
    VerdictItem,
    device_item,
    items,
)
from collector.web.metrics import metrics
from collector.web.paging import key_of, word_for
from collector.web.parameters import At, Cursor, HexId, Known, Limit, nothing_else, wanted_devices
from collector.web.replay import Moments, moments, replay
from collector.web.room import Room

_PAGE: Final = 50


@answers("/devices", dependencies=wanted_devices)
async def devices(
    room: NamedDependency[Room], wanted: NamedDependency[rows.Filter], limit: Limit = _PAGE, cursor: Cursor = None
) -> Items[DeviceItem]:
    """The devices, what asks for attention first; `level` and `code` look at both tracks where no `track` is given."""
    async with reading(room.engine) as connection:
        page = await views.devices(connection, wanted, after=key_of(cursor, rows.DeviceKey), limit=limit)
    return Items(items=tuple(device_item(row, room) for row in page.items), next=word_for(page.next))


@answers("/devices/{gateway:str}/{device:str}")
async def device(room: NamedDependency[Room], gateway: HexId, device: HexId) -> DeviceItem:
    """One device."""
    async with reading(room.engine) as connection:
        return device_item(await known_device(connection, gateway, device), room)


@answers("/devices/{gateway:str}/{device:str}/verdict")
async def device_verdict(
    room: NamedDependency[Room], gateway: HexId, device: HexId, at: At = "", known: Known = ""
) -> ReplayItem:
    """The verdict on a device for any instant, judged now; nothing is stored."""
    async with reading(room.engine) as connection:
        return await _replayed(connection, gateway, device, moments(at, known, room), room)


@answers("/devices/{device:str}/verdict")
async def verdict_anywhere(room: NamedDependency[Room], device: HexId, at: At = "", known: Known = "") -> ReplayItem:
    """The same by the device's id alone; for one that several gateways name, theirs must be asked for."""
    async with reading(room.engine) as connection:
        gateways = await statements.gateways_of(connection, device)
        if len(gateways) > 1:
            fault = {"key": "device", "message": "several gateways name it; ask for /api/v1/devices/<gateway>/<device>"}
            raise ValidationException(extra=[fault])
        return await _replayed(connection, "".join(gateways), device, moments(at, known, room), room)


@answers("/devices/{gateway:str}/{device:str}/readings")
async def device_readings(
    room: NamedDependency[Room], gateway: HexId, device: HexId, limit: Limit = _PAGE, cursor: Cursor = None
) -> Items[ReadingItem]:
    """How the readings of a device changed, newest first."""
    async with reading(room.engine) as connection:
        await known_device(connection, gateway, device)
        after = key_of(cursor, rows.NumberKey)
        return items(ReadingItem, await views.readings(connection, gateway, device, after=after, limit=limit))


@answers("/devices/{gateway:str}/{device:str}/verdicts")
async def device_verdicts(
    room: NamedDependency[Room], gateway: HexId, device: HexId, limit: Limit = _PAGE, cursor: Cursor = None
) -> Items[VerdictItem]:
    """How the verdicts on a device changed, newest first."""
    async with reading(room.engine) as connection:
        await known_device(connection, gateway, device)
        after = key_of(cursor, rows.NumberKey)
        return items(VerdictItem, await views.verdicts(connection, gateway, device, after=after, limit=limit))


@answers("/devices/{gateway:str}/{device:str}/statements")
async def device_statements(
    room: NamedDependency[Room], gateway: HexId, device: HexId, limit: Limit = _PAGE, cursor: Cursor = None
) -> Items[StatementItem]:
    """What is on record about a device and its model, newest first."""
    async with reading(room.engine) as connection:
        about = await known_device(connection, gateway, device)
        after = key_of(cursor, rows.NumberKey)
        return items(StatementItem, await views.statements(connection, about, after=after, limit=limit))


@answers("/gateways")
async def gateways(room: NamedDependency[Room], limit: Limit = _PAGE, cursor: Cursor = None) -> Items[GatewayItem]:
    """The gateways, by id."""
    async with reading(room.engine) as connection:
        after = key_of(cursor, rows.GatewayKey)
        return items(GatewayItem, await views.gateways(connection, after=after, limit=limit))


@answers("/rejected")
async def rejected(
    room: NamedDependency[Room],
    reason: FromQuery[str | None] = None,
    limit: Limit = _PAGE,
    cursor: Cursor = None,
) -> Items[RejectedItem]:
    """What was refused and is still kept, newest first."""
    async with reading(room.engine) as connection:
        after = key_of(cursor, rows.NumberKey)
        return items(RejectedItem, await views.rejected(connection, reason=reason, after=after, limit=limit))


@answers("/rejections")
async def rejections(room: NamedDependency[Room]) -> Items[RejectionItem]:
    """How often each reason was met; all of them, the most frequent first."""
    async with reading(room.engine) as connection:
        counts = await views.rejections(connection)
    return items(RejectionItem, rows.Page(items=counts, next=None))


async def known_device(connection: AsyncConnection, gateway: str, device: str) -> rows.Device:
    """A device of the register.

    Raises:
        NotFoundException: There is none of that name.
    """
    found = await views.device(connection, gateway, device)
    if found is None:
        raise NotFoundException("the register knows no such device")
    return found


async def _replayed(connection: AsyncConnection, gateway: str, device: str, asked: Moments, room: Room) -> ReplayItem:
    replayed = await replay(connection, await known_device(connection, gateway, device), asked, room)
    return ReplayItem(
        at=asked.at,
        known=asked.known,
        policy_digest=room.policy.digest(),
        verdict=replayed.tracks,
        evidence=replayed.grounds,
    )


@get("/healthz", include_in_schema=True)
async def healthz(room: NamedDependency[Room]) -> Response[dict[str, object]]:
    """How the collector is; 503 where it is not well."""
    health = room.health()
    return Response(health, status_code=200 if health["ok"] else 503)


@get("/openapi.json", include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """This description."""
    return request.app.openapi_schema.to_schema()


routes = (
    Router(
        path="/api/v1",
        before_request=nothing_else,
        route_handlers=[
            devices,
            device,
            device_verdict,
            verdict_anywhere,
            device_readings,
            device_verdicts,
            device_statements,
            gateways,
            rejected,
            rejections,
            findings.routes,
            log.routes,
        ],
    ),
    healthz,
    metrics,
    openapi,
)
