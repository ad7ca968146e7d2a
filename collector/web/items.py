"""The forms of the API: what each item of a list holds."""

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from collector.appraisal.grounds import GroundFact
from collector.store import rows
from collector.web.debts import Tracks, debts
from collector.web.paging import word_for
from collector.web.room import Room

Item = TypeVar("Item")


class Items(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a list; `next` is the cursor of the next one, null at the end."""

    items: tuple[Item, ...]
    next: str | None


class DeviceItem(msgspec.Struct, frozen=True, kw_only=True):
    """A device, as its gateway observed it and as it was judged.

    Attributes:
        ids: What the device calls itself; like `version_raw`, of the last good reading.
        result: What came of the last reading, good or not.
        reason: Why the last reading failed.
        seller: Of the governing sale on record.
        manufacturer: Of the matched model.
        verdict: Null until it is judged for the first time.
    """

    gateway: str
    device: str
    ids: tuple[str, ...]
    model: str | None
    version_raw: str | None
    version_alt: str | None
    result: str
    reason: str | None
    reader: str | None
    present: bool
    first_seen_at: datetime
    last_seen_at: datetime
    last_read_at: datetime | None
    seller: str | None
    manufacturer: str | None
    verdict: Tracks | None
    judged_at: datetime | None


class GatewayItem(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that is or was enrolled, and how many devices its newest inventory holds.

    From `revoked_at` on nothing of it counts, for whoever asks what was known from `revocation_recorded_at` on.
    `conflicts` are reports under a number that other bytes had used: a copy of the gateway, or one from an old backup.
    """

    gateway: str
    enrolled_at: datetime
    revoked_at: datetime | None
    revocation_recorded_at: datetime | None
    last_sequence: int
    last_report_at: datetime | None
    devices: int
    conflicts: int


class RejectedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was refused; `verified` tells whether its signature was good."""

    received_at: datetime
    topic: str
    gateway: str | None
    reason: str
    detail: str
    digest: str
    size: int
    verified: bool


class RejectionItem(msgspec.Struct, frozen=True, kw_only=True):
    """How often one reason was met."""

    reason: str
    count: int
    last_at: datetime


class ReadingItem(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that differs from the one before it; null where the device left the inventory."""

    sequence: int
    received_at: datetime
    reading: rows.Reading | None


class VerdictItem(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that differs from the one before it."""

    judged_at: datetime
    policy_version: str
    policy_digest: str
    verdict: Tracks


class ReplayItem(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict for any instant, with what was known at any instant, and all that it was made from.

    The facts of `evidence` alone, judged at the two instants under the policy of that digest, give the verdict again.
    """

    at: datetime
    known: datetime
    policy_digest: str
    verdict: Tracks
    evidence: tuple[GroundFact, ...]


class StatementItem(msgspec.Struct, frozen=True, kw_only=True):
    """A statement on record; `digest` is its id, `leaf` its place in the log."""

    digest: str
    leaf: int
    kind: str
    issuer: str
    asserted_at: datetime
    recorded_at: datetime
    fact: dict[str, Any]


def items(form: type[Item], page: rows.Page[Any, Any]) -> Items[Item]:
    """A page of rows as a page of items; Unix seconds become instants."""
    return Items(
        items=tuple(msgspec.convert(row, form, strict=False, from_attributes=True) for row in page.items),
        next=word_for(page.next),
    )


def device_item(row: rows.Device, room: Room) -> DeviceItem:
    """A device as the API shows it."""
    now = room.now()
    owing = debts(row, now, now, room.policy)
    good = row.good or row.reading
    fields = {
        **msgspec.structs.asdict(row),
        "ids": good.ids,
        "version_raw": good.version_raw,
        "version_alt": good.version_alt,
        "result": row.reading.result,
        "reason": row.reading.reason,
        "reader": row.reading.reader,
        "seller": owing.S.name,
        "manufacturer": owing.M.name,
    }
    return msgspec.convert(fields, DeviceItem, strict=False)
