"""Merkle proofs against the vectors of transparency-dev and the COSE receipts of the IETF draft."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from evidence import cbor, cose, merkle
from evidence.errors import AlgorithmError, EvidenceError, ProofError
from evidence.receipt import CWT_CLAIMS, INCLUSION, ISS, RFC9162_SHA256, VDP, VDS
from tests.shared import shared

VECTORS = shared("vectors/merkle")
RECEIPTS = shared("vectors/receipts")
CONSISTENCY = -2

# One case of 196 is decided otherwise here: a root is always 32 bytes, even where nothing would be computed from it.
STRICTER = {"consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"}


def cases(kind: str) -> Iterator[Any]:
    for case in json.loads((VECTORS / f"{kind}.json").read_text()):
        yield pytest.param(case, id=f"{case['desc']} ({case['_file']})")


def octets(field: str | None) -> bytes:
    return b64decode(field or "")


def path(case: dict[str, Any]) -> list[bytes]:
    return [octets(sibling) for sibling in case["proof"] or []]


def is_included(case: dict[str, Any]) -> bool:
    try:
        root = merkle.root_from_inclusion(octets(case["leafHash"]), case["leafIdx"], case["treeSize"], path(case))
    except ProofError:
        return False
    return root == octets(case["root"])


def is_consistent(case: dict[str, Any]) -> bool:
    try:
        merkle.check_consistency(case["size1"], octets(case["root1"]), case["size2"], octets(case["root2"]), path(case))
    except ProofError:
        return False
    return True


@pytest.mark.parametrize("case", list(cases("inclusion")))
def test_inclusion(case: dict[str, Any]) -> None:
    """A proof of inclusion leads to the stated root exactly where it should."""
    assert is_included(case) != case["wantErr"]


@pytest.mark.parametrize("case", list(cases("consistency")))
def test_consistency(case: dict[str, Any]) -> None:
    """A proof of consistency passes exactly where it should, or where this reader is stricter."""
    assert is_consistent(case) == (not case["wantErr"] and case["_file"] not in STRICTER)


def test_the_merkle_vectors_are_whole() -> None:
    """All 196 vectors ran, both answers occur, and the stricter case is among them."""
    for kind, count in (("inclusion", 98), ("consistency", 98)):
        found = [parameters.values[0] for parameters in cases(kind)]
        assert len(found) == count
        assert {case["wantErr"] for case in found} == {True, False}
    assert {parameters.values[0]["_file"] for parameters in cases("consistency")} > STRICTER


def test_nothing_but_itself_is_consistent_with_the_empty_tree() -> None:
    """Size 0: equal empty trees pass without a path; growing out of nothing is not shown by any."""
    empty, other = merkle.EMPTY_ROOT, merkle.leaf_hash(b"entry")
    merkle.check_consistency(0, empty, 0, empty, [])
    for size2, path_ in ((1, []), (1, [other]), (8, [other] * 3)):
        with pytest.raises(ProofError):
            merkle.check_consistency(0, empty, size2, other, path_)


def test_a_consistency_path_that_is_too_long_is_refused() -> None:
    """Hashes beyond the root prove nothing."""
    hashes = [merkle.leaf_hash(bytes([number])) for number in range(4)]
    with pytest.raises(ProofError):
        merkle.check_consistency(1, hashes[0], 2, merkle.node_hash(*hashes[:2]), hashes[1:])


def receipt(kind: str) -> tuple[dict[Any, Any], dict[Any, Any], list[Any]]:
    """The protected header, unprotected header and decoded proof of a receipt of the draft."""
    protected, unprotected, payload, _ = cbor.load((RECEIPTS / f"{kind}-receipt.cbor").read_bytes()[1:], 1000)
    assert payload is None
    (proofs,) = unprotected[VDP].values()
    (proof,) = proofs
    return cbor.load(protected, 1000), unprotected, cbor.decode(proof, 1000)


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_receipts_of_other_algorithms_are_refused(kind: str) -> None:
    """The draft's receipts are signed with ES256, and that is what is said of them."""
    with pytest.raises(AlgorithmError):
        cose.parse((RECEIPTS / f"{kind}-receipt.cbor").read_bytes(), None)


@pytest.mark.parametrize(("kind", "label"), [("inclusion", INCLUSION), ("consistency", CONSISTENCY)])
def test_receipts_have_the_structure_of_ours(kind: str, label: int) -> None:
    """Labels, issuer and proofs of the draft's receipts stand where ours stand."""
    header, unprotected, _ = receipt(kind)
    assert header[VDS] == RFC9162_SHA256
    assert header[CWT_CLAIMS][ISS] == "https://transparency-service.example.com"
    assert list(unprotected[VDP]) == [label]


def test_the_proofs_of_both_receipts_lead_to_one_root() -> None:
    """The draft's two receipts speak of one tree: leaf 3 of 5 is included in the root that 3 leaves grew into."""
    size, index, inclusion = receipt("inclusion")[2]
    size1, size2, consistency = receipt("consistency")[2]
    leaf2, leaf3, leaves01, leaf4 = consistency
    root1 = merkle.node_hash(leaves01, leaf2)
    root2 = merkle.root_from_inclusion(leaf3, index, size, inclusion)
    assert (size1, size2, size, index) == (3, 5, 5, 3)
    assert inclusion == [leaf2, leaves01, leaf4]
    merkle.check_consistency(size1, root1, size2, root2, consistency)
    with pytest.raises(EvidenceError):
        merkle.check_consistency(size1, root1, size2, root2, consistency[::-1])
