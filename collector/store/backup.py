"""Copies of the register's file (SQLite), whole and checked, while others write to it.

The copy is made by SQLite's backup interface under one read transaction: it is the register of one instant, and no
writer makes it begin again. It is one file without a write-ahead log, on the disk and opened again before it has its
name; what is there already is never overwritten.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from collector.errors import ConflictError, NotFoundError, StoreError, StoreFault

_PAGES: Final = 2048  # of 4 KiB at a time
Progress = Callable[[int, int], None]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of the register holds: the log, its key, and its newest head."""

    log: str
    public_key: str
    size: int
    root: str


def copy(source: Path, target: Path, progress: Progress) -> Copied:
    """Copy a register's file.

    Args:
        source: The file; another process may write to it.
        target: Where no file is yet.
        progress: Called with the pages that are done and all of them.

    Raises:
        NotFoundError: There is nothing to copy.
        ConflictError: The target is there already.
        StoreError: The source is no register, or damaged, or the disk does not take the copy.
    """
    if target.exists():
        raise ConflictError(f"{target} is there already; it is not overwritten")
    draft = target.with_name(f"{target.name}.unfinished")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with _faults(source), closing(_connect(source)) as origin, closing(sqlite3.connect(draft)) as made:
            origin.execute("BEGIN")
            before = _described(origin)
            origin.backup(made, pages=_PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            made.execute("PRAGMA journal_mode=DELETE")
        _sync(draft)
        if check(draft) != before:
            raise StoreError(f"{draft} is not what was copied; look at the disk", StoreFault.DAMAGED)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    _sync(target.parent)
    return before


def check(file: Path) -> Copied:
    """Open a copy and look through all of it.

    Raises:
        NotFoundError: There is no such file.
        StoreError: It is no register, or damaged.
    """
    with _faults(file), closing(_connect(file)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"{file} is damaged: {found}; use another backup", StoreFault.DAMAGED)
        return _described(connection)


def _connect(file: Path) -> sqlite3.Connection:
    if not file.exists():
        raise NotFoundError(f"{file}: there is no register here")
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)


def _described(connection: sqlite3.Connection) -> Copied:
    log = connection.execute("SELECT log, public_key FROM logs").fetchone()
    head = connection.execute("SELECT size, root FROM heads ORDER BY size DESC LIMIT 1").fetchone()
    leaves = connection.execute('SELECT max("index") + 1 FROM leaves').fetchone()
    if log is None or head is None or head[0] != leaves[0]:
        raise StoreError("the log has no signed head over all its leaves; audit says more", StoreFault.DAMAGED)
    return Copied(log=log[0].hex(), public_key=log[1].hex(), size=head[0], root=head[1].hex())


@contextmanager
def _faults(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file}: {error}; nothing was copied", StoreFault.UNAVAILABLE) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
