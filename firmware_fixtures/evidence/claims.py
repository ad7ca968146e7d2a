"""Defects of claims: well-formed, signed by the right key, and still not what the format says."""

from evidence import receipt, report, statement, submodule
from evidence.limits import MAX_IDS, MAX_PATH, MAX_RANGES, MAX_TEXT_BYTES
from firmware_fixtures.evidence.forge import (
    GATEWAY,
    INDEX,
    LEAVES,
    LOG,
    OTHER_KEY,
    PATH,
    VALID,
    bent,
    bent_device,
    bent_receipt,
    payload_of,
    signed,
)

SIZE = len(LEAVES)
SUBMODS = payload_of("report")[report.SUBMODS]
FIRST, SECOND = sorted(SUBMODS)


def _swapped() -> dict[str, object]:
    return {FIRST: SUBMODS[SECOND], SECOND: SUBMODS[FIRST]}


REPORTS: dict[str, tuple[bytes, str]] = {
    "iat-missing": (bent("report", {report.IAT: None}), "claim"),
    "iat-negative": (bent("report", {report.IAT: -1}), "claim"),
    "iat-true": (bent("report", {report.IAT: True}), "claim"),
    "iat-as-text": (bent("report", {report.IAT: "2026-11-18"}), "claim"),
    "iat-in-milliseconds-of-a-far-century": (bent("report", {report.IAT: 2**41}), "claim"),
    "ueid-missing": (bent("report", {report.UEID: None}), "claim"),
    "ueid-of-a-mac-address": (bent("report", {report.UEID: bytes.fromhex("0200158d0001e29ff0")}), "claim"),
    "ueid-without-type": (bent("report", {report.UEID: bytes.fromhex(GATEWAY)}), "claim"),
    "ueid-as-text": (bent("report", {report.UEID: GATEWAY}), "claim"),
    "profile-missing": (bent("report", {report.EAT_PROFILE: None}), "claim"),
    "profile-of-a-later-version": (
        bent("report", {report.EAT_PROFILE: "urn:uuid:00000000-0000-4000-8000-000000000002"}),
        "profile",
    ),
    "profile-as-oid": (bent("report", {report.EAT_PROFILE: b"\x2a\x03"}), "claim"),
    "sequence-zero": (bent("report", {report.SEQUENCE: 0}), "claim"),
    "sequence-beyond-json": (bent("report", {report.SEQUENCE: 2**53}), "claim"),
    "previous-cut": (bent("report", {report.PREVIOUS: bytes(31)}), "claim"),
    "inventory-missing": (bent("report", {report.INVENTORY: None}), "claim"),
    "inventory-of-other-devices": (bent("report", {report.INVENTORY: bytes(32)}), "claim"),
    "submods-as-array": (bent("report", {report.SUBMODS: list(SUBMODS.values())}), "claim"),
    "submod-under-another-name": (bent("report", {report.SUBMODS: _swapped()}), "claim"),
    "submod-is-a-nested-token": (bent("report", {report.SUBMODS: {FIRST: VALID["report"]}}), "claim"),
    "submod-under-a-number": (bent("report", {report.SUBMODS: {1: SUBMODS[FIRST]}}), "claim"),
}

