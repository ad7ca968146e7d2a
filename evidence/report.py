"""The report: what a gateway read from its devices in one round, as an Entity Attestation Token (RFC 9711).

A report is testimony of the gateway about devices seen from outside. When nothing has changed since the last report it
carries no submodules: its inventory digest stands for them.
"""

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from evidence import cbor, claims, cose
from evidence.claims import Claims
from evidence.errors import ClaimError, ProfileError
from evidence.ids import ID_BYTES, from_ueid, is_model_id, to_ueid
from evidence.keys import SigningKey
from evidence.limits import MAX_DEVICES, MAX_IDS, MAX_INTEGER, MAX_MESSAGE_BYTES, MAX_SEQUENCE

MESSAGE_TYPE = "application/eat+cwt"
# No domain is ours for good, so the profile is a UUID that was drawn for it; another version is another UUID.
PROFILE = "urn:uuid:6f1c1b52-8f0a-4a3c-9a44-5b0f6a7c2d10"

IAT, UEID, EAT_PROFILE, SUBMODS, SWVERSION = 6, 256, 265, 266, 271
SEQUENCE, PREVIOUS, INVENTORY, HEAD = -70001, -70002, -70003, -70004
RESULT, REASON, VERSION_ALT, SCHEME, IMAGE_DIGEST = -70101, -70102, -70103, -70104, -70105
MODEL_IDS, HARDWARE, HARDWARE_REVISION, OFFER, READ_AT, READER = (
    -70106,
    -70107,
    -70108,
    -70109,
    -70110,
    -70111,
)


class Result(StrEnum):
    """What came of asking a device. Silence, refusal and garbage differ, and each differs from absence."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    PARSE_FAILED = "parse_failed"


class OfferResult(StrEnum):
    """What the device, or the bridge in front of it, says about a newer version."""

    NONE = "none"
    OFFERED = "offered"
    FAILED = "failed"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An update that was offered to the device, and what became of it."""

    result: OfferResult
    version: str | None = None


class DeviceReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one round found out about one device.

    Attributes:
        device: Device id, 32 hex digits.
        result: What came of asking.
        read_at: When it was read, Unix seconds by the gateway's clock.
        reader: Which reader read it.
        reason: Why there is no reading; a stable word, absent where the result is ok.
        version_raw: The version as read; absent where the device states none.
        version_alt: A second version, where the wire has one.
        scheme: How versions compare, only where the wire itself defines it.
        image_digest: Digest of the running image.
        ids: Model ids, sorted.
        hardware: Hardware identity as a device id; differs where the unit behind an address was swapped.
        hardware_revision: As a number, where the device states one.
        offer: An update on offer.
    """

    device: str
    result: Result
    read_at: int
    reader: str
    reason: str | None = None
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: str | None = None
    image_digest: bytes | None = None
    ids: tuple[str, ...] = ()
    hardware: str | None = None
    hardware_revision: int | None = None
    offer: Offer | None = None


class SeenHead(msgspec.Struct, frozen=True, kw_only=True):
    """A tree head that a gateway holds: log id, leaves in the tree, root.

    It is testimony about the collector, signed by somebody else, and stays in the log: a log that has another history
    than the gateways saw carries the proof of it.
    """

    log: str
    size: int
    root: bytes


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one report.

    Attributes:
        gateway: Gateway id, 32 hex digits.
        sequence: One more than the last report's of this gateway; the first is 1.
        issued_at: Unix seconds by the gateway's clock; testimony, not time.
        previous: SHA-256 of the previous report's signed bytes; absent in the first.
        inventory: `inventory_digest` of the devices.
        devices: Sorted by device id; None where the inventory has not changed.
        head: The newest tree head that the gateway holds, now and then: the receipt shows that its tree continues it.
    """

    gateway: str
    sequence: int
    issued_at: int
    inventory: bytes
    previous: bytes | None = None
    devices: tuple[DeviceReport, ...] | None = None
    head: SeenHead | None = None


def inventory_digest(devices: tuple[DeviceReport, ...]) -> bytes:
    """SHA-256 of the deterministic encoding of the submodules without the times of reading."""
    return hashlib.sha256(cbor.encode(_untimed({device.device: _encode_device(device) for device in devices}))).digest()


def encode(report: Report) -> bytes:
    """The claims of a report as CBOR.

    Raises:
        EvidenceError: What `decode` would raise for them: nobody signs what nobody would accept.
    """
    payload = _payload(report)
    if report.head is not None:
        payload[HEAD] = _encode_head(report.head)
    if report.devices is not None:
        payload[SUBMODS] = submods = {device.device: _encode_device(device) for device in report.devices}
        if len(submods) != len(report.devices):
            raise ClaimError(f"/{SUBMODS}", "each device once")
    data = cbor.encode(payload)
    decode(data)
    return data


