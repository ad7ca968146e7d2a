"""The rows of accepted reports: what is read before a batch is settled, and what is written when it is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect
from collector.store.schema import UNREAD, device_model_ids, devices, gateways, inventories, readings, rejected, reports

Row = Mapping[str, Any]
Reading = dict[str, Any]
Inventory = Mapping[str, Reading]


class GatewayState(msgspec.Struct, kw_only=True):
    """What is known of a gateway's reports.

    Attributes:
        gateway: Its id.
        last_sequence: The highest number accepted.
        report_count: How many were accepted.
        last_report_at: When the newest report came that is not late.
        shown: Digest of its inventory, which the devices show.
    """

    gateway: str
    last_sequence: int = 0
    report_count: int = 0
    last_report_at: int | None = None
    shown: str | None = None


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a device.

    Attributes:
        seen_at: When it was last seen; for one that is present its gateway knows better.
        read_at: When it was last read; for one that is present and whose reading is good its gateway knows better.
    """

    reading: Reading
    present: bool
    seen_at: int
    read_at: int | None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch of reports changes: rows by table, each with the columns of the schema.

    Attributes:
        reports: All that were accepted.
        inventories: Those that are stated for the first time.
        gateways: As they are after the batch.
        readings: Where a device's reading differs from the one before.
        devices: Of the inventories that are shown from now on.
        vanished: Those that are no longer in the shown inventory.
        named: Gateways whose devices were named again, unchanged.
        ids: Model ids by (gateway, device), where they differ from those before.
    """

    reports: Sequence[Row]
    inventories: Sequence[Row]
    gateways: Sequence[GatewayState]
    readings: Sequence[Row]
    devices: Sequence[Row]
    vanished: Sequence[Row]
    named: Collection[str]
    ids: Mapping[tuple[str, str], Collection[str]]


# Fields of a GatewayState by the column that keeps them.
_GATEWAY_COLUMNS: Final = {
    "last_sequence": "last_sequence",
    "report_count": "report_count",
    "last_report_at": "last_report_at",
    "shown": "last_inventory",
}

# --- what is read ---


async def states(connection: AsyncConnection, names: Collection[str]) -> dict[str, GatewayState]:
    """What is known of these gateways."""
    columns = (gateways.c[column].label(field) for field, column in _GATEWAY_COLUMNS.items())
    query = sa.select(gateways.c.gateway, *columns).where(gateways.c.gateway.in_(names))
    return {row["gateway"]: GatewayState(**row) for row in (await connection.execute(query)).mappings()}


async def used_numbers(connection: AsyncConnection, gateway: str, wanted: Collection[int]) -> dict[int, str]:
    """The digests of a gateway's reports that hold these numbers, by number."""
    query = sa.select(reports.c.sequence, reports.c.digest)
    rows = await connection.execute(query.where(reports.c.gateway == gateway, reports.c.sequence.in_(wanted)))
    return {row.sequence: row.digest for row in rows}


async def known_inventories(
    connection: AsyncConnection, wanted: Mapping[str, Collection[str]]
) -> dict[str, dict[str, Inventory]]:
    """Those of these inventories, named by gateway, that some report of the gateway has stated."""
    found: dict[str, dict[str, Inventory]] = {gateway: {} for gateway in wanted}
    digests = {digest for of in wanted.values() for digest in of}
    query = sa.select(inventories).where(inventories.c.gateway.in_(wanted.keys()), inventories.c.inventory.in_(digests))
    for row in await connection.execute(query):
        found[row.gateway][row.inventory] = row.devices
    return found


async def device_states(connection: AsyncConnection, names: Collection[str]) -> dict[str, dict[str, DeviceState]]:
    """The devices of these gateways, by gateway and id."""
    found: dict[str, dict[str, DeviceState]] = {gateway: {} for gateway in names}
    column = devices.c
    query = sa.select(
        *(column.gateway, column.device, column.reading, column.present, column.last_seen_at, column.last_read_at)
    )
    for gateway, device, reading, present, seen_at, read_at in await connection.execute(
        query.where(column.gateway.in_(names))
    ):
        found[gateway][device] = DeviceState(reading=reading, present=present, seen_at=seen_at, read_at=read_at)
    return found


