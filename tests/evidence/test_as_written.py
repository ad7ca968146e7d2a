"""Reports are read from their bytes where that is enough, and strictly where it is not: nobody can tell which."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence import cbor, cose, report, submodule
from evidence.errors import EvidenceError
from evidence.ids import to_ueid
from evidence.limits import MAX_DEPTH, MAX_DEVICES
from evidence.report import DeviceReport, Heading, Outline, Report, Result
from firmware_fixtures.evidence import forge
from tests.evidence import mutations, strategies

DEVICES = forge.payload_of("report")[report.SUBMODS]


def outcome(read: Callable[[bytes], object], payload: bytes) -> str:
    """What reading gives, or which error with which text."""
    try:
        return repr(read(payload))
    except EvidenceError as error:
        return f"{type(error).__name__} {error.code} {error}"


def agree(payload: bytes) -> str:
    """What both readings make of a payload, the quick one also where it has seen such devices before."""
    strictly = outcome(report._strict, payload)
    assert outcome(report.decode, payload) == strictly
    assert outcome(report.decode, payload) == strictly
    assert outcome(report.outline, payload) == outcome(lambda data: outlined(report._strict(data)), payload)
    return strictly


def outlined(made: Report) -> Outline:
    """What the outline of a report is to say."""
    heading = {name: getattr(made, name) for name in Heading.__struct_fields__}
    unread = any(device.result is not Result.OK for device in made.devices or ())
    return Outline(**heading, stated=made.devices is not None, unread=unread)


def payload_of(
    devices: Iterable[tuple[str, Mapping[Any, object]]] = DEVICES.items(),
    more: Mapping[Any, object] | None = None,
    counted: int | None = None,
) -> bytes:
    """The claims of a report of these devices, good or bad, under the digest that fits; None takes a claim away."""
    devices = list(devices)

    def encoded(devices: list[tuple[str, dict[Any, object]]]) -> forge.Raw:
        head = forge.head(5, len(devices) if counted is None else counted)
        return forge.Raw(head + b"".join(forge.dump(name) + forge.dump(device) for name, device in devices))

    untimed = [(name, {key: device[key] for key in device if key != submodule.READ_AT}) for name, device in devices]
    submods = {
        report.SUBMODS: encoded([(name, dict(device)) for name, device in devices]),
        report.INVENTORY: hashlib.sha256(encoded(untimed)).digest(),
    }
    return forge.dump(forge.ordered(forge.payload_of("report"), {**submods, **(more or {})}))


def mended(payload: bytes) -> bytes:
    """A payload made of the valid report's, with the digest that fits, where there are submodules to make it of."""
    try:
        claims = cbor.load(payload, len(payload))
    except EvidenceError:
        return payload
    submods = claims.get(report.SUBMODS) if isinstance(claims, dict) else None
    if not isinstance(submods, dict) or not all(isinstance(device, dict) for device in submods.values()):
        return payload
    return payload.replace(forge.REPORT.inventory, report._digest_of_read(submods, ""))


def claims_of(evidence: bytes) -> bytes:
    """The payload of evidence; nothing where it has none."""
    try:
        return cose.parse(evidence, report.MESSAGE_TYPE).unverified_payload or b""
    except EvidenceError:
        return b""


