"""The Merkle tree of RFC 9162 section 2.1 as a set of complete subtrees. Pure: it says which hashes it needs.

A node is (level, index): the subtree over the `1 << level` leaves from `index << level` on; level 0 are the leaves. It
is stored once, when its last leaf has come, and never changes. Whatever else is needed, a root or a sibling at the
ragged right edge, is a fold of stored nodes: its `Parts`, from left to right. Paths are planned as parts first, so that
the store is asked once for all of them, and then resolved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evidence.merkle import EMPTY_ROOT, node_hash

Node = tuple[int, int]
Parts = tuple[Node, ...]
Hashes = Mapping[Node, bytes]


def subtree(level: int, index: int, size: int) -> Parts:
    """What makes up the subtree at a place in a tree of `size` leaves; nothing where it begins beyond them."""
    parts: list[Node] = []
    while index << level < size:
        if (index + 1) << level <= size:
            return (*parts, (level, index))
        # Cut by the edge: its left half, where that is complete, and then what there is of the right one.
        level, index = level - 1, index << 1
        if (index + 1) << level <= size:
            parts.append((level, index))
            index += 1
    return tuple(parts)


def root(size: int) -> Parts:
    """What makes up the root of a tree of `size` leaves: also all that appending to it needs to know."""
    return subtree(size.bit_length(), 0, size)


def inclusion(index: int, size: int) -> tuple[Parts, ...]:
    """The inclusion path of a leaf (section 2.1.3.1): its siblings from the leaf upwards.

    Raises:
        ValueError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return tuple(_siblings((0, index), size))


def consistency(size1: int, size2: int) -> tuple[Parts, ...]:
    """The path that shows that the tree of `size1` is a prefix of that of `size2` (section 2.1.4.1).

    Raises:
        ValueError: The first tree is empty or larger than the second.
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"no path leads from a tree of {size1} to one of {size2}")
    if size1 == size2:
        return ()
    level = (size1 & -size1).bit_length() - 1
    last = (level, (size1 >> level) - 1)
    siblings = tuple(_siblings(last, size2))
    # Where the first tree is one complete subtree, the verifier holds its hash already: it is the first root.
    return siblings if last == (level, 0) else ((last,), *siblings)


def grow(size: int, leaves: Sequence[bytes], edge: Hashes) -> dict[Node, bytes]:
    """Append leaf hashes.

    Args:
        size: Leaves before.
        leaves: Hashes of the new ones.
        edge: The nodes of `root(size)`.

    Returns:
        Every node that is complete now and was not before, level 0 included.
    """
    new: dict[Node, bytes] = {}
    for place, leaf in enumerate(leaves, size):
        level, index, result = 0, place, leaf
        new[level, index] = result
        while index & 1:
            left = (level, index - 1)
            result = node_hash(new[left] if left in new else edge[left], result)
            level, index = level + 1, index >> 1
            new[level, index] = result
    return new


def fold(parts: Parts, hashes: Hashes) -> bytes:
    """The hash over parts; that of the empty tree where there are none."""
    if not parts:
        return EMPTY_ROOT
    result = hashes[parts[-1]]
    for part in parts[-2::-1]:
        result = node_hash(hashes[part], result)
    return result


def resolve(path: Iterable[Parts], hashes: Hashes) -> list[bytes]:
    """The hashes of a planned path."""
    return [fold(parts, hashes) for parts in path]


def sibling(node: Node, size: int) -> Parts:
    """What makes up the other half of the subtree above a node; nothing where the tree of `size` has none."""
    level, index = node
    other = index ^ 1
    # As most are; at the edge there is a part of it, or nothing.
    return ((level, other),) if (other + 1) << level <= size else subtree(level, other, size)


def _siblings(node: Node, size: int) -> Iterator[Parts]:
    level, index = node
    while (1 << level) < size:
        if parts := sibling((level, index), size):
            yield parts
        level, index = level + 1, index >> 1
