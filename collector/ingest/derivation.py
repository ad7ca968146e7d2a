"""What follows from reports on record: devices, how their readings changed, their model ids, and whom to judge again.

It is derived after the reports were receipted, in transactions of its own, so that nobody waits for it who hands in
evidence. What waits is queued in the database, in the transaction that stored the report: nothing is derived twice,
nothing forgotten, and each gateway's reports come in order. The judge leaves devices alone whose gateway waits here.

- A row of `readings` where a device's reading differs, in more than the time it was read at, from the one before; null
  where it left the inventory. Its time is that at which the report came, whenever it is derived.
- To be judged again are devices whose reading changed; all of a gateway that was silent for a day, since its verdicts
  may have gone stale; and those that still cannot be read, since each miss counts. A reading that was good and is the
  same can wait for the verdict's own time.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.errors import StoreError
from collector.ingest.ledger import SILENT_S
from collector.store import derived, judgements
from collector.store.database import reading as snapshot
from collector.store.database import writing
from collector.store.derived import Changes, DeviceState, Due, Reading, Row
from evidence import cose, report
from evidence.report import DeviceReport, Result

SLICE: Final = 100
"""Reports in one transaction: few enough that whoever hands in evidence never waits long for his turn to write."""
ALL: Final = 1_000_000
Inventory = Mapping[str, Reading]
logger = logging.getLogger(__name__)


class Deriver:
    """Derives what waits of some shards, a slice at a time.

    Args:
        engine: The register.
        shards: First bytes of its gateways: from one to before the other.
    """

    def __init__(self, engine: AsyncEngine, shards: tuple[int, int]) -> None:
        self._engine = engine
        self._shards = shards

    async def slice(self) -> bool:
        """Derive some of what waits; whether there may be more.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        async with snapshot(self._engine) as connection:
            due = await derived.due(connection, SLICE, shards=self._shards)
        try:
            await self._derive(due)
        except StoreError:
            raise
        except Exception:  # whatever is wrong with one report, the others are not to wait for it
            logger.exception("%d reports cannot be derived together", len(due))
            for item in due:
                await self._derive_alone(item)
        return len(due) == SLICE

    async def _derive(self, due: Sequence[Due]) -> None:
        if due:
            inventories = await asyncio.to_thread(lambda: [inventory_of(item) for item in due])
            async with writing(self._engine) as connection:
                await derive(connection, due, inventories)

    async def _derive_alone(self, item: Due) -> None:
        try:
            await self._derive([item])
        except StoreError:
            raise
        except Exception:
            logger.exception("gateway %s: nothing is derived from report %d", item.gateway, item.sequence)
            async with writing(self._engine) as connection:
                await derived.pass_over(connection, item)


async def derive_of(connection: AsyncConnection, gateways: Collection[str]) -> None:
    """Derive all that waits of these gateways, in a transaction of `writing`."""
    if due := await derived.due(connection, ALL, of=gateways):
        await derive(connection, due, [inventory_of(item) for item in due])


async def derive(connection: AsyncConnection, due: Sequence[Due], inventories: Sequence[Inventory | None]) -> None:
    """Store what follows from reports, in a transaction of `writing`.

    Args:
        connection: To the register.
        due: In the order of each gateway's numbers.
        inventories: `inventory_of` each.
    """
    changing = {item.gateway for item, inventory in zip(due, inventories, strict=True) if inventory is not None}
    work = _Derivation(await derived.device_states(connection, changing))
    for item, inventory in zip(due, inventories, strict=True):
        if inventory is not None:
            work.show(item, inventory)
    await derived.write(connection, work.changes(), due)
    silent = {item.gateway for item in due if _ends_silence(item)}
    again = {
        *work.changed,
        *await derived.unread_devices(connection, {item.gateway for item in due}),
        *await derived.every_device(connection, silent),
    }
    await judgements.queue(connection, again, at=max(item.received_at for item in due))


