"""Defects of form: envelopes, headers, signatures, and CBOR that is not the one encoding."""

import cbor2

from evidence import cose, report, statement
from evidence.keys import SIGNATURE_BYTES
from evidence.limits import MAX_ANSWER_BYTES, MAX_DEPTH, MAX_HEADER_BYTES
from firmware_fixtures.evidence.forge import KEY, OTHER_KEY, VALID, Raw, bent, dump, header, payload_of, signed

REPORT = VALID["report"]
PAYLOAD = payload_of("report")
ORDER_OF_THE_GROUP = 2**252 + 27742317777372353535851937790883648493  # RFC 8032 section 5.1


def _parts() -> list[object]:
    parts: list[object] = cbor2.loads(REPORT[1:])
    return parts


def _with(number: int, value: object) -> bytes:
    parts = _parts()
    parts[number] = value
    return b"\xd2" + dump(parts)


def _malleated() -> bytes:
    """The same signature with the group's order added to its second half: valid where S is not checked to be small."""
    signature: bytes = cbor2.loads(REPORT[1:])[3]
    scalar = int.from_bytes(signature[32:], "little") + ORDER_OF_THE_GROUP
    return signature[:32] + scalar.to_bytes(32, "little")


def _in_unprotected(label: int) -> bytes:
    protected = header()
    moved = {label: protected.pop(label)}
    return signed(PAYLOAD, protected=protected, unprotected=moved)


def _nested(depth: int) -> Raw:
    return Raw(b"\x81" * depth + b"\x00")


