"""CBOR diagnostic notation (RFC 8949 section 8) of what leaves the house, for people who want to see every byte.

Byte strings are in hex; the protected header and the payload of an envelope, which are byte strings that hold CBOR, are
shown decoded, `<< … >>` (RFC 8610 appendix G). Claim keys are explained in comments, `/ … /`.
"""

import json
from typing import Any

from evidence import cbor, cose, report
from evidence.limits import MAX_MESSAGE_BYTES

_INDENT = "  "
_HEADERS = {cose.ALGORITHM: "algorithm", cose.KEY_ID: "key id", cose.TYPE: "type"}
_CLAIMS = {
    report.IAT: "signed at",
    report.UEID: "id",
    report.EAT_PROFILE: "profile",
    report.SUBMODS: "devices",
    report.SWVERSION: "version",
    report.SEQUENCE: "number of the report",
    report.PREVIOUS: "digest of the one before",
    report.INVENTORY: "digest of all devices",
    report.RESULT: "result",
    report.REASON: "reason",
    report.VERSION_ALT: "second version",
    report.SCHEME: "versions compare as",
    report.IMAGE_DIGEST: "digest of the image",
    report.MODEL_IDS: "model ids",
    report.HARDWARE: "hardware, hashed",
    report.HARDWARE_REVISION: "hardware revision",
    report.OFFER: "update on offer",
    report.READ_AT: "read at",
    report.READER: "read by",
}


def diagnostic(evidence: bytes) -> str:
    """A signed message in diagnostic notation.

    Raises:
        EvidenceError: It is none.
    """
    envelope = cose.parse(evidence, _type(evidence))
    parts = [
        f"<<{_show(envelope.header, _HEADERS, 1)}>>",
        _show(envelope.unprotected, {}, 1),
        f"<<{_show(cbor.decode(envelope.unverified_payload or b'', MAX_MESSAGE_BYTES), _CLAIMS, 1)}>>",
        _show(envelope.signature, {}, 1),
    ]
    return "18([\n" + ",\n".join(_INDENT + part for part in parts) + "\n])"


def _type(evidence: bytes) -> str | None:
    """The type that a message says it has: what is shown here is our own, whatever its kind."""
    match cbor.decode(evidence[1:], MAX_MESSAGE_BYTES):
        case [bytes(protected), *_]:
            header = cbor.decode(protected, MAX_MESSAGE_BYTES)
            return header.get(cose.TYPE) if isinstance(header, dict) else None
    return None


def _show(value: Any, names: dict[int, str], depth: int) -> str:
    match value:
        case dict():
            items = [f"{_key(key, names)}: {_show(item, names, depth + 1)}" for key, item in value.items()]
            return _block("{", items, "}", depth)
        case list() | tuple():
            shown = [_show(item, names, depth + 1) for item in value]
            short = "[" + ", ".join(shown) + "]"
            return short if len(short) < 80 and "\n" not in short else _block("[", shown, "]", depth)
        case bytes():
            return f"h'{value.hex()}'"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case None | bool():
            return json.dumps(value)
        case _:
            return str(value)


def _key(key: int | str, names: dict[int, str]) -> str:
    if isinstance(key, str):
        return json.dumps(key, ensure_ascii=False)
    return f"/ {names[key]} / {key}" if key in names else str(key)


def _block(opening: str, items: list[str], closing: str, depth: int) -> str:
    if not items:
        return opening + closing
    inner = ",\n".join(_INDENT * (depth + 1) + item for item in items)
    return f"{opening}\n{inner}\n{_INDENT * depth}{closing}"
