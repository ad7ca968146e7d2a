"""What a batch of accepted reports puts on record, worked out in memory from what is stored.

- A report stands for the devices of its inventory digest, which it states itself or an earlier one of the gateway has.
- `late` marks a report that says nothing about the present: a higher number was there when it came, or nobody had
  stated its inventory yet. It is stored and receipted, but shows no devices; for the second reason the gateway is
  asked for the whole (`wanted`), which comes under a number of its own.
- Something follows from a report (derivation.py) that shows other devices than the one before, in which a device could
  not be read, since each miss counts, or that ends a day of silence. From all others nothing does: they cost a row.
"""

from collections.abc import Mapping
from typing import Final

from collector.ingest.verify import Message
from collector.store.evidence import Before, Changes, GatewayState, Named, Reported
from evidence.report import Outline

SILENT_S: Final = 24 * 3600  # shorter than any policy's report_max_age_days


class Ledger:
    """The changes of one batch.

    Args:
        states: Every gateway that has a report in the batch, as it is stored.
        now: When the batch was taken in.

    Attributes:
        wanted: Gateways whose inventory nobody has stated yet.
    """

    def __init__(self, states: Mapping[str, GatewayState], now: int) -> None:
        self.wanted: set[str] = set()
        self._states = states
        self._named: dict[tuple[str, str], Named] = {}
        self._now = now
        self._before: dict[str, Before] = {}
        self._shown: set[str] = set()
        self._reports: list[Reported] = []
        self._new: dict[tuple[str, str], Named] = {}
        self._reporting: dict[str, GatewayState] = {}
        self._derive: list[tuple[str, int]] = []

    def name(self, named: Mapping[tuple[str, str], Named]) -> None:
        """Learn inventories that were named before, by gateway and digest; one that is shown may be left out."""
        self._named.update(named)

    def accept(self, report: Outline, message: Message, signature: bytes | None) -> None:
        """Enter a report that is new, in the order of the log; its signature, where that can stand for it."""
        state = self._states[report.gateway]
        if report.gateway not in self._before:
            self._before[report.gateway] = Before(state.last_sequence, state.report_count)
        inventory = self._inventory(state, report)
        is_newest, is_known = report.sequence > state.last_sequence, inventory.stated is not None
        follows = (report.previous or b"").hex() == (state.last_digest or "")
        is_next = report.sequence == state.last_sequence + 1
        self._reports.append(
            Reported(
                report.gateway,
                report.sequence,
                report.issued_at,
                inventory.number,
                not (is_newest and is_known),
                signature if signature and follows and is_next else message.body,
            )
        )
        self._reporting[report.gateway] = state
        state.report_count += 1
        if is_newest:
            state.last_sequence, state.last_digest = report.sequence, message.digest
            (self.wanted.discard if is_known else self.wanted.add)(report.gateway)
        if is_newest and is_known:
            self._show(state, inventory)

    def changes(self) -> Changes:
        """All that is to be stored."""
        return Changes(
            before=self._before,
            reports=self._reports,
            inventories=tuple(self._new.values()),
            gateways=tuple(self._reporting.values()),
            shown=self._shown,
            derive=self._derive,
        )

    def _inventory(self, state: GatewayState, report: Outline) -> Named:
        digest = report.inventory.hex()
        if (shown := _shown(state)) is not None:
            self._named.setdefault((state.gateway, shown.inventory), shown)
        known = self._named.get((state.gateway, digest))
        if known is not None and (known.stated is not None or not report.stated):
            return known
        new = Named(
            gateway=state.gateway,
            inventory=digest,
            number=report.sequence if known is None else known.number,
            stated=report.sequence if report.stated else None,
            unread=report.unread,
        )
        self._named[state.gateway, digest] = self._new[state.gateway, digest] = new
        return new

    def _show(self, state: GatewayState, inventory: Named) -> None:
        is_other = inventory.number != state.inventory_number
        was_silent = state.last_report_at is not None and self._now - state.last_report_at > SILENT_S
        if is_other or inventory.unread or was_silent:
            self._derive.append((state.gateway, state.last_sequence))
        state.last_report_at = self._now
        self._shown.add(state.gateway)
        state.last_inventory, state.inventory_number = inventory.inventory, inventory.number
        state.unread = inventory.unread


def _shown(state: GatewayState) -> Named | None:
    """The inventory that is shown: it was stated; by which report nobody asks here."""
    number = state.inventory_number
    if state.last_inventory is None or number is None:
        return None
    return Named(state.gateway, state.last_inventory, number, number, state.unread)