async def every_device(connection: AsyncConnection, names: Collection[str]) -> list[tuple[str, str]]:
    """All devices that these gateways ever reported, by (gateway, device)."""
    query = sa.select(devices.c.gateway, devices.c.device).where(devices.c.gateway.in_(names))
    return [(row.gateway, row.device) for row in await connection.execute(query)]


async def unread_devices(connection: AsyncConnection, names: Collection[str]) -> list[tuple[str, str]]:
    """The present devices of these gateways, by (gateway, device), whose reading is not good."""
    query = sa.select(devices.c.gateway, devices.c.device).where(devices.c.gateway.in_(names), UNREAD)
    return [(row.gateway, row.device) for row in await connection.execute(query)]


async def missing(connection: AsyncConnection, gateway: str, most: int) -> list[tuple[int, int]]:
    """The numbers below the highest accepted one that neither came nor were refused, as ranges from the lowest."""
    query = sa.select(rejected.c.sequence).where(
        rejected.c.gateway == gateway, rejected.c.verified, rejected.c.sequence.is_not(None)
    )
    refused = set(await connection.scalars(query))
    numbers = sa.select(reports.c.sequence).where(reports.c.gateway == gateway)
    held = sa.union(numbers, sa.select(sa.literal(0))).subquery()
    following = sa.func.lead(held.c.sequence).over(order_by=held.c.sequence).label("following")
    steps = sa.select(held.c.sequence, following).subquery()
    query = sa.select(steps).where(steps.c.following > steps.c.sequence + 1).order_by(steps.c.sequence).limit(most)
    gaps = [(row.sequence + 1, row.following - 1) for row in await connection.execute(query)]
    return [part for gap in gaps for part in _without(gap, refused)][:most]


def _without(gap: tuple[int, int], refused: Collection[int]) -> Iterable[tuple[int, int]]:
    first, last = gap
    for number in sorted(number for number in refused if first <= number <= last):
        if first < number:
            yield first, number - 1
        first = number + 1
    if first <= last:
        yield first, last


# --- what is written ---


async def write(connection: AsyncConnection, changes: Changes) -> None:
    """Store what a batch changes."""
    await bulk.execute(connection, sa.insert(reports), changes.reports)
    await bulk.execute(connection, sa.insert(inventories), changes.inventories)
    await bulk.execute(connection, sa.insert(readings), changes.readings)
    await _upsert_devices(connection, changes.devices)
    await _replace_ids(connection, changes.ids)
    await bulk.execute(connection, _VANISH, changes.vanished)
    await bulk.execute(
        connection,
        _REPORTED,
        [
            {"of": state.gateway, **{column: getattr(state, field) for field, column in _GATEWAY_COLUMNS.items()}}
            for state in changes.gateways
        ],
    )


_VANISH: Final = (
    sa.update(devices)
    .where(devices.c.gateway == sa.bindparam("of"), devices.c.device == sa.bindparam("this"))
    .values(present=sa.false(), last_seen_at=sa.bindparam("seen_at"), last_read_at=sa.bindparam("read_at"))
)
_REPORTED: Final = (
    sa.update(gateways)
    .where(gateways.c.gateway == sa.bindparam("of"))
    .values({column: sa.bindparam(column) for column in _GATEWAY_COLUMNS.values()})
)


async def _upsert_devices(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    new = dialect.insert(connection, devices)
    kept = {name: new.excluded[name] for name in ("last_seen_at", "last_read_at", "present", "reading")}
    await bulk.execute(connection, new.on_conflict_do_update(index_elements=["gateway", "device"], set_=kept), rows)


async def _replace_ids(connection: AsyncConnection, ids: Mapping[tuple[str, str], Collection[str]]) -> None:
    table = device_model_ids
    old = sa.delete(table).where(table.c.gateway == sa.bindparam("of"), table.c.device == sa.bindparam("this"))
    await bulk.execute(connection, old, [{"of": of, "this": this} for of, this in ids])
    rows = [{"gateway": of, "device": this, "model_id": name} for (of, this), names in ids.items() for name in names]
    await bulk.execute(connection, sa.insert(table), rows)
