"""The tree grows as RFC 9162 says, and its paths lead where the verifier in evidence/ expects them to."""

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.transparency import tree
from evidence.merkle import EMPTY_ROOT, check_consistency, leaf_hash, node_hash, root_from_inclusion
from tests.shared import shared

# The leaf inputs over which most happy paths are made: those of the reference tests of Certificate Transparency.
REFERENCE = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]


def leaves(number: int) -> list[bytes]:
    return [leaf_hash(index.to_bytes(4)) for index in range(number)]


def by_definition(hashes: list[bytes]) -> bytes:
    """MTH of section 2.1.1, as it stands there."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return node_hash(by_definition(hashes[:k]), by_definition(hashes[k:]))


def grown(hashes: list[bytes], steps: list[int]) -> dict[tree.Node, bytes]:
    """The nodes of a tree that was appended to in steps, each knowing no more than the edge it left."""
    nodes: dict[tree.Node, bytes] = {}
    for start, end in itertools.pairwise(sorted({0, len(hashes), *(step % (len(hashes) + 1) for step in steps)})):
        nodes |= tree.grow(start, hashes[start:end], {node: nodes[node] for node in tree.root(start)})
    return nodes


@given(st.integers(0, 300), st.lists(st.integers(0, 300), max_size=5))
def test_the_root_is_that_of_the_definition_however_the_leaves_came(number: int, steps: list[int]) -> None:
    """Appending in batches gives the tree that the definition gives for all leaves at once."""
    nodes = grown(leaves(number), steps)
    assert tree.fold(tree.root(number), nodes) == by_definition(leaves(number))


@given(st.integers(1, 300), st.data())
def test_every_inclusion_path_leads_to_the_root(size: int, data: st.DataObject) -> None:
    """What is planned and resolved for a leaf is what the verifier needs."""
    index = data.draw(st.integers(0, size - 1))
    path = tree.resolve(tree.inclusion(index, size), grown(leaves(size), []))
    assert root_from_inclusion(leaves(size)[index], index, size, path) == by_definition(leaves(size))


@given(st.integers(1, 300), st.data())
def test_every_consistency_path_leads_from_one_root_to_the_other(size2: int, data: st.DataObject) -> None:
    """What is planned and resolved for two sizes is what the verifier needs."""
    size1 = data.draw(st.integers(1, size2))
    path = tree.resolve(tree.consistency(size1, size2), grown(leaves(size2), []))
    check_consistency(size1, by_definition(leaves(size1)), size2, by_definition(leaves(size2)), path)


@given(st.integers(1, 300), st.integers(1, 50), st.data())
def test_the_paths_of_a_batch_need_the_old_edge_and_the_new_nodes_only(
    before: int, more: int, data: st.DataObject
) -> None:
    """A batch can give its receipts without asking the store for anything but the edge it appended to."""
    size = before + more
    old = grown(leaves(before), [])
    edge = {node: old[node] for node in tree.root(before)}
    known = {**edge, **tree.grow(before, leaves(size)[before:], edge)}
    index = data.draw(st.integers(before, size - 1))
    path = tree.resolve(tree.inclusion(index, size), known)
    assert root_from_inclusion(leaves(size)[index], index, size, path) == by_definition(leaves(size))


@pytest.mark.parametrize(("size1", "size2"), [(0, 3), (4, 3)])
def test_no_path_leads_from_nothing_or_backwards(size1: int, size2: int) -> None:
    """A consistency path needs a first tree that is a prefix."""
    with pytest.raises(ValueError, match="no path"):
        tree.consistency(size1, size2)


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_path(index: int, size: int) -> None:
    """An inclusion path needs a leaf."""
    with pytest.raises(ValueError, match="not in a tree"):
        tree.inclusion(index, size)


def happy(file: str) -> list[Any]:
    """The vectors that hold, of trees over the reference leaves."""
    return [case for case in json.loads(shared(f"vectors/merkle/{file}").read_text()) if not case["wantErr"]]


def test_the_paths_are_those_of_the_official_vectors() -> None:
    """Byte for byte, over the eight reference leaves."""
    hashes = [leaf_hash(entry) for entry in REFERENCE]
    nodes = grown(hashes, [])
    compared = 0
    for case in happy("inclusion.json"):
        if case["treeSize"] <= len(hashes) and base64.b64decode(case["root"]) == by_definition(
            hashes[: case["treeSize"]]
        ):
            wanted = [base64.b64decode(item) for item in case["proof"] or []]
            assert tree.resolve(tree.inclusion(case["leafIdx"], case["treeSize"]), nodes) == wanted
            compared += 1
    for case in happy("consistency.json"):
        if case["size2"] <= len(hashes) and base64.b64decode(case["root2"]) == by_definition(hashes[: case["size2"]]):
            wanted = [base64.b64decode(item) for item in case["proof"] or []]
            assert tree.resolve(tree.consistency(case["size1"], case["size2"]), nodes) == wanted
            compared += 1
    assert compared == 10
