"""Diagnostic notation (RFC 8949 section 8, RFC 8610 appendix G): messages as people read them.

Signed bytes that are CBOR themselves (protected header, payload, Merkle proof) are shown as `<< … >>`, keys with their
names as comments. Nothing is left out and nothing is believed: the text stands for exactly the bytes that were given,
whoever signed them, and no signature is checked.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence import cbor, cose, receipt, report, submodule
from evidence.errors import EvidenceError, MalformedError
from evidence.limits import MAX_MESSAGE_BYTES

LINE_WIDTH = 100  # characters; a longer array or map takes a line per item
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of integer keys at one place in a message.

    Attributes:
        names: Key to name.
        inside: What the values of some keys are written in, where that differs.
        embeds: Whether byte strings here are encoded CBOR.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    inside: Mapping[int, "Vocabulary"] = field(default_factory=dict)
    embeds: bool = False


OFFER = Vocabulary({1: "result", 2: "version"})
CLAIMS = Vocabulary(
    {
        receipt.ISS: "iss",
        report.IAT: "iat",
        report.UEID: "ueid",
        report.EAT_PROFILE: "eat_profile",
        report.SUBMODS: "submods",
        submodule.SWVERSION: "swversion",
        report.SEQUENCE: "sequence",
        report.PREVIOUS: "previous",
        report.INVENTORY: "inventory",
        report.HEAD: "head",
        submodule.RESULT: "result",
        submodule.REASON: "reason",
        submodule.VERSION_ALT: "version_alt",
        submodule.SCHEME: "scheme",
        submodule.IMAGE_DIGEST: "image_digest",
        submodule.MODEL_IDS: "ids",
        submodule.HARDWARE: "hardware",
        submodule.HARDWARE_REVISION: "hardware_revision",
        submodule.OFFER: "offer",
        submodule.READ_AT: "read_at",
        submodule.READER: "reader",
        receipt.DIGEST: "digest",
        receipt.REASON: "reason",
        receipt.LAST_SEQUENCE: "last_sequence",
        receipt.TREE_SIZE: "tree_size",
        receipt.EARLIER_ROOT: "earlier_root",
        receipt.WHOLE: "whole",
        receipt.MISSING: "missing",
    },
    {submodule.OFFER: OFFER},
)
PROOFS = Vocabulary({receipt.INCLUSION: "inclusion", receipt.CONSISTENCY: "consistency"}, embeds=True)
HEADER = Vocabulary(
    {
        cose.ALGORITHM: "alg",
        cose.CRITICAL: "crit",
        cose.KEY_ID: "kid",
        receipt.CWT_CLAIMS: "cwt_claims",
        cose.TYPE: "typ",
        receipt.VDS: "vds",
        receipt.VDP: "vdp",
        receipt.DIGEST: "digest",
        receipt.EARLIER_ROOT: "earlier_root",
    },
    {receipt.CWT_CLAIMS: CLAIMS, receipt.VDP: PROOFS},
)


def diagnose(data: bytes) -> str:
    """One message, or one plain value, in diagnostic notation.

    Raises:
        EvidenceError: The bytes are no CBOR of this format, so there is nothing to show but the bytes.
    """
    if data[:1] != bytes([cose.SIGN1_TAG]):
        return _value(cbor.decode(data, MAX_MESSAGE_BYTES), CLAIMS, "")
    match cbor.decode(data[1:], MAX_MESSAGE_BYTES):
        case [protected, unprotected, payload, signature]:
            parts = [
                _embedded(protected, HEADER, _INDENT),
                _value(unprotected, HEADER, _INDENT),
                _embedded(payload, CLAIMS, _INDENT),
                _value(signature, CLAIMS, _INDENT),
            ]
            return _block("18([", parts, "])", "")
        case other:
            return f"18({_value(other, CLAIMS, '')})"


def named(data: bytes) -> dict[str, Any]:
    """One message as names and values that JSON can hold: byte strings in hex, keys by name where there is one.

    Raises:
        EvidenceError: No CBOR of this format, or no COSE_Sign1.
    """
    match cbor.decode(data[1:], MAX_MESSAGE_BYTES) if data[:1] == bytes([cose.SIGN1_TAG]) else None:
        case [protected, unprotected, payload, signature]:
            return {
                "protected": _plain(_unwrapped(protected), HEADER),
                "unprotected": _plain(unprotected, HEADER),
                "payload": _plain(_unwrapped(payload), CLAIMS),
                "signature": _plain(signature, CLAIMS),
            }
        case _:
            raise MalformedError("no COSE_Sign1")


def _value(value: object, words: Vocabulary, indent: str) -> str:
    match value:
        case dict():
            return _container("{", list(_entries(value, words, indent + _INDENT)), "}", indent)
        case list():
            return _container("[", [_value(item, words, indent + _INDENT) for item in value], "]", indent)
        case bytes():
            return _embedded(value, words, indent) if words.embeds else f"h'{value.hex()}'"
        case str():
            # Only what a terminal shows as itself is left as it is.
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case _:
            return json.dumps(value)


def _entries(value: Mapping[int | str, object], words: Vocabulary, indent: str) -> Iterator[str]:
    for key, item in value.items():
        inside = words.inside.get(key, words) if isinstance(key, int) else words
        name = f"/ {words.names[key]} / " if isinstance(key, int) and key in words.names else ""
        yield f"{name}{_value(key, words, indent)}: {_value(item, inside, indent)}"


def _embedded(value: object, words: Vocabulary, indent: str) -> str:
    inner = _unwrapped(value)
    if isinstance(inner, bytes):
        return f"h'{inner.hex()}'"
    shown = _value(inner, words, indent)
    return shown if inner is value else f"<<{shown}>>"


def _unwrapped(value: object) -> object:
    """What a byte string embeds, else the value itself."""
    try:
        inner = cbor.decode(value, MAX_MESSAGE_BYTES) if isinstance(value, bytes) else value
    except EvidenceError:
        return value
    # A lone number or text may be CBOR by chance; what this format embeds are maps and arrays.
    return inner if isinstance(inner, (dict, list)) else value


def _plain(value: object, words: Vocabulary) -> Any:
    match value:
        case dict():
            return {
                words.names.get(key, str(key)): _plain(item, words.inside.get(key, words))
                for key, item in value.items()
            }
        case list():
            return [_plain(_unwrapped(item) if words.embeds else item, words) for item in value]
        case bytes():
            return value.hex()
        case _:
            return value


def _container(opening: str, items: list[str], closing: str, indent: str) -> str:
    line = opening + ", ".join(items) + closing
    if len(line) + len(indent) <= LINE_WIDTH and "\n" not in line:
        return line
    return _block(opening, items, closing, indent)


def _block(opening: str, items: list[str], closing: str, indent: str) -> str:
    body = ",\n".join(f"{indent}{_INDENT}{item}" for item in items)
    return f"{opening}\n{body}\n{indent}{closing}"
