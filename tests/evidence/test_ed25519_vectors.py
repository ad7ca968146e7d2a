"""Ed25519 verification against Wycheproof: malleable, cut, overlong and small-order signatures among them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evidence.errors import EvidenceError, MalformedError, SignatureError
from evidence.keys import PublicKey, SigningKey
from tests.shared import shared

VECTORS = json.loads((shared("vectors/ed25519") / "wycheproof_ed25519_test.json").read_text())


def cases() -> Iterator[Any]:
    for group in VECTORS["testGroups"]:
        for case in group["tests"]:
            words = f"{case['result']}: {case['comment'] or ', '.join(case['flags'])} ({case['tcId']})"
            yield pytest.param(group["publicKey"]["pk"], case, id=words)


def verifies(public: str, case: dict[str, str]) -> bool:
    try:
        PublicKey(bytes.fromhex(public)).verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    except EvidenceError:
        return False
    return True


@pytest.mark.parametrize(("public", "case"), list(cases()))
def test_wycheproof(public: str, case: dict[str, str]) -> None:
    """The verifier says what Wycheproof says, and refuses only with an EvidenceError."""
    assert verifies(public, case) == (case["result"] == "valid")


def test_wycheproof_is_whole() -> None:
    """All 151 cases ran, and both answers occur among them."""
    results = [parameters.values[1]["result"] for parameters in cases()]
    assert len(results) == VECTORS["numberOfTests"] == 151
    assert results.count("valid") == 88


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_key_of_the_wrong_length_is_malformed(size: int) -> None:
    """Keys of other lengths never reach the library."""
    with pytest.raises(MalformedError):
        PublicKey(bytes(size))
    with pytest.raises(MalformedError):
        SigningKey(bytes(size))


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 128])
def test_a_signature_of_the_wrong_length_is_no_signature(size: int) -> None:
    """Signatures of other lengths never reach the library, whose own format joins signature and message."""
    key = SigningKey(bytes(32))
    joined = key.sign(b"message") + b"message"
    with pytest.raises(SignatureError):
        key.public.verify(joined[size:], joined[:size])


@pytest.mark.parametrize("point", ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f"])
def test_a_key_of_small_order_verifies_nothing(point: str) -> None:
    """A key that would verify many messages with one signature is refused like a wrong signature."""
    with pytest.raises(SignatureError):
        PublicKey(bytes.fromhex(point)).verify(b"anything", bytes.fromhex(point) + bytes(32))


def test_a_private_key_is_not_shown() -> None:
    """The repr of a private key names it and keeps its seed."""
    key = SigningKey(bytes(range(32)))
    assert key.public.id.hex() in repr(key)
    assert key.seed.hex() not in repr(key)