def inventory_of(due: Due) -> Inventory | None:
    """The devices that a report shows, where they are others than before, by id."""
    if due.inventory == due.before:
        return None
    if due.body is None:
        logger.warning("gateway %s: report %d shows devices whose report was erased", due.gateway, due.sequence)
        return None
    claims = report.decode(cose.parse(due.body, report.MESSAGE_TYPE).unverified_payload or b"")
    return {device.device: reading(device) for device in claims.devices or ()}


class _Derivation:
    """The changes that follow from some reports.

    Args:
        devices: By gateway and id, as they are shown.

    Attributes:
        changed: Devices whose reading changed; of all others, what is stored stays true.
    """

    def __init__(self, devices: Mapping[str, dict[str, DeviceState]]) -> None:
        self.changed: set[tuple[str, str]] = set()
        self._devices = devices
        self._first_seen: dict[tuple[str, str], int] = {}
        self._readings: list[Row] = []
        self._ids: dict[tuple[str, str], tuple[str, ...]] = {}

    def show(self, due: Due, inventory: Inventory) -> None:
        """Show the devices of a report in the place of those before."""
        known = self._devices[due.gateway]
        before_at = due.before_at or due.received_at
        for device, new in inventory.items():
            old = known.get(device)
            if old is None or not old.present or not same(old.reading, new):
                self._note(due, device, new)
            if new.get("ids") and (old is None or old.reading.get("ids") != new["ids"]):
                self._ids[due.gateway, device] = tuple(new["ids"])
            read_at = due.received_at if _good(new) else None if old is None else _read_at(old, before_at)
            known[device] = DeviceState(reading=new, present=True, seen_at=due.received_at, read_at=read_at)
            self._first_seen.setdefault((due.gateway, device), due.received_at)
        for device, old in known.items():
            if device not in inventory and old.present:
                self._note(due, device, None)
                read_at = _read_at(old, before_at)
                known[device] = DeviceState(reading=old.reading, present=False, seen_at=before_at, read_at=read_at)

    def changes(self) -> Changes:
        """All that is to be stored."""
        current = [(gateway, name, self._devices[gateway][name]) for gateway, name in sorted(self.changed)]
        return Changes(
            readings=self._readings,
            devices=[self._row(gateway, name, state) for gateway, name, state in current],
            ids=self._ids,
        )

    def _note(self, due: Due, device: str, new: Reading | None) -> None:
        row = {"gateway": due.gateway, "device": device, "sequence": due.sequence}
        self._readings.append({**row, "received_at": due.received_at, "reading": new})
        self.changed.add((due.gateway, device))

    def _row(self, gateway: str, device: str, state: DeviceState) -> Row:
        return {
            "gateway": gateway,
            "device": device,
            "first_seen_at": self._first_seen.get((gateway, device), state.seen_at),
            "last_seen_at": state.seen_at,
            "last_read_at": state.read_at,
            "present": state.present,
            "reading": state.reading,
        }


def _ends_silence(due: Due) -> bool:
    return due.before_at is not None and due.received_at - due.before_at > SILENT_S


def _good(read: Reading) -> bool:
    return bool(read["result"] == Result.OK)


def _read_at(old: DeviceState, reported_at: int) -> int | None:
    """When a device was last read, by its state until now and its gateway's last report."""
    return reported_at if old.present and _good(old.reading) else old.read_at


def reading(device: DeviceReport) -> Reading:
    """What a report says of a device, as it comes back from the store (collector/store/schema/)."""
    fields: dict[str, Any] = msgspec.to_builtins(device, builtin_types=(bytes,))
    fields["ids"] = list(device.ids)  # a tuple would differ from what JSON gives
    if device.image_digest is not None:
        fields["image_digest"] = device.image_digest.hex()
    return {name: value for name, value in fields.items() if name != "device" and value is not None}


def same(one: Reading, other: Reading) -> bool:
    """Whether two readings differ in nothing but the time at which they were read."""
    return {**one, "read_at": 0} == {**other, "read_at": 0}