def of_others(made: Report) -> Report:
    """Another report of devices that are like these, but for what is each one's own."""

    def other(device: DeviceReport) -> DeviceReport:
        name = hashlib.sha256(device.device.encode()).hexdigest()
        hardware = None if device.hardware is None else name[32:]
        return msgspec.structs.replace(device, device=name[:32], hardware=hardware, read_at=device.read_at // 2)

    devices = tuple(sorted(map(other, made.devices or ()), key=lambda device: device.device))
    return msgspec.structs.replace(made, devices=devices, inventory=report.inventory_digest(devices))


@given(strategies.reports())
@settings(deadline=None)
def test_what_is_written_is_read_alike(made: Report) -> None:
    """Whatever claims a report has, and whether its devices are known or new."""
    payload = report.encode(made)
    assert agree(payload) == repr(made)
    others = of_others(made)
    assert agree(report.encode(others)) == repr(others)


@given(strategies.reports())
@settings(deadline=None)
def test_most_reports_need_no_strict_reading(made: Report) -> None:
    """From 1970 to 2106, without a tree head, and of devices that say no more than most."""
    made = msgspec.structs.replace(
        made,
        head=None,
        sequence=made.sequence % 2**32 or 1,
        issued_at=2**16 + made.issued_at % 2**31,
        devices=None
        if made.devices is None
        else tuple(
            DeviceReport(
                device=device.device,
                result=Result.OK,
                read_at=2**16 + device.read_at % 2**31,
                reader="zigbee2mqtt",
                version_raw=device.version_raw and device.version_raw[:40],
                ids=device.ids[:1],
                hardware=device.hardware,
                hardware_revision=device.hardware_revision,
            )
            for device in made.devices
        ),
    )
    made = msgspec.structs.replace(made, inventory=report.inventory_digest(made.devices or ()))
    payload = report.encode(made)
    assert report._as_written(payload) is not None
    assert agree(payload) == repr(made)


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bent_bytes_are_read_alike(data: st.DataObject) -> None:
    """Bytes cut, flipped, repeated and spliced, and the digest made to fit."""
    payloads = claims_of(forge.VALID["report"]), claims_of(forge.VALID["report-unchanged"])
    for payload, other in permutations(payloads):
        agree(mended(data.draw(mutations.bent_bytes(payload, other))))


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bent_claims_are_read_alike(data: st.DataObject) -> None:
    """Any claim replaced, taken away, moved or wrapped, and the digest made to fit."""
    agree(mended(claims_of(data.draw(mutations.bent_structure(forge.VALID["report"])))))


TIME = cbor.encode(submodule.READ_AT) + b"\x1a\x6a\xfd\x86\xc0"
UNIT = cbor.encode(submodule.HARDWARE) + b"\x50" + bytes(range(16))
ALIKE = [TIME, UNIT, *(cbor.encode(name) + cbor.encode(device) for name, device in DEVICES.items())]
"""What the quick reading looks for, to stand where it means nothing."""

_alike = st.lists(st.sampled_from(ALIKE) | st.binary(max_size=6), max_size=3).map(b"".join)
_odd = _alike | st.lists(_alike, max_size=2) | st.dictionaries(st.sampled_from([256, -70107, -70110, 1]), _alike)
_claims = st.fixed_dictionaries(
    {
        submodule.RESULT: st.just("ok"),
        submodule.READ_AT: st.sampled_from([0, 2**16 - 1, 2**16, 2**31, 2**32 - 1, 2**32]),
        submodule.READER: st.just("gateway"),
    },
    optional={
        300: _odd,
        -70100: _odd,
        submodule.IMAGE_DIGEST: _alike.map(lambda alike: alike[:64].ljust(16)),
        submodule.HARDWARE: _alike.map(lambda alike: alike[:16].ljust(16)),
        submodule.OFFER: st.fixed_dictionaries({1: st.just("none")}, optional={-70107: _odd, -70110: _odd}),
        -70112: _odd,
    },
)


@given(st.lists(st.dictionaries(strategies.hex_ids, _claims, max_size=3), min_size=2, max_size=2))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_claims_are_read_alike(reports: list[dict[str, dict[int, object]]]) -> None:
    """Claims that look like others, or hold them."""
    for devices in reports:
        ueids = {name: forge.ordered(devices[name], {report.UEID: to_ueid(name)}) for name in devices}
        agree(payload_of(sorted(ueids.items())))


NAME, PLAIN = max(DEVICES.items())  # it states no hardware
ONE: dict[str, dict[Any, object]] = {
    "a time inside of a claim, beside a short one": {300: TIME, submodule.READ_AT: 5},
    "a time inside of a claim, and none": {300: TIME, submodule.READ_AT: None},
    "a time inside of a claim, and a long one": {300: TIME, submodule.READ_AT: 2**33},
    "a time in a map": {-70112: {submodule.READ_AT: 2**31}, submodule.READ_AT: 5},
    "hardware inside of a claim": {submodule.IMAGE_DIGEST: UNIT},
    "hardware inside of a claim, and some": {submodule.IMAGE_DIGEST: UNIT, submodule.HARDWARE: bytes(16)},
    "hardware inside of a claim, and null": {submodule.IMAGE_DIGEST: UNIT, submodule.HARDWARE: forge.Raw(b"\xf6")},
    "hardware inside of a claim that is cut": {300: UNIT[:-8], submodule.HARDWARE: bytes(16)},
    "hardware that is like a time": {submodule.HARDWARE: TIME.ljust(16)},
    "hardware in a map": {submodule.OFFER: {1: "none", submodule.HARDWARE: bytes(16)}},
    "a device inside of a claim": {300: ALIKE[-1]},
    "half a device inside of a claim": {-70112: ALIKE[-1][:60]},
    "an instant in more bytes than it needs": {submodule.READ_AT: forge.Raw(b"\x1a\0\0\x12\x34")},
    "another ueid": {report.UEID: to_ueid("0" * 32)},
    "as deep as may be": {-70112: forge.Raw(b"\x81" * (MAX_DEPTH - 3) + b"\0")},
    "one deeper": {-70112: forge.Raw(b"\x81" * (MAX_DEPTH - 2) + b"\0")},
    "a claim twice": {-70111: forge.Raw(b"\x61a" + cbor.encode(-70111) + b"\x61a")},
    "no text": {-70111: forge.Raw(b"\x61\xff")},
}


@pytest.mark.parametrize("name", ONE)
def test_one_odd_device_is_read_alike(name: str) -> None:
    """Each way to mislead who looks for claims in bytes; first with some bytes, then with others in their place."""
    for instant, unit in ((TIME[-4:], UNIT[-16:]), (b"\x6b\0\0\0", b"\xff" * 16)):
        changes = {
            key: value.replace(TIME[-4:], instant).replace(UNIT[-16:], unit) if type(value) is bytes else value
            for key, value in ONE[name].items()
        }
        agree(payload_of([(NAME, forge.ordered(PLAIN, changes))]))


def _many(count: int, items: int = 0) -> list[tuple[str, dict[Any, object]]]:
    """So many devices, with so many items that nobody knows in each."""
    more = {-70112: [0] * items} if items else {}
    names = [f"{number:032x}" for number in range(count)]
    return [
        (name, {report.UEID: to_ueid(name), submodule.RESULT: "ok", submodule.READ_AT: 2**31, -70111: "x", **more})
        for name in names
    ]


def _misled() -> bytes:
    """A report whose digest leaves out what looks like a time, and not the time."""
    device = forge.ordered(PLAIN, {300: TIME, submodule.READ_AT: 5})
    untimed = bytes([forge.dump(device)[0] - 1]) + forge.dump(device)[1:].replace(TIME, b"")
    inventory = hashlib.sha256(forge.head(5, 1) + forge.dump(NAME) + untimed).digest()
    return payload_of([(NAME, device)], {report.INVENTORY: inventory})


_WHOLE = payload_of()
TABLE = {
    "two devices": (_WHOLE, "Report"),
    "no devices": (payload_of([]), "Report"),
    "as many devices as may be": (payload_of(_many(MAX_DEVICES)), "Report"),
    "one device more": (payload_of(_many(MAX_DEVICES + 1)), "ClaimError"),
    "too many items in all devices together": (payload_of(_many(900, 70)), "TooLargeError"),
    "devices out of order": (payload_of(sorted(DEVICES.items(), reverse=True)), "NotDeterministicError"),
    "a device twice": (payload_of([(NAME, PLAIN)] * 2), "NotDeterministicError"),
    "a device less than is counted": (payload_of(counted=3), "MalformedError"),
    "a device more than is counted": (payload_of(counted=1), "MalformedError"),
    "another inventory, as who is misled would make it": (_misled(), "ClaimError"),
    "another inventory": (payload_of(more={report.INVENTORY: bytes(32)}), "ClaimError"),
    "a claim less than is counted": (b"\xa8" + _WHOLE[1:], "MalformedError"),
    "a claim more than is counted": (b"\xa6" + _WHOLE[1:], "NotDeterministicError"),
    "the number 0": (payload_of(more={report.SEQUENCE: 0}), "ClaimError"),
    "a number in more bytes than it needs": (payload_of(more={report.SEQUENCE: forge.Raw(b"\x18\x01")}), "NotDet"),
    "a number in twice the bytes": (payload_of(more={report.SEQUENCE: forge.Raw(b"\x1a\0\0\x12\x34")}), "NotDet"),
    "an instant in more bytes than it needs": (payload_of(more={report.IAT: forge.Raw(b"\x1a\0\0\x12\x34")}), "NotDet"),
    "nothing": (b"", "MalformedError"),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_whole_is_bounded_alike(name: str) -> None:
    """Where the quick reading sees a part only, the bounds are still those of the whole."""
    payload, expected = TABLE[name]
    assert agree(payload).startswith(expected)


BARE: dict[str, tuple[bytes, bool]] = {
    "nothing more": (forge.VALID["report-unchanged"], True),
    "the first": (forge.bent("report-unchanged", {report.PREVIOUS: None}), True),
    "null before": (forge.bent("report-unchanged", {report.PREVIOUS: forge.Raw(b"\xf6")}), False),
    "null devices": (forge.bent("report-unchanged", {report.SUBMODS: forge.Raw(b"\xf6")}), False),
    "null devices, the first": (
        forge.bent("report-unchanged", {report.SUBMODS: forge.Raw(b"\xf6"), report.PREVIOUS: None}),
        False,
    ),
    "a claim that nobody knows": (forge.bent("report-unchanged", {300: 0}), False),
    "a head": (forge.bent("report-unchanged", {report.HEAD: [bytes(16), 1, bytes(32)]}), False),
    "devices": (forge.VALID["report"], False),
    "another header": (
        forge.signed(forge.payload_of("report-unchanged"), protected=forge.ordered(forge.header(), {99: 0})),
        False,
    ),
}


@pytest.mark.parametrize("name", BARE)
def test_a_bare_report_is_one_that_is_assembled_again(name: str) -> None:
    """What is passed over could not be made again."""
    data, expected = BARE[name]
    envelope = cose.parse(data, report.MESSAGE_TYPE)
    claims = report.outline(envelope.verify(forge.KEY.public))
    assert report.is_bare(data, envelope, claims) is expected
    assert (report.assemble(claims, envelope.key_id, envelope.signature) == data) is expected
