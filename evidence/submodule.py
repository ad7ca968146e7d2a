"""A submodule of the report: what one round found out about one device.

`decode` defines what it may say. Most devices of a fleet differ from some other only in what is their own, id, hardware
and time: `look_alike` finds these in the bytes, and the rest is what `decode` made of the same bytes before.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from evidence import cbor, claims
from evidence.claims import Claims
from evidence.errors import ClaimError, EvidenceError
from evidence.ids import ID_BYTES, from_ueid, is_model_id, to_ueid
from evidence.limits import MAX_IDS, MAX_MESSAGE_BYTES

UEID, SWVERSION = 256, 271
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


def decode(found: Claims) -> DeviceReport:
    """What one submodule says.

    Raises:
        ClaimError: A claim that is missing or wrong.
    """
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


_MAX_LIKE_BYTES = 256  # real devices have 60 to 200
_HARDWARE, _READ_AT = cbor.encode(HARDWARE), cbor.encode(READ_AT)
_HARDWARE_16, _READ_AT_4 = _HARDWARE + cbor.head(0x40, ID_BYTES), _READ_AT + b"\x1a"
_FIRST_TIME = b"\0\1\0\0"  # that is written in four bytes
_BLANK_ID, _BLANK_TIME = bytes(ID_BYTES), b"\x1a\xff\xff\xff\xff"
_BLANK_UEID = cbor.encode(UEID) + cbor.octets(to_ueid(_BLANK_ID.hex()))
_BLANK_HARDWARE = _HARDWARE + cbor.octets(_BLANK_ID)


class Alike(NamedTuple):
    """Encoded submodules, each seen to be right by one that is like it; by columns.

    Attributes:
        like: What each says, but for what is its own: id, hardware and time.
        hardware: Its own; None where it states none.
        read_at: Its own, as four bytes.
        untimed: Its claims behind the ueid without the time of reading, encoded.
    """

    like: tuple[DeviceReport, ...] = ()
    hardware: tuple[bytes | None, ...] = ()
    read_at: tuple[bytes, ...] = ()
    untimed: tuple[bytes, ...] = ()

    def devices(self, ids: Sequence[bytes]) -> Iterator[DeviceReport]:
        """What `decode` would make of them, by the ids in their ueids."""
        for device, like, hardware, time in zip(ids, self.like, self.hardware, self.read_at, strict=True):
            read_at = int.from_bytes(time, "big")
            own = None if hardware is None else hardware.hex()
            yield replace(like, device=device.hex(), hardware=own, read_at=read_at)


def look_alike(heads: Sequence[bytes], rests: Sequence[bytes]) -> Alike | None:
    """What is seen in most encoded submodules that `decode` takes; None where one is otherwise, right or wrong.

    Args:
        heads: Of each map, one byte.
        rests: The claims of each behind the ueid, which is the first and is right.
    """
    found = list(map(_look_alike, heads, rests))
    if None in found:
        return None
    return Alike(*zip(*found, strict=True))


def _look_alike(head: bytes, rest: bytes) -> tuple[DeviceReport, bytes | None, bytes, bytes] | None:
    claims_before, _, behind = rest.partition(_READ_AT_4)
    time, after = behind[:4], behind[4:]
    before, has_hardware, own = claims_before.partition(_HARDWARE_16)
    hardware, between = (own[:ID_BYTES], own[ID_BYTES:]) if has_hardware else (None, None)
    # Who read the device is said behind the time.
    if not after or time < _FIRST_TIME or len(rest) > _MAX_LIKE_BYTES or (has_hardware and len(own) < ID_BYTES):
        return None
    like = _like(head, before, between, after)
    return None if like is None else (like, hardware, time, claims_before + after)


@lru_cache(maxsize=4096)  # 1 kB each, of hostile ones 4
def _like(head: bytes, before: bytes, between: bytes | None, after: bytes) -> DeviceReport | None:
    """The device around whose own claims, blank here, these bytes stand; None where there is none."""
    hardware = b"" if between is None else _BLANK_HARDWARE + between
    data = head + _BLANK_UEID + before + hardware + _READ_AT + _BLANK_TIME + after
    # The keys stand in it once, so that what was cut out are these claims, and nothing inside of others that looks so.
    if data.count(_READ_AT) != 1 or data.count(_HARDWARE) != (between is not None):
        return None
    try:
        # As deep as it is in a report.
        [[value]] = cbor.decode(b"\x81\x81" + data, MAX_MESSAGE_BYTES)
        found = decode(Claims(value))
    except EvidenceError:
        return None
    return found if (found.hardware is None) == (between is None) else None


def encode(device: DeviceReport) -> dict[int, Any]:
    """A device as a submodule, in the order of its encoding."""
    offer = device.offer
    return claims.present(
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
            OFFER: None if offer is None else claims.present({1: str(offer.result), 2: offer.version}),
            READ_AT: device.read_at,
            READER: device.reader,
        }
    )
