"""What a read of the register gives: typed rows, and the keys by which a list goes on.

Instants are Unix seconds, but for those inside a verdict or a fact, which keep the form of appraisal.md.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

LEVELS: Final = ("B", "A", "C", "N", "OK")
"""Appraisal.md section 3, strongest first."""
TRACKS: Final = ("S", "M")
"""A household reads the seller's first."""

Json = dict[str, Any]
HexId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Item = TypeVar("Item")
Key = TypeVar("Key", bound=msgspec.Struct)


class DeviceKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of devices ended."""

    rank: Number
    model: str
    gateway: HexId
    device: HexId


class GatewayKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of gateways ended."""

    gateway: HexId


class NumberKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended that goes by a number alone, newest first."""

    number: Number


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An update that the device or its bridge offers."""

    result: str
    version: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one report says of one device."""

    result: str
    reason: str | None = None
    reader: str | None = None
    read_at: int | None = None
    ids: tuple[str, ...] = ()
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: str | None = None
    hardware_revision: int | None = None
    offer: Offer | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the register knows it.

    Attributes:
        last_seen_at: When the last report that names it came.
        last_read_at: When the last report came that holds a good reading of it.
        present: Whether the newest inventory holds it.
        reading: The newest, good or not.
        good: The last good reading; None where there was none yet.
        model: Matched by the judge; None where no model or more than one fits.
        naming: The sales and the placing of the device and the entries of its model, as facts: they say who owes.
        verdict: `{"S": ..., "M": ...}` as the judge stored it; None until it is judged for the first time.
        judge_fault: Why it could not be judged the last time; the verdict is then older.
    """

    gateway: str
    device: str
    first_seen_at: int
    last_seen_at: int
    last_read_at: int | None
    present: bool
    reading: Reading
    good: Reading | None
    model: str | None
    naming: tuple[Json, ...]
    verdict: Json | None
    judged_at: int | None
    judge_fault: str | None


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that is or was enrolled.

    Attributes:
        revoked_at: From when on nothing of it counts.
        revocation_recorded_at: When that was recorded.
        last_report_at: When its last report came that counts.
        conflicts: Kept reports under a number that other bytes had used.
    """

    gateway: str
    enrolled_at: int
    revoked_at: int | None
    revocation_recorded_at: int | None
    last_sequence: int
    last_report_at: int | None
    devices: int
    conflicts: int


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was refused, without its body."""

    id: int
    received_at: int
    topic: str
    gateway: str | None
    reason: str
    detail: str
    digest: str
    size: int
    verified: bool


class Rejections(msgspec.Struct, frozen=True, kw_only=True):
    """How often one reason was met; counted for ever, whatever is kept of the messages."""

    reason: str
    count: int
    last_at: int


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that differs from the one before it; None where the device left the inventory."""

    sequence: int
    received_at: int
    reading: Reading | None


class VerdictRow(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that differs from the one before it."""

    judged_at: int
    policy_version: str
    policy_digest: str
    verdict: Json


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement on record."""

    digest: str
    leaf: int
    kind: str
    issuer: str
    asserted_at: int
    recorded_at: int
    fact: Json


class FindingKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of findings ended."""

    rank: Number
    model: str
    rule: str
    track: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What many homes show of a model, as far as it points at none of them.

    Attributes:
        manufacturer: Who makes the model.
        track: `S` or `M`; empty where it is about neither.
        count: Households; None, like `of`, where the numbers would point at a few.
        of: Of how many.
        about: What it is about: advisories, releases, statements, parties, versions.
        days: Since the first miss, where there is one.
        publishable: Whether its numbers point at no home.
        found_at: Since when it stands.
        judged_at: When the homes were last counted.
    """

    model: str
    manufacturer: str | None
    rule: str
    track: str
    code: str
    level: str
    count: int | None
    of: int | None
    about: tuple[str, ...]
    days: int | None
    publishable: bool
    found_at: int
    judged_at: int
    policy_version: str
    policy_digest: str


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose homes were counted.

    Attributes:
        households: That have it, to the register's best knowledge.
        spread: `[day, version, homes]`; see spread.py.
    """

    model: str
    manufacturer: str | None
    households: int
    judged_at: int
    policy_version: str
    policy_digest: str
    spread: tuple[tuple[int, str, int], ...]


class FleetVerdictRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a model and differs from what was found before; in the form of `FleetVerdict`."""

    judged_at: int
    policy_version: str
    policy_digest: str
    log_size: int
    verdict: Json


class FindingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings are asked for."""

    track: str | None = None
    level: str | None = None
    code: str | None = None
    model: str | None = None
    manufacturer: str | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices are asked for.

    Attributes:
        level: Of the code on `track`, or on either track where none is named.
        code: The code or finding on it.
    """

    track: str | None = None
    level: str | None = None
    code: str | None = None
    gateway: str | None = None
    model: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over the devices of a filter.

    Attributes:
        unjudged: Waiting for their first verdict.
        unread: Whose last reading failed.
        levels: By track, then by level.
        findings: By track, then by the code of the finding.
    """

    total: int
    unjudged: int
    unread: int
    levels: Mapping[str, Mapping[str, int]]
    findings: Mapping[str, Mapping[str, int]]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to filter by, within bounds."""

    codes: tuple[str, ...]
    gateways: tuple[str, ...]
    models: tuple[str, ...]


class Page(msgspec.Struct, Generic[Item, Key], frozen=True, kw_only=True):
    """Some rows, and the key after which the rest begins."""

    items: tuple[Item, ...]
    next: Key | None