def _payload(report: Report) -> dict[int, Any]:
    """What every report says, in the order of its encoding."""
    return _without_none(
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


def assemble(report: Report, key_id: bytes, signature: bytes) -> bytes:
    """The evidence that a report without devices and head was, by the signature that it had."""
    return cose.assemble(cbor.encode_part(_payload(report)), key_id, MESSAGE_TYPE, signature)


def decode(payload: bytes) -> Report:
    """The claims of a report, from a payload whose signature was checked.

    Raises:
        EvidenceError: TooLarge, Malformed or NotDeterministic for the bytes; Profile for another version;
            Claim for a claim that is missing or wrong, an inventory digest that does not fit among them.
    """
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
    return {name: {key: v for key, v in device.items() if key != READ_AT} for name, device in submods.items()}


def _devices(value: object, path: str) -> tuple[DeviceReport, ...]:
    if not isinstance(value, dict) or len(value) > MAX_DEVICES:
        raise ClaimError(path, f"a map of at most {MAX_DEVICES} devices")
    devices = tuple(_decode_device(Claims(item, f"{path}/{name}")) for name, item in value.items())
    for name, device in zip(value, devices, strict=True):
        if name != device.device:
            raise ClaimError(f"{path}/{name}/{UEID}", "the ueid that the submodule is named by")
    return devices


def _decode_device(found: Claims) -> DeviceReport:
    hardware = found.find(HARDWARE, _hardware)
    device = DeviceReport(
        device=found.get(UEID, from_ueid),
        result=_RESULTS[found.get(RESULT, _result)],
        read_at=found.get(READ_AT, claims.instant),
        reader=found.get(READER, claims.text),
        reason=found.find(REASON, claims.text),
        version_raw=found.find(SWVERSION, _swversion),
        version_alt=found.find(VERSION_ALT, claims.text),
        scheme=found.find(SCHEME, claims.text),
        image_digest=found.find(IMAGE_DIGEST, _image_digest),
        ids=found.find(MODEL_IDS, _model_ids) or (),
        hardware=None if hardware is None else hardware.hex(),
        hardware_revision=found.find(HARDWARE_REVISION, _hardware_revision),
        offer=found.find(OFFER, _offer),
    )
    if (device.result is Result.OK) == (device.reason is not None):
        raise ClaimError(found.path(REASON), "a reason exactly where the result is not ok")
    return device


# Made once: ten devices a report, thirteen claims a device.
_RESULTS = {str(result): result for result in Result}
_result = claims.one_of(tuple(_RESULTS))
_offered = claims.one_of(tuple(map(str, OfferResult)))
_hardware = claims.octets(ID_BYTES, ID_BYTES)
_hardware_revision = claims.integer(0, 2**32 - 1)
_image_digest = claims.octets(16, 64)
_ids = claims.array(claims.text, MAX_IDS)
_sequence = claims.integer(1, MAX_SEQUENCE)


def _swversion(value: object, path: str) -> str:
    # RFC 9711 section 4.2.7: [version, ?scheme]. The CoSWID schemes do not name ours, so the first item is all we send.
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 2:
        raise ClaimError(path, "an array of a version and perhaps a scheme")
    return claims.text(value[0], f"{path}[0]")


def _model_ids(value: object, path: str) -> tuple[str, ...]:
    ids = _ids(value, path)
    if not _are_model_ids(ids):
        raise ClaimError(path, "sorted model ids, each once, of the form namespace:value")
    return ids


@lru_cache(maxsize=1024)  # many devices are of few models
def _are_model_ids(ids: tuple[str, ...]) -> bool:
    return list(ids) == sorted(set(ids)) and all(map(is_model_id, ids))


def _offer(value: object, path: str) -> Offer:
    found = Claims(value, path)
    return Offer(
        result=OfferResult(found.get(1, _offered)),
        version=found.find(2, claims.text),
    )


def _encode_device(device: DeviceReport) -> dict[int, Any]:
    offer = device.offer
    return _without_none(
        {
            UEID: to_ueid(device.device),
            SWVERSION: None if device.version_raw is None else [device.version_raw],
            RESULT: str(device.result),
            REASON: device.reason,
            VERSION_ALT: device.version_alt,
            SCHEME: device.scheme,
            IMAGE_DIGEST: device.image_digest,
            MODEL_IDS: list(device.ids) or None,
            HARDWARE: None if device.hardware is None else bytes.fromhex(device.hardware),
            HARDWARE_REVISION: device.hardware_revision,
            OFFER: None if offer is None else _without_none({1: str(offer.result), 2: offer.version}),
            READ_AT: device.read_at,
            READER: device.reader,
        }
    )


def _without_none(fields: dict[int, Any]) -> dict[int, Any]:
    return {key: value for key, value in fields.items() if value is not None}


__all__ = [
    "MESSAGE_TYPE",
    "PROFILE",
    "DeviceReport",
    "Offer",
    "OfferResult",
    "Report",
    "Result",
    "SeenHead",
    "assemble",
    "decode",
    "encode",
    "inventory_digest",
    "sign",
]
