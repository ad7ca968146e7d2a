"""What a batch of accepted reports changes, worked out in memory: what is stored is given, what to store comes out.

- A report stands for the devices of its inventory digest, which it states itself or an earlier one of the gateway has.
- `late` marks a report that says nothing about the present: a higher number was there when it came, or nobody had
  stated its inventory yet. It is stored and receipted, but shows no devices; for the second reason the gateway is
  asked for the whole (`wanted`), which comes under a number of its own.
- A row of `readings` where a device's reading differs, in more than the time it was read at, from the one before; null
  where it left the inventory.
- To be judged again are devices whose reading changed (`judge`); all of a gateway that was silent for a day, since its
  verdicts may have gone stale (`judge_whole`); and, by the store's own search, those that still cannot be read, since
  each miss counts. A reading that was good and is the same can wait for the verdict's own time.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from collector.store.evidence import Changes, DeviceState, GatewayState, Inventory, Reading, Row
from evidence.report import DeviceReport, Report, Result

SILENT_S: Final = 24 * 3600  # shorter than any policy's report_max_age_days


class Ledger:
    """The changes of one batch.

    Args:
        states: Every gateway that has a report in the batch.
        inventories: By gateway and digest: those that are stored of all that the batch names; a gateway may be left out
            whose reports name nothing but the inventory that is shown.
        devices: By gateway: the devices of the same gateways.
        now: When the batch is recorded.
    """

    def __init__(
        self,
        states: Mapping[str, GatewayState],
        inventories: Mapping[str, Mapping[str, Inventory]],
        devices: Mapping[str, Mapping[str, DeviceState]],
        now: int,
    ) -> None:
        self.judge: set[tuple[str, str]] = set()
        self.judge_whole: set[str] = set()
        self.wanted: set[str] = set()
        self._states = states
        self._now = now
        self._inventories = {gateway: dict(known) for gateway, known in inventories.items()}
        self._devices = {gateway: dict(known) for gateway, known in devices.items()}
        self._reports: list[Row] = []
        self._stated: list[Row] = []
        self._readings: list[Row] = []
        self._reporting: dict[str, GatewayState] = {}
        self._shown: set[str] = set()
        self._named: set[str] = set()
        self._ids: dict[tuple[str, str], tuple[str, ...]] = {}

    def accept(self, report: Report, *, digest: str, leaf: int, body: bytes) -> None:
        """Enter a report that was verified and has its place in the log."""
        state = self._states[report.gateway]
        inventory = report.inventory.hex()
        if report.devices is not None:
            self._learn(report.gateway, inventory, report.devices)
        newest = report.sequence > state.last_sequence
        known = inventory == state.shown or inventory in self._inventories.get(report.gateway, {})
        self._reports.append(
            {
                "gateway": report.gateway,
                "sequence": report.sequence,
                "digest": digest,
                "leaf": leaf,
                "received_at": self._now,
                "issued_at": report.issued_at,
                "inventory": inventory,
                "late": not (newest and known),
                "body": body,
            }
        )
        self._reporting[report.gateway] = state
        state.report_count += 1
        if newest:
            state.last_sequence = report.sequence
            (self.wanted.discard if known else self.wanted.add)(report.gateway)
        if newest and known:
            self._show(state, inventory)

    def changes(self) -> Changes:
        """All that is to be stored."""
        current = [(gateway, name, state) for gateway in self._shown for name, state in self._devices[gateway].items()]
        return Changes(
            reports=self._reports,
            inventories=self._stated,
            gateways=tuple(self._reporting.values()),
            readings=self._readings,
            devices=[self._device_row(gateway, name, state) for gateway, name, state in current if state.present],
            vanished=[
                {"of": gateway, "this": name, "seen_at": state.seen_at, "read_at": state.read_at}
                for gateway, name, state in current
                if not state.present
            ],
            named=self._named - self._shown,
            ids=self._ids,
        )

    def _learn(self, gateway: str, inventory: str, devices: tuple[DeviceReport, ...]) -> None:
        known = self._inventories.setdefault(gateway, {})
        # What is shown is stored, and was not loaded where the whole batch merely repeats it.
        if inventory in known or inventory == self._states[gateway].shown:
            return
        known[inventory] = {device.device: reading(device) for device in devices}
        self._stated.append({"gateway": gateway, "inventory": inventory, "devices": known[inventory]})

    def _show(self, state: GatewayState, inventory: str) -> None:
        if state.last_report_at is not None and self._now - state.last_report_at > SILENT_S:
            self.judge_whole.add(state.gateway)
        before, state.last_report_at = state.last_report_at, self._now
        if inventory == state.shown:
            self._named.add(state.gateway)
        else:
            state.shown = inventory
            self._shown.add(state.gateway)
            self._compare(state, self._inventories[state.gateway][inventory], before or self._now)

    def _compare(self, state: GatewayState, inventory: Inventory, reported_at: int) -> None:
        """Show an inventory in the place of the one that was last reported at an instant."""
        before = self._devices.setdefault(state.gateway, {})
        for device, new in inventory.items():
            old = before.get(device)
            if old is None or not old.present or not same(old.reading, new):
                self._note(state, device, new)
            if new.get("ids") and (old is None or old.reading.get("ids") != new["ids"]):
                self._ids[state.gateway, device] = tuple(new["ids"])
            read_at = self._now if _good(new) else None if old is None else _read_at(old, reported_at)
            before[device] = DeviceState(reading=new, present=True, seen_at=self._now, read_at=read_at)
        for device, old in before.items():
            if device not in inventory and old.present:
                self._note(state, device, None)
                before[device] = DeviceState(
                    reading=old.reading, present=False, seen_at=reported_at, read_at=_read_at(old, reported_at)
                )

    def _note(self, state: GatewayState, device: str, new: Reading | None) -> None:
        row = {"gateway": state.gateway, "device": device, "sequence": state.last_sequence}
        self._readings.append({**row, "received_at": self._now, "reading": new})
        self.judge.add((state.gateway, device))

    def _device_row(self, gateway: str, device: str, state: DeviceState) -> Row:
        return {
            "gateway": gateway,
            "device": device,
            "first_seen_at": self._now,
            "last_seen_at": state.seen_at,
            "last_read_at": state.read_at,
            "present": True,
            "reading": state.reading,
        }


def _good(read: Reading) -> bool:
    return bool(read["result"] == Result.OK)


def _read_at(old: DeviceState, reported_at: int) -> int | None:
    """When a device was last read, by its state until now and its gateway's last report."""
    return reported_at if old.present and _good(old.reading) else old.read_at


def reading(device: DeviceReport) -> Reading:
    """What a report says of a device, as it is stored (collector/store/schema.py)."""
    fields: dict[str, Any] = msgspec.to_builtins(device, builtin_types=(bytes,))
    if device.image_digest is not None:
        fields["image_digest"] = device.image_digest.hex()
    return {name: value for name, value in fields.items() if name != "device" and value is not None}


def same(one: Reading, other: Reading) -> bool:
    """Whether two readings differ in nothing but the time at which they were read."""
    return {**one, "read_at": 0} == {**other, "read_at": 0}