DEVICES: dict[str, tuple[bytes, str]] = {
    "result-missing": (bent_device({submodule.RESULT: None}), "claim"),
    "result-unknown": (bent_device({submodule.RESULT: "fine"}), "claim"),
    "result-as-number": (bent_device({submodule.RESULT: 0}), "claim"),
    "reason-without-failure": (bent_device({submodule.RESULT: "ok", submodule.REASON: "no_answer"}), "claim"),
    "failure-without-reason": (bent_device({submodule.RESULT: "unreachable", submodule.REASON: None}), "claim"),
    "read-at-missing": (bent_device({submodule.READ_AT: None}), "claim"),
    "reader-missing": (bent_device({submodule.READER: None}), "claim"),
    "version-as-text": (bent_device({submodule.SWVERSION: "1.0"}), "claim"),
    "version-array-empty": (bent_device({submodule.SWVERSION: []}), "claim"),
    "version-as-number": (bent_device({submodule.SWVERSION: [1]}), "claim"),
    "version-empty": (bent_device({submodule.SWVERSION: [""]}), "claim"),
    "version-too-long": (bent_device({submodule.SWVERSION: ["9" * (MAX_TEXT_BYTES + 1)]}), "claim"),
    "version-with-nul": (bent_device({submodule.SWVERSION: ["1.0\0"]}), "claim"),
    "ids-unsorted": (bent_device({submodule.MODEL_IDS: ["shelly:b", "shelly:a"]}), "claim"),
    "ids-repeated": (bent_device({submodule.MODEL_IDS: ["shelly:a", "shelly:a"]}), "claim"),
    "id-without-namespace": (bent_device({submodule.MODEL_IDS: ["E27"]}), "claim"),
    "ids-too-many": (bent_device({submodule.MODEL_IDS: [f"model:{n:03}" for n in range(MAX_IDS + 1)]}), "claim"),
    "image-digest-short": (bent_device({submodule.IMAGE_DIGEST: bytes(15)}), "claim"),
    "hardware-cut": (bent_device({submodule.HARDWARE: bytes(15)}), "claim"),
    "hardware-revision-negative": (bent_device({submodule.HARDWARE_REVISION: -1}), "claim"),
    "offer-unknown": (bent_device({submodule.OFFER: {1: "maybe"}}), "claim"),
    "offer-as-text": (bent_device({submodule.OFFER: "2.0"}), "claim"),
    "offer-without-result": (bent_device({submodule.OFFER: {2: "2.0"}}), "claim"),
}

STATEMENTS: dict[str, tuple[bytes, str]] = {
    "kind-missing": (bent("statement", {"kind": None}), "claim"),
    "kind-in-capitals": (bent("statement", {"kind": "WINDOW"}), "claim"),
    "asserted-at-missing": (bent("statement", {"asserted_at": None}), "claim"),
    "asserted-at-without-time": (bent("statement", {"asserted_at": "2026-11-18"}), "claim"),
    "asserted-at-that-never-was": (bent("statement", {"asserted_at": "2026-02-30T00:00:00Z"}), "claim"),
    "asserted-at-as-number": (bent("statement", {"asserted_at": 1_795_000_000}), "claim"),
    "id-chosen-by-the-issuer": (bent("statement", {"id": "fact-1"}), "claim"),
    "issuer-chosen-by-the-issuer": (bent("statement", {"issuer": "manufacturer:acme"}), "claim"),
    "recorded-at-chosen-by-the-issuer": (bent("statement", {"recorded_at": "2020-01-01T00:00:00Z"}), "claim"),
    "statement-with-number-keys": (signed({1: "window"}, statement.MESSAGE_TYPE), "malformed"),
    "nested-number-keys": (bent("statement", {"end": {1: 2}}), "claim"),
    "field-of-bytes": (bent("statement", {"digest": bytes(32)}), "claim"),
    "field-that-json-would-round": (bent("statement", {"months": 2**53}), "claim"),
    "field-with-nul": (bent("statement", {"model": "a\0b"}), "claim"),
    "field-too-long": (bent("statement", {"model": "x" * (MAX_TEXT_BYTES + 1)}), "claim"),
}