# Name of the defect: message to open as a report, code.
ENVELOPES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "malformed"),
    "text": (b"hello, broker", "malformed"),
    "json": (b'{"device": "thermostat", "version": "1.0"}', "malformed"),
    "tag-missing": (REPORT[1:], "malformed"),
    "tag-of-mac0": (b"\xd1" + REPORT[1:], "malformed"),
    "tag-of-sign": (b"\xd8\x62" + REPORT[1:], "malformed"),
    "tag-in-two-bytes": (b"\xd8\x12" + REPORT[1:], "malformed"),
    "tag-twice": (b"\xd2" + REPORT, "malformed"),
    "tag-of-cwt-around": (b"\xd8\x3d" + REPORT, "malformed"),
    "cut-in-half": (REPORT[: len(REPORT) // 2], "malformed"),
    "byte-missing": (REPORT[:-1], "malformed"),
    "byte-trailing": (REPORT + b"\x00", "not_deterministic"),
    "three-parts": (b"\xd2" + dump(_parts()[:3]), "malformed"),
    "five-parts": (b"\xd2" + dump([*_parts(), b""]), "malformed"),
    "envelope-is-a-map": (b"\xd2" + dump(dict(enumerate(_parts()))), "malformed"),
    "envelope-of-indefinite-length": (b"\xd2\x9f" + REPORT[2:] + b"\xff", "not_deterministic"),
    "payload-missing": (_with(2, None), "malformed"),
    "payload-not-wrapped": (_with(2, PAYLOAD), "malformed"),
    "payload-text": (_with(2, "payload"), "malformed"),
    "payload-head-promises-much": (b"\xd2\x84\x40\xa0\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", "malformed"),
    "array-head-promises-much": (b"\xd2\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", "malformed"),
    "nested-in-place-of-headers": (_with(1, _nested(200)), "too_large"),
    "unprotected-header-filled": (_with(1, {4: KEY.public.id}), "malformed"),
    "unprotected-header-of-text": (_with(1, {"note": "added on the way"}), "malformed"),
    "unprotected-header-is-an-array": (_with(1, []), "malformed"),
}

HEADERS: dict[str, tuple[bytes, str]] = {
    "protected-header-empty": (_with(0, b""), "malformed"),
    "protected-header-not-wrapped": (_with(0, header()), "malformed"),
    "protected-header-is-an-array": (signed(PAYLOAD, protected=[1, -19]), "malformed"),
    "protected-header-is-no-cbor": (_with(0, b"\xff"), "malformed"),
    "protected-header-unsorted": (
        signed(PAYLOAD, protected=dict(reversed(list(header().items())))),
        "not_deterministic",
    ),
    "protected-header-with-trailing-byte": (
        signed(PAYLOAD, protected=Raw(dump(header()) + b"\x00")),
        "not_deterministic",
    ),
    "protected-header-with-long-integers": (
        signed(PAYLOAD, protected=Raw(dump(header()).replace(b"\x01\x32", b"\x18\x01\x32", 1))),
        "not_deterministic",
    ),
    "protected-header-with-algorithm-twice": (
        signed(PAYLOAD, protected=Raw(b"\xa4\x01\x27" + dump(header())[1:])),
        "not_deterministic",
    ),
    "protected-header-of-mixed-keys": (signed(PAYLOAD, protected=header() | {"x": 1}), "malformed"),
    "protected-header-huge": (signed(PAYLOAD, protected=header() | {17: bytes(MAX_HEADER_BYTES)}), "too_large"),
    "algorithm-missing": (signed(PAYLOAD, protected=header(alg=None)), "algorithm"),
    "algorithm-unprotected": (_in_unprotected(cose.ALGORITHM), "algorithm"),
    "algorithm-eddsa": (signed(PAYLOAD, protected=header(alg=-8)), "algorithm"),
    "algorithm-es256": (signed(PAYLOAD, protected=header(alg=-7)), "algorithm"),
    "algorithm-hs256": (signed(PAYLOAD, protected=header(alg=5)), "algorithm"),
    "algorithm-as-text": (signed(PAYLOAD, protected=header(alg="Ed25519")), "algorithm"),
    "algorithm-as-float": (signed(PAYLOAD, protected=header(alg=-19.0)), "malformed"),
    "key-id-missing": (signed(PAYLOAD, protected=header(kid=None)), "malformed"),
    "key-id-unprotected": (_in_unprotected(cose.KEY_ID), "malformed"),
    "key-id-short": (signed(PAYLOAD, protected=header(kid=KEY.public.id[:7])), "malformed"),
    "key-id-as-text": (signed(PAYLOAD, protected=header(kid=KEY.public.id.hex()[:8])), "malformed"),
    "critical-header": (signed(PAYLOAD, protected=header(crit=[cose.KEY_ID])), "profile"),
    "type-missing": (signed(PAYLOAD, protected=header(typ=None)), "profile"),
    "type-of-a-statement": (
        signed(PAYLOAD, protected=header(typ=statement.MESSAGE_TYPE)),
        "profile",
    ),
    "type-as-number": (signed(PAYLOAD, protected=header(typ=61)), "profile"),
    "refusal-in-place-of-report": (VALID["refusal"], "profile"),
    "receipt-in-place-of-report": (VALID["receipt"], "malformed"),
}

SIGNATURES: dict[str, tuple[bytes, str]] = {
    "signature-bent": (REPORT[:-1] + bytes([REPORT[-1] ^ 1]), "signature"),
    "signature-of-zeros": (_with(3, bytes(SIGNATURE_BYTES)), "signature"),
    "signature-short": (_with(3, bytes(SIGNATURE_BYTES - 1)), "malformed"),
    "signature-long": (_with(3, bytes(SIGNATURE_BYTES + 1)), "malformed"),
    "signature-malleated": (_with(3, _malleated()), "signature"),
    "signature-under-another-key-id": (signed(PAYLOAD, protected=header(kid=OTHER_KEY.public.id)), "signature"),
    "signature-by-another-key": (signed(PAYLOAD, key=OTHER_KEY), "signature"),
    "signature-of-another-report": (_with(3, cbor2.loads(VALID["report-unchanged"][1:])[3]), "signature"),
    "signature-without-its-context": (_with(3, KEY.sign(dump(PAYLOAD))), "signature"),
    "claim-changed-after-signing": (_with(2, dump(PAYLOAD | {report.SEQUENCE: 43})), "signature"),
}

ENCODINGS: dict[str, tuple[bytes, str]] = {
    "payload-empty": (signed(Raw(b"")), "malformed"),
    "payload-is-an-array": (signed([PAYLOAD]), "claim"),
    "payload-of-ff": (signed(Raw(b"\xff")), "malformed"),
    "payload-nested": (signed(PAYLOAD | {-80000: _nested(MAX_DEPTH)}), "too_large"),
    "payload-nested-by-maps": (signed(PAYLOAD | {-80000: Raw(b"\xa1\x01" * 200 + b"\x00")}), "too_large"),
    "payload-with-trailing-byte": (signed(Raw(dump(PAYLOAD) + b"\x00")), "not_deterministic"),
    "payload-of-indefinite-length": (
        signed(Raw(b"\xbf" + dump(PAYLOAD)[1:] + b"\xff")),
        "not_deterministic",
    ),
    "keys-unsorted": (signed(dict(reversed(list(PAYLOAD.items())))), "not_deterministic"),
    "key-twice": (signed(Raw(bytes([0xA8]) + dump(PAYLOAD)[1:] + dump(report.IAT) + dump(0))), "not_deterministic"),
    "keys-mixed": (signed(PAYLOAD | {"note": "x"}), "malformed"),
    "key-true": (signed(PAYLOAD | {True: 1}), "malformed"),
    "key-null": (signed(PAYLOAD | {None: 1}), "malformed"),
    "key-bytes": (signed(PAYLOAD | {b"\x06": 1}), "malformed"),
    "key-float-of-an-integer": (signed(Raw(b"\xa2\x06\x01\xf9\x46\x00\x02")), "not_deterministic"),
    "integer-longer-than-needed": (
        bent("report", {report.IAT: Raw(b"\x1b" + bytes(4) + b"\x6a\xfd\x61\x00")}),
        "not_deterministic",
    ),
    "integer-of-65-bits": (bent("report", {report.SEQUENCE: 2**64}), "malformed"),
    "integer-as-bignum": (bent("report", {report.SEQUENCE: Raw(b"\xc2\x41\x2a")}), "malformed"),
    "float-in-place-of-integer": (bent("report", {report.IAT: 1.795e9}), "malformed"),
    "float-not-a-number": (bent("report", {report.IAT: float("nan")}), "malformed"),
    "undefined": (bent("report", {report.PREVIOUS: cbor2.undefined}), "malformed"),
    "simple-value": (bent("report", {report.PREVIOUS: cbor2.CBORSimpleValue(99)}), "malformed"),
    "tag-date": (bent("report", {report.IAT: cbor2.CBORTag(1, 1_795_000_000)}), "malformed"),
    "tag-date-text": (bent("report", {report.IAT: cbor2.CBORTag(0, "2026-11-18T11:06:40Z")}), "malformed"),
    "tag-regular-expression": (bent("report", {-80000: cbor2.CBORTag(35, "(a+)+$")}), "malformed"),
    "tag-bigfloat": (bent("report", {-80000: cbor2.CBORTag(5, [2**62, 3])}), "malformed"),
    "tag-decimal": (bent("report", {-80000: cbor2.CBORTag(4, [2**62, 3])}), "malformed"),
    "tag-shared-reference": (bent("report", {-80000: Raw(b"\xd8\x1c\x81\xd8\x1d\x00")}), "malformed"),
    "tag-string-reference": (bent("report", {-80000: Raw(b"\xd9\x01\x00\x82\x64text\xd8\x19\x00")}), "malformed"),
    "tag-self-described": (signed(Raw(b"\xd9\xd9\xf7" + dump(PAYLOAD))), "malformed"),
    "tag-embedded-cbor": (bent("report", {-80000: cbor2.CBORTag(24, b"\x00")}), "malformed"),
    "tags-nested": (bent("report", {-80000: Raw(b"\xc1" * 400 + b"\x00")}), "malformed"),
    "text-no-utf8": (bent("report", {report.EAT_PROFILE: Raw(b"\x62\xc3\x28")}), "malformed"),
    "text-with-surrogate": (bent("report", {report.EAT_PROFILE: Raw(b"\x63\xed\xa0\x80")}), "malformed"),
    "text-overlong-utf8": (bent("report", {report.EAT_PROFILE: Raw(b"\x62\xc0\xaf")}), "malformed"),
    "text-of-indefinite-length": (bent("report", {report.EAT_PROFILE: Raw(b"\x7f\x61a\xff")}), "not_deterministic"),
    "map-head-promises-much": (bent("report", {report.SUBMODS: Raw(b"\xbb" + b"\x7f" * 8)}), "malformed"),
    "reserved-head": (bent("report", {report.IAT: Raw(b"\x1c")}), "malformed"),
}

# A refusal, since its limit is the small one.
SIZES: dict[str, tuple[bytes, str]] = {
    "larger-than-an-answer-may-be": (bent("refusal", {-80000: bytes(MAX_ANSWER_BYTES)}), "too_large"),
}
