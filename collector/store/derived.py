"""What follows from reports, and can be made again from them: devices, how their readings changed, their model ids."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect
from collector.store.schema import UNREAD, derive_queue, device_model_ids, devices, inventories, readings, reports

Row = Mapping[str, Any]
Reading = dict[str, Any]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A report from which something follows.

    Attributes:
        inventory: The number of its inventory.
        body: The report that states it; None where it was erased.
        before_at: When the one before came that is not late.
        before: The number of that one's inventory.
    """

    gateway: str
    sequence: int
    received_at: int
    inventory: int
    body: bytes | None
    before_at: int | None
    before: int | None


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
    """What follows from some reports: rows by table, each with the columns of the schema.

    Attributes:
        readings: Where a device's reading differs from the one before.
        devices: Those with another reading, and those that are in the shown inventory no more.
        ids: Model ids by (gateway, device), where they differ from those before.
    """

    readings: Sequence[Row]
    devices: Sequence[Row]
    ids: Mapping[tuple[str, str], Collection[str]]


# --- what is read ---


async def due(
    connection: AsyncConnection, most: int, *, shards: tuple[int, int] = (0, 256), of: Collection[str] | None = None
) -> list[Due]:
    """Reports that wait, in the order of each gateway's numbers.

    Args:
        connection: To the register.
        most: How many.
        shards: Of gateways whose first byte is from one to before the other.
        of: Of these gateways only.
    """
    query = _DUE.where(derive_queue.c.gateway >= f"{shards[0]:02x}").limit(most)
    if shards[1] < 256:
        query = query.where(derive_queue.c.gateway < f"{shards[1]:02x}")
    if of is not None:
        query = query.where(derive_queue.c.gateway.in_(of))
    return [Due(**row) for row in (await connection.execute(query)).mappings()]


def _query() -> sa.Select[Any]:
    waiting, before, last, stating = derive_queue.c, *(reports.alias(name) for name in ("before", "last", "stating"))
    earlier = (
        sa.select(before.c.sequence)
        .where(before.c.gateway == waiting.gateway, before.c.sequence < waiting.sequence, ~before.c.late)
        .order_by(before.c.sequence.desc())
        .limit(1)
    )
    return (
        sa.select(
            *(waiting.gateway, waiting.sequence, reports.c.received_at, reports.c.inventory, stating.c.body),
            *(last.c.received_at.label("before_at"), last.c.inventory.label("before")),
        )
        .join(reports, (reports.c.gateway == waiting.gateway) & (reports.c.sequence == waiting.sequence))
        .join(inventories, (inventories.c.gateway == waiting.gateway) & (inventories.c.number == reports.c.inventory))
        .join(stating, (stating.c.gateway == waiting.gateway) & (stating.c.sequence == inventories.c.stated))
        .outerjoin(last, (last.c.gateway == waiting.gateway) & (last.c.sequence == earlier.scalar_subquery()))
        .order_by(waiting.gateway, waiting.sequence)
    )


_DUE: Final = _query()


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
    return [(row.gateway, row.device) for row in await connection.execute(query)] if names else []


async def unread_devices(connection: AsyncConnection, names: Collection[str]) -> list[tuple[str, str]]:
    """The present devices of these gateways, by (gateway, device), whose reading is not good."""
    query = sa.select(devices.c.gateway, devices.c.device).where(devices.c.gateway.in_(names), UNREAD)
    return [(row.gateway, row.device) for row in await connection.execute(query)] if names else []


# --- what is written ---


async def write(connection: AsyncConnection, changes: Changes, done: Sequence[Due]) -> None:
    """Store what follows from reports, and that it was derived."""
    await bulk.execute(connection, _READING, changes.readings)
    kept = ("last_seen_at", "last_read_at", "present", "reading")
    await bulk.execute(connection, dialect.replacing(connection, devices, *kept), changes.devices)
    await bulk.execute(connection, _OLD_IDS, [{"of": of, "this": this} for of, this in changes.ids])
    ids = changes.ids.items()
    named = [{"gateway": of, "device": this, "model_id": name} for (of, this), names in ids for name in names]
    await bulk.execute(connection, _IDS, named)
    await bulk.execute(connection, _DONE, [{"of": item.gateway, "this": item.sequence} for item in done])


async def pass_over(connection: AsyncConnection, item: Due) -> None:
    """Derive nothing from a report."""
    await bulk.execute(connection, _DONE, [{"of": item.gateway, "this": item.sequence}])


_READING: Final = sa.insert(readings)
_DONE: Final = sa.delete(derive_queue).where(
    derive_queue.c.gateway == sa.bindparam("of"), derive_queue.c.sequence == sa.bindparam("this")
)
_OLD_IDS: Final = sa.delete(device_model_ids).where(
    device_model_ids.c.gateway == sa.bindparam("of"), device_model_ids.c.device == sa.bindparam("this")
)
_IDS: Final = sa.insert(device_model_ids)
