"""The Merkle tree of RFC 9162 section 2.1: leaf and node hashes, and checking inclusion and consistency proofs.

The entry of a leaf is the SHA-256 digest of the whole signed bytes that were accepted, so that a leaf outlives an
erased body. Building trees and proofs is the collector's; checking them is everybody's.
"""

import hashlib
from collections.abc import Sequence

from evidence.errors import ProofError
from evidence.limits import MAX_PATH

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (section 2.1.3.2).

    Args:
        leaf: Leaf hash.
        index: Which leaf, from 0.
        size: Leaves in the tree.
        path: Sibling hashes from the leaf upwards.

    Raises:
        ProofError: The proof has not the form that this index and size need.
    """
    _check_hashes([leaf, *path])
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    node, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("the path is longer than the tree is high")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("the path is shorter than the tree is high")
    return result


def check_consistency(size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of `size1` is a prefix of the tree of `size2` (section 2.1.4.2).

    Raises:
        ProofError: It is not shown to be. Nothing is consistent with the empty tree but the empty tree itself.
    """
    _check_hashes([root2])
    if root_from_consistency(size1, root1, size2, path) != root2:
        raise ProofError("the path does not lead from the first root to the second")


def root_from_consistency(size1: int, root1: bytes, size2: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of `size2` that a consistency proof leads to from the tree of `size1`.

    Raises:
        ProofError: It is no proof for these sizes and this first root.
    """
    _check_hashes([root1, *path])
    if not 0 <= size1 <= size2:
        raise ProofError(f"a tree cannot shrink from {size1} to {size2} leaves")
    if size1 == size2:
        if path:
            raise ProofError("two heads of one size need no path")
        return root1
    if size1 == 0 or not path:
        raise ProofError("a path is needed, and a first tree that is not empty")
    power_of_two = size1 & (size1 - 1) == 0
    first, second = _roots_from_consistency(size1, size2, [root1, *path] if power_of_two else path)
    if first != root1:
        raise ProofError("the path does not begin at the first root")
    return second


def _roots_from_consistency(size1: int, size2: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the path is longer than the tree is high")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("the path is shorter than the tree is high")
    return first, second


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PATH + 3 or any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError(f"at most {MAX_PATH} hashes of {HASH_BYTES} bytes each")
