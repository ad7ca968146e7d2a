"""A head, and that it continues an earlier one, can be checked by whoever has the log's key; nothing else passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import merkle
from evidence.checkpoint import (
    encode_checkpoint,
    encode_consistency,
    open_checkpoint,
    open_consistency,
)
from evidence.errors import EvidenceError, ProofError, SignatureError
from evidence.keys import SigningKey
from evidence.receipt import Earlier, TreeHead, encode_receipt, open_receipt, sign_head
from tests.evidence.strategies import KEY, path_of, root_of

LOG = "5" * 32
ENTRIES = [bytes([number]) * 32 for number in range(40)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def consistency_path(size1: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """The path by the definition of RFC 9162 section 2.1.4.1."""
    if size1 == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if size1 <= split:
        return [*consistency_path(size1, leaves[:split], whole=whole), root_of(leaves[split:])]
    return [*consistency_path(size1 - split, leaves[split:], whole=False), root_of(leaves[:split])]


def head_of(size: int, leaves: list[bytes] = LEAVES) -> TreeHead:
    return sign_head(log=LOG, size=size, root=root_of(leaves[:size]), signed_at=7, key=KEY)


def earlier_of(size1: int, size2: int) -> Earlier:
    path = tuple(consistency_path(size1, LEAVES[:size2]))
    return Earlier(size=size1, root=root_of(LEAVES[:size1]), path=path)


sizes = st.integers(1, len(LEAVES)).flatmap(lambda size2: st.tuples(st.integers(1, size2), st.just(size2)))


@given(sizes)
def test_a_checkpoint_and_a_receipt_of_consistency_say_what_was_signed(sizes: tuple[int, int]) -> None:
    """Log, size, root and time, and which tree came before."""
    size1, size2 = sizes
    checkpoint = open_checkpoint(encode_checkpoint(head_of(size2)), KEY.public)
    assert (checkpoint.log, checkpoint.size, checkpoint.root, checkpoint.signed_at) == (
        LOG,
        size2,
        root_of(LEAVES[:size2]),
        7,
    )
    shown = open_consistency(encode_consistency(head_of(size2), earlier_of(size1, size2)), KEY.public)
    assert (shown.size, shown.root) == (checkpoint.size, checkpoint.root)
    assert shown.earlier == Earlier(size=size1, root=root_of(LEAVES[:size1]))


@given(sizes, st.integers(1, len(LEAVES)))
def test_no_proof_passes_for_another_earlier_tree(sizes: tuple[int, int], other: int) -> None:
    """Neither for another size with the same path, nor for another root: nobody on the way can make up a fork."""
    size1, size2 = sizes
    good = earlier_of(size1, size2)
    wrong = [Earlier(size=size1, root=bytes(32), path=good.path)]
    wrong += [Earlier(size=other, root=good.root, path=good.path)] if other != size1 else []
    for earlier in wrong:
        with pytest.raises(EvidenceError):
            open_consistency(encode_consistency(head_of(size2), earlier), KEY.public)
        receipt = encode_receipt(head_of(size2), ENTRIES[0], 0, path_of(0, LEAVES[:size2]), earlier)
        with pytest.raises(EvidenceError):
            open_receipt(receipt, KEY.public)


@given(sizes)
def test_a_receipt_may_show_that_its_tree_continues_an_earlier_one(sizes: tuple[int, int]) -> None:
    """Under the one signature that it has."""
    size1, size2 = sizes
    head = head_of(size2)
    data = encode_receipt(head, ENTRIES[0], 0, path_of(0, LEAVES[:size2]), earlier_of(size1, size2))
    assert open_receipt(data, KEY.public).earlier == Earlier(size=size1, root=root_of(LEAVES[:size1]))
    assert open_receipt(encode_receipt(head, ENTRIES[0], 0, path_of(0, LEAVES[:size2])), KEY.public).earlier is None


def test_a_head_of_another_key_is_refused() -> None:
    """Whatever it says."""
    with pytest.raises(SignatureError):
        open_checkpoint(encode_checkpoint(head_of(3)), SigningKey(b"x" * 32).public)


def test_a_proof_for_another_tree_than_the_signed_one_is_refused() -> None:
    """It must lead to the size that is signed."""
    with pytest.raises(ProofError):
        open_receipt(
            encode_receipt(head_of(5), ENTRIES[0], 0, path_of(0, LEAVES[:5]), Earlier(size=5, root=bytes(32), path=())),
            KEY.public,
        )
    with pytest.raises(EvidenceError):
        open_consistency(encode_receipt(head_of(5), ENTRIES[0], 0, path_of(0, LEAVES[:5])), KEY.public)
