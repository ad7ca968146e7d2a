"""What a log can show of itself, for any size that it had: roots, inclusion, and that one tree continues another.

Each reads in the caller's transaction: the path is planned first, then fetched in one query.
"""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import log as rows
from collector.transparency import tree
from evidence.receipt import Earlier


async def root(connection: AsyncConnection, size: int) -> bytes:
    """The root of the tree of the first `size` leaves, which are there."""
    return (await _resolved(connection, [tree.root(size)]))[0]


async def inclusion(connection: AsyncConnection, index: int, size: int) -> list[bytes]:
    """The path of a leaf in the tree of `size`.

    Raises:
        ValueError: The tree has no such leaf.
    """
    return await _resolved(connection, tree.inclusion(index, size))


async def consistency(connection: AsyncConnection, size1: int, size2: int) -> Earlier:
    """The tree of `size1`, and the path to that of `size2`.

    Raises:
        ValueError: The first tree is empty or larger than the second.
    """
    earlier, *path = await _resolved(connection, [tree.root(size1), *tree.consistency(size1, size2)])
    return Earlier(size=size1, root=earlier, path=tuple(path))


async def _resolved(connection: AsyncConnection, paths: Iterable[tree.Parts]) -> list[bytes]:
    planned = list(paths)
    wanted = {node for parts in planned for node in parts}
    return tree.resolve(planned, await rows.hashes(connection, wanted))
