"""CBOR against appendix A of RFC 7049 (the same values as RFC 8949, but for simple value 24)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evidence import cbor
from evidence.errors import EvidenceError
from tests.shared import shared

VECTORS = json.loads((shared("vectors/cbor") / "appendix_a.json").read_text())

# What becomes of each vector, by what it is: how many there are, and the code that refuses them (None: round-trips).
EXPECTED: dict[str, tuple[int, str | None]] = {
    "integer": (16, None),
    "bignum tag": (2, "malformed"),
    "float": (22, "malformed"),
    "boolean or null": (3, None),
    "undefined or simple value": (4, "malformed"),
    "other tag": (6, "malformed"),
    "byte string": (2, None),
    "text string": (7, None),
    "array": (5, None),
    "map": (4, None),
    "indefinite length": (11, "not_deterministic"),
}


_MAJOR = ("integer", "integer", "byte string", "text string", "array", "map", "other tag")
_MAJOR_7 = dict.fromkeys((20, 21, 22), "boolean or null") | dict.fromkeys((25, 26, 27), "float")


def category(vector: dict[str, Any]) -> str:
    """What a vector is, from its first byte (RFC 8949 section 3) and whether it is in its preferred form."""
    first = bytes.fromhex(vector["hex"])[0]
    major, info = first >> 5, first & 31
    if major == 7:
        return _MAJOR_7.get(info, "undefined or simple value")
    if major == 6 and info in (2, 3):
        return "bignum tag"
    return _MAJOR[major] if vector["roundtrip"] else "indefinite length"


def cases() -> Iterator[Any]:
    for vector in VECTORS:
        data = bytes.fromhex(vector["hex"])
        kind = category(vector)
        yield pytest.param(data, vector, EXPECTED[kind][1], id=f"{kind} {vector['hex'][:40]}")


@pytest.mark.parametrize(("data", "vector", "code"), list(cases()))
def test_appendix_a(data: bytes, vector: dict[str, Any], code: str | None) -> None:
    """Each vector gives the stated value and its own bytes again, or is refused with its code."""
    if code is None:
        value = cbor.decode(data, len(data))
        assert cbor.encode(value) == data
        if "decoded" in vector:
            assert value == vector["decoded"]
    else:
        with pytest.raises(EvidenceError) as refused:
            cbor.decode(data, len(data))
        assert refused.value.code == code


def test_appendix_a_is_whole() -> None:
    """The table of expectations counts every vector there is."""
    kinds = [category(vector) for vector in VECTORS]
    assert {kind: kinds.count(kind) for kind in EXPECTED} == {kind: count for kind, (count, _) in EXPECTED.items()}
    assert len(kinds) == 82
