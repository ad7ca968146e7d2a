"""COSE_Sign1 against the examples of the COSE working group."""

import json
from typing import Any

import pytest

from evidence import cbor, cose
from evidence.errors import EvidenceError, SignatureError
from evidence.keys import PublicKey, SigningKey
from tests.shared import shared

VECTORS = shared("vectors/cose")

REFUSED = {
    "eddsa-sig-01": "algorithm",  # -8 leaves the curve open
    "eddsa-sig-02": "algorithm",  # Ed448
    "sign-fail-01": "malformed",  # tag 998
    "sign-fail-02": "algorithm",
    "sign-fail-03": "algorithm",
    "sign-fail-04": "algorithm",
    "sign-fail-06": "algorithm",
    "sign-fail-07": "algorithm",
    "sign-pass-01": "algorithm",  # algorithm in the unprotected header
    "sign-pass-02": "algorithm",
    "sign-pass-03": "malformed",  # no tag
}


def example(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return loaded


def message(name: str) -> bytes:
    return bytes.fromhex(example(name)["output"]["cbor"])


def parts(name: str) -> tuple[bytes, bytes, bytes]:
    """The protected header, payload and signature of an example."""
    protected, _, payload, signature = cbor.load(message(name)[1:], 1000)
    return protected, payload, signature


def test_every_example_is_in_the_table() -> None:
    """No example can be forgotten by the table of refusals."""
    assert {path.stem for path in VECTORS.glob("*.json")} == set(REFUSED)


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_examples_of_other_algorithms_and_shapes_are_refused(name: str, code: str) -> None:
    """What is valid COSE but not this format is refused with its code."""
    with pytest.raises(EvidenceError) as refused:
        cose.parse(message(name), None)
    assert refused.value.code == code


def test_the_signed_bytes_are_those_of_the_eddsa_example() -> None:
    """Our Sig_structure over the example's parts equals its ToBeSigned."""
    protected, payload, _ = parts("eddsa-sig-01")
    expected = bytes.fromhex(example("eddsa-sig-01")["intermediates"]["ToBeSign_hex"])
    assert cose.sig_structure(protected, payload) == expected


def test_the_signature_of_the_eddsa_example_is_reproduced() -> None:
    """The example's key signs the example's bytes to the example's signature, and its public key verifies it."""
    protected, payload, signature = parts("eddsa-sig-01")
    stated = example("eddsa-sig-01")["input"]["sign0"]["key"]
    key = SigningKey(bytes.fromhex(stated["d_hex"]))
    signed = cose.sig_structure(protected, payload)
    assert key.public == PublicKey(bytes.fromhex(stated["x_hex"]))
    assert key.sign(signed) == signature
    key.public.verify(signed, signature)


def test_the_eddsa_example_is_read_once_it_names_ed25519() -> None:
    """With -19, a key id and no unprotected header the very same content passes; with -8 nothing else was wrong."""
    _, payload, _ = parts("eddsa-sig-01")
    key = SigningKey(bytes.fromhex(example("eddsa-sig-01")["input"]["sign0"]["key"]["d_hex"]))
    data = cose.sign(payload, key, "text/plain")
    assert cose.parse(data, "text/plain").verify(key.public) == payload == b"This is the content."


def test_a_signature_over_another_algorithm_does_not_carry_over() -> None:
    """The example's own signature under a header that says -19 is no signature."""
    _, payload, signature = parts("eddsa-sig-01")
    key = PublicKey(bytes.fromhex(example("eddsa-sig-01")["input"]["sign0"]["key"]["x_hex"]))
    data = cose.envelope(cbor.encode({1: -19, 4: key.id, 16: "text/plain"}), {}, payload, signature)
    with pytest.raises(SignatureError):
        cose.parse(data, "text/plain").verify(key)
