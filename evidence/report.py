"""The report: what a gateway read from its devices in one round, as an Entity Attestation Token (RFC 9711).

A report is testimony of the gateway about devices seen from outside. When nothing has changed since the last report it
carries no submodules: its inventory digest stands for them.

`_strict` defines what a report may say. Nearly all are as `encode` writes them, of devices like those of other reports:
`_as_written` reads these from their bytes. Whatever is otherwise, right or wrong, it leaves to the strict reading.
"""

import hashlib
import re
from binascii import hexlify
from collections.abc import Sequence
from itertools import chain, repeat
from operator import lt
from typing import Any, Final

import msgspec

from evidence import cbor, claims, cose, ids, submodule
from evidence.claims import Claims
from evidence.cose import Envelope
from evidence.errors import ClaimError, ProfileError
from evidence.ids import ID_BYTES, from_ueid, to_ueid
from evidence.keys import SigningKey
from evidence.limits import MAX_DEVICES, MAX_INTEGER, MAX_ITEMS, MAX_MESSAGE_BYTES, MAX_SEQUENCE
from evidence.submodule import Alike, DeviceReport, Offer, OfferResult, Result

MESSAGE_TYPE = "application/eat+cwt"
# No domain is ours for good, so the profile is a UUID that was drawn for it; another version is another UUID.
PROFILE = "urn:uuid:6f1c1b52-8f0a-4a3c-9a44-5b0f6a7c2d10"

IAT, UEID, EAT_PROFILE, SUBMODS = 6, 256, 265, 266
SEQUENCE, PREVIOUS, INVENTORY, HEAD = -70001, -70002, -70003, -70004