_CUT, _LONG = list(PATH[:-1]), [*PATH, PATH[0]]
RECEIPTS: dict[str, tuple[bytes, str]] = {
    "size-of-another-tree": (bent_receipt(proof=[SIZE + 2, INDEX, list(PATH)]), "proof"),
    "size-unsigned": (bent_receipt(protected={receipt.CWT_CLAIMS: {1: LOG, 6: 1_795_000_001}}), "claim"),
    "path-cut": (bent_receipt(proof=[SIZE, INDEX, _CUT]), "proof"),
    "path-too-long": (bent_receipt(proof=[SIZE, INDEX, _LONG]), "proof"),
    "path-in-another-order": (bent_receipt(proof=[SIZE, INDEX, list(reversed(PATH))]), "signature"),
    "path-of-65": (bent_receipt(proof=[SIZE, INDEX, [bytes(32)] * (MAX_PATH + 1)]), "claim"),
    "path-of-a-short-hash": (bent_receipt(proof=[SIZE, INDEX, [*_CUT, bytes(31)]]), "claim"),
    "index-outside": (bent_receipt(proof=[SIZE, SIZE, list(PATH)]), "proof"),
    "index-negative": (bent_receipt(proof=[SIZE, -1, list(PATH)]), "claim"),
    "index-of-another-leaf": (bent_receipt(proof=[SIZE, INDEX - 1, list(PATH)]), "signature"),
    "index-true": (bent_receipt(proof=[SIZE, True, list(PATH)]), "claim"),
    "size-zero": (bent_receipt(proof=[0, 0, []]), "claim"),
    "size-true": (bent_receipt(proof=[True, 0, []]), "claim"),
    "size-beyond-json": (bent_receipt(proof=[2**64 - 1, 0, [bytes(32)] * MAX_PATH]), "claim"),
    "proof-of-two": (bent_receipt(proof=[SIZE, INDEX]), "proof"),
    "proof-unwrapped": (bent_receipt(proofs=[[SIZE, INDEX, list(PATH)]]), "claim"),
    "proof-with-trailing-byte": (
        bent_receipt(proofs=[b"\x83\x05\x03\x80\x00"]),
        "not_deterministic",
    ),
    "proofs-missing": (bent_receipt(proofs=[]), "proof"),
    "proofs-are-two": (bent_receipt(proofs=[b"\x83\x05\x03\x80"] * 2), "claim"),
    "proof-missing": (bent_receipt(unprotected={receipt.VDP: None}), "claim"),
    "digest-missing": (bent_receipt(unprotected={receipt.DIGEST: None}), "claim"),
    "digest-of-another": (bent_receipt(unprotected={receipt.DIGEST: LEAVES[0]}), "signature"),
    "key-id-in-both-headers": (bent_receipt(unprotected={4: OTHER_KEY.public.id}), "malformed"),
    "root-carried": (bent_receipt(payload=bytes(32)), "malformed"),
    "tree-of-another-kind": (bent_receipt(protected={receipt.VDS: 2}), "claim"),
    "tree-of-no-kind": (bent_receipt(protected={receipt.VDS: None}), "claim"),
    "log-is-no-id": (bent_receipt(protected={receipt.CWT_CLAIMS: {1: "https://log.example", 6: 1}}), "claim"),
    "log-missing": (bent_receipt(protected={receipt.CWT_CLAIMS: None}), "claim"),
    "type-given": (bent_receipt(protected={16: "application/eat+cwt"}), "profile"),
    "report-in-place-of-receipt": (VALID["report-unchanged"], "profile"),
}

REFUSALS: dict[str, tuple[bytes, str]] = {
    "last-sequence-negative": (bent("refusal", {receipt.LAST_SEQUENCE: -1}), "claim"),
    "digest-as-hex": (bent("refusal", {receipt.DIGEST: "00" * 32}), "claim"),
    "reason-missing": (bent("refusal", {receipt.REASON: None}), "claim"),
    "log-in-capitals": (bent("refusal", {receipt.ISS: LOG.upper()}), "claim"),
}

REQUESTS: dict[str, tuple[bytes, str]] = {
    "whole-as-number": (bent("request", {receipt.WHOLE: 1}), "claim"),
    "whole-missing": (bent("request", {receipt.WHOLE: None}), "claim"),
    "range-backwards": (bent("request", {receipt.MISSING: [[9, 7]]}), "claim"),
    "range-from-zero": (bent("request", {receipt.MISSING: [[0, 7]]}), "claim"),
    "range-of-three": (bent("request", {receipt.MISSING: [[1, 2, 3]]}), "claim"),
    "ranges-too-many": (bent("request", {receipt.MISSING: [[1, 2]] * (MAX_RANGES + 1)}), "claim"),
}

ENROLMENTS: dict[str, tuple[bytes, str]] = {
    "key-of-somebody-else": (bent("enrolment", {"key": OTHER_KEY.public.data.hex()}), "claim"),
    "key-in-capitals": (bent("enrolment", {"key": payload_of("enrolment")["key"].upper()}), "claim"),
    "gateway-missing": (bent("enrolment", {"gateway": None}), "claim"),
    "proof-short": (bent("enrolment", {"proof": "00" * 31}), "claim"),
    "statement-in-place-of-enrolment": (VALID["statement"], "claim"),
}