class SeenHead(msgspec.Struct, frozen=True, kw_only=True):
    """A tree head that a gateway holds: log id, leaves in the tree, root.

    It is testimony about the collector, signed by somebody else, and stays in the log: a log that has another history
    than the gateways saw carries the proof of it.
    """

    log: str
    size: int
    root: bytes


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one report about itself.

    Attributes:
        gateway: Gateway id, 32 hex digits.
        sequence: One more than the last report's of this gateway; the first is 1.
        issued_at: Unix seconds by the gateway's clock; testimony, not time.
        previous: SHA-256 of the previous report's signed bytes; absent in the first.
        inventory: `inventory_digest` of the devices.
        head: The newest tree head that the gateway holds, now and then: the receipt shows that its tree continues it.
    """

    gateway: str
    sequence: int
    issued_at: int
    inventory: bytes
    previous: bytes | None = None
    head: SeenHead | None = None


class Report(Heading, frozen=True, kw_only=True):
    """The claims of one report.

    Attributes:
        devices: Sorted by device id; None where the inventory has not changed.
    """

    devices: tuple[DeviceReport, ...] | None = None


class Outline(Heading, frozen=True, kw_only=True):
    """The claims of one report whose devices were checked, but not made: a collector that takes in needs no more.

    Attributes:
        stated: Whether it carries its devices.
        unread: Whether some of them could not be read.
    """

    stated: bool
    unread: bool


def inventory_digest(devices: tuple[DeviceReport, ...]) -> bytes:
    """SHA-256 of the deterministic encoding of the submodules without the times of reading."""
    return hashlib.sha256(
        cbor.encode(_untimed({device.device: submodule.encode(device) for device in devices}))
    ).digest()


def encode(report: Report) -> bytes:
    """The claims of a report as CBOR.

    Raises:
        EvidenceError: What `decode` would raise for them: nobody signs what nobody would accept.
    """
    payload = _payload(report)
    if report.head is not None:
        payload[HEAD] = _encode_head(report.head)
    if report.devices is not None:
        payload[SUBMODS] = submods = {device.device: submodule.encode(device) for device in report.devices}
        if len(submods) != len(report.devices):
            raise ClaimError(f"/{SUBMODS}", "each device once")
    data = cbor.encode(payload)
    decode(data)
    return data


def _payload(report: Heading) -> dict[int, Any]:
    """What every report says, in the order of its encoding."""
    return claims.present(
        {
            IAT: report.issued_at,
            UEID: to_ueid(report.gateway),
            EAT_PROFILE: PROFILE,
            SEQUENCE: report.sequence,
            PREVIOUS: report.previous,
            INVENTORY: report.inventory,
        }
    )


def sign(report: Report, key: SigningKey) -> bytes:
    """The report as evidence: its claims in a signed envelope."""
    return cose.sign(encode(report), key, MESSAGE_TYPE)


def assemble(report: Heading, key_id: bytes, signature: bytes) -> bytes:
    """The evidence that a report without devices and head was, by the signature that it had."""
    return cose.assemble(cbor.encode_part(_payload(report)), key_id, MESSAGE_TYPE, signature)


def decode(payload: bytes) -> Report:
    """The claims of a report, from a payload whose signature was checked.

    Raises:
        EvidenceError: TooLarge, Malformed or NotDeterministic for the bytes; Profile for another version;
            Claim for a claim that is missing or wrong, an inventory digest that does not fit among them.
    """
    if (written := _as_written(payload)) is None:
        return _strict(payload)
    heading, ids, alike = written
    return Report(**heading, devices=None if alike is None else tuple(alike.devices(ids)))


def outline(payload: bytes) -> Outline:
    """The same, without making the devices: whatever `decode` refuses is refused with the same words.

    Raises:
        EvidenceError: As `decode`.
    """
    if (written := _as_written(payload)) is not None:
        heading, _, alike = written
        said = None if alike is None else alike.like
    else:
        strict = _strict(payload)
        heading = {name: getattr(strict, name) for name in Heading.__struct_fields__}
        said = strict.devices
    unread = any(each.result is not Result.OK for each in said or ())
    return Outline(**heading, stated=said is not None, unread=unread)


def is_bare(data: bytes, envelope: Envelope, claims: Outline) -> bool:
    """Whether `assemble` makes this evidence again of what `outline` read in it.

    Its claims have one encoding, so that only such as were passed over could be missing; their number stands in front.
    """
    payload = envelope.unverified_payload
    if payload is None or claims.stated or claims.head is not None:
        return False
    if not payload.startswith(_head_of(claims.previous)):
        return False
    return data == cose.assemble(payload, envelope.key_id, MESSAGE_TYPE, envelope.signature)


def _strict(payload: bytes) -> Report:
    found = Claims(cbor.decode(payload, MAX_MESSAGE_BYTES))
    profile = found.get(EAT_PROFILE, claims.text)
    if profile != PROFILE:
        raise ProfileError(f"report profile {profile}; only {PROFILE} is known")
    report = Report(
        gateway=found.get(UEID, from_ueid),
        sequence=found.get(SEQUENCE, _sequence),
        issued_at=found.get(IAT, claims.instant),
        previous=found.find(PREVIOUS, claims.digest),
        inventory=found.get(INVENTORY, claims.digest),
        devices=found.find(SUBMODS, _devices),
        head=found.find(HEAD, _head),
    )
    # Over what was received, not over what was understood: a later version may have added claims.
    if report.devices is not None and found.get(SUBMODS, _digest_of_read) != report.inventory:
        raise ClaimError(found.path(INVENTORY), "the digest of the submodules in this report")
    return report


_sequence = claims.integer(1, MAX_SEQUENCE)


def _head(value: object, path: str) -> SeenHead:
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ClaimError(path, "an array of log id, tree size and root")
    return SeenHead(
        log=claims.octets(ID_BYTES, ID_BYTES)(value[0], f"{path}[0]").hex(),
        size=claims.integer(1, MAX_INTEGER)(value[1], f"{path}[1]"),
        root=claims.digest(value[2], f"{path}[2]"),
    )


def _encode_head(head: SeenHead) -> list[Any]:
    return [bytes.fromhex(head.log), head.size, head.root]


def _digest_of_read(submods: Any, _path: str) -> bytes:
    return hashlib.sha256(cbor.encode_part(_untimed(submods))).digest()


def _untimed(submods: Any) -> Any:
    return {name: {key: v for key, v in device.items() if key != submodule.READ_AT} for name, device in submods.items()}


def _devices(value: object, path: str) -> tuple[DeviceReport, ...]:
    if not isinstance(value, dict) or len(value) > MAX_DEVICES:
        raise ClaimError(path, f"a map of at most {MAX_DEVICES} devices")
    devices = tuple(submodule.decode(Claims(item, f"{path}/{name}")) for name, item in value.items())
    for name, device in zip(value, devices, strict=True):
        if name != device.device:
            raise ClaimError(f"{path}/{name}/{UEID}", "the ueid that the submodule is named by")
    return devices


_WRITTEN = re.compile(
    rb"([\xa5-\xa7])"
    + claims.pattern(IAT, claims.INSTANT)
    + claims.pattern(UEID, ids.UEID)
    + claims.pattern(EAT_PROFILE, re.escape(cbor.encode(PROFILE)))
    + rb"(?:%b)?" % claims.pattern(SUBMODS, rb"(.*)")
    + claims.pattern(SEQUENCE, claims.COUNT)
    + rb"(?:%b)?" % claims.pattern(PREVIOUS, claims.DIGEST)
    + claims.pattern(INVENTORY, claims.DIGEST),
    re.DOTALL,
)
_NAME = cbor.head(0x60, 2 * ID_BYTES)  # of a device: its id in hex
_SUBMODULE = re.compile(
    rb"%b([0-9a-f]{32})([\xa3-\xb7])(%b)" % (re.escape(_NAME), claims.pattern(submodule.UEID, ids.UEID)), re.DOTALL
)


_ONE_FEWER: Final = {cbor.head(0xA0, count): cbor.head(0xA0, count - 1) for count in range(3, 24)}


def _as_written(payload: bytes) -> tuple[dict[str, Any], Sequence[bytes], Alike | None] | None:
    """The heading that `_strict` would make of a payload, ids and rest of its devices, where its bytes show that."""
    # So few bytes hold neither too many items nor too many devices.
    written = _WRITTEN.fullmatch(payload) if len(payload) <= MAX_ITEMS else None
    if written is None:
        return None
    head, issued_at, gateway, submods, sequence, previous, inventory = written.groups()
    if head != _head_of(submods, previous):
        return None
    devices = ((), None) if submods is None else _devices_as_written(submods, inventory)
    if devices is None:
        return None
    heading = {
        "gateway": gateway.hex(),
        "sequence": int.from_bytes(sequence[1:] or sequence, "big"),
        "issued_at": int.from_bytes(issued_at, "big"),
        "inventory": inventory,
        "previous": previous,
    }
    return heading, *devices


def _devices_as_written(submods: bytes, inventory: bytes) -> tuple[Sequence[bytes], Alike] | None:
    head, *found = _SUBMODULE.split(submods)
    names, sizes, ueids, ids, rests = (found[nth::5] for nth in range(5))
    # Each name is as long as the next, so that they are in order as they stand.
    if head != cbor.head(0xA0, len(names)) or not all(map(lt, names, names[1:])):
        return None
    if b"".join(names) != hexlify(b"".join(ids)) or (alike := submodule.look_alike(sizes, rests)) is None:
        return None
    fewer = map(_ONE_FEWER.__getitem__, sizes)
    untimed = chain.from_iterable(zip(repeat(_NAME), names, fewer, ueids, alike.untimed, strict=False))
    return (ids, alike) if hashlib.sha256(head + b"".join(untimed)).digest() == inventory else None


def _head_of(*optional: object) -> bytes:
    """The head of the map of claims of a report that has these beside the five that all have."""
    return cbor.head(0xA0, 5 + len(optional) - optional.count(None))


__all__ = [
    "MESSAGE_TYPE",
    "PROFILE",
    "DeviceReport",
    "Heading",
    "Offer",
    "OfferResult",
    "Outline",
    "Report",
    "Result",
    "SeenHead",
    "assemble",
    "decode",
    "encode",
    "inventory_digest",
    "is_bare",
    "outline",
    "sign",
]
