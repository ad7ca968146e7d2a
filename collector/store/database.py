"""Opening the register, its transactions, and what its faults are called.

- A file of SQLite in WAL mode. `synchronous=FULL`: a committed transaction outlives a loss of power, so what was
  acknowledged or receipted is on the disk.
- `writing` is `BEGIN IMMEDIATE`: the one writer of the file, in whatever process. What a transaction has read is still
  so when it writes, which the log and the replay check rest on. Writers wait for their turn at a lock of their own,
  since SQLite sleeps up to 100 ms at a time while it waits; its own lock still holds, whatever becomes of that one.
- Opening brings the schema to the newest revision (Alembic) under a lock file, so that two processes may start at once.
- A fault of the storage leaves as a StoreError that says which kind it is. It is never a verdict about evidence: the
  message that met it stays unacknowledged and is tried again. What we ask of the database wrongly (a broken constraint,
  bad SQL) is our own mistake, and leaves as it is: to try that again would be to stand still.
"""

import asyncio
import fcntl
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import aiosqlite
import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from collector.errors import StoreError, StoreFault

BUSY_TIMEOUT_MS: Final = 10_000
CACHE_KIB: Final = 32 * 1024
WORKERS_CACHE_KIB: Final = 8 * 1024  # a batch; whatever one of several commits empties the caches of the others
CHECKPOINT_PAGES: Final = 8000  # 32 MiB of log: a page that many batches change is copied back once
WORKERS_PAGES: Final = 16 * CHECKPOINT_PAGES  # should nobody do it for them
ROWS: Final = 64  # that aiosqlite fetches together where it is asked for one after the other
TURN_S: Final = 0.002  # between two looks whether it is our turn to write
_MIGRATIONS = "collector.store:migrations"
_BEGIN = "begin"  # execution option: the kind of transaction, None for none

T = TypeVar("T")

_FULL = (StoreFault.FULL, "the disk is full; make room, the work goes on by itself")
_LOCKED = (StoreFault.LOCKED, "another process holds the register for too long; end it or wait")
_DAMAGED = (StoreFault.DAMAGED, "the register's file is damaged; restore it from a backup")
_UNAVAILABLE = (StoreFault.UNAVAILABLE, "look at the state directory: its disk, its owner, its mode")
_FAULTS: Final = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_IOERR: _UNAVAILABLE,
    sqlite3.SQLITE_CANTOPEN: _UNAVAILABLE,
    sqlite3.SQLITE_READONLY: _UNAVAILABLE,
    sqlite3.SQLITE_PERM: _UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: _UNAVAILABLE,
}


async def open_engine(path: Path, *, worker: bool = False) -> AsyncEngine:
    """The register at this path, made where it is missing and brought to the newest schema.

    Args:
        path: Of the file.
        worker: For one process of several that take in: its queries are done in the thread that asks, since it has
            nothing else to do meanwhile, and another process copies its write-ahead log back (checkpoints.py).

    Raises:
        StoreError: It cannot be opened, read or migrated.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        connect_args={"isolation_level": None},
        async_creator=functools.partial(_connect_at_once, path) if worker else None,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )
    sa.event.listen(engine.sync_engine, "connect", _set_pragmas)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    try:
        async with _locked(path.with_suffix(".lock")):
            await _migrate(engine)
    except BaseException:
        await engine.dispose()
        raise
    return engine


class _AtOnce(aiosqlite.Connection):
    # A hand-over to its thread and back for each query costs a busy ingest a tenth of its transaction, in which all
    # others wait for their turn. Should a later aiosqlite not ask here, its thread does the work again.
    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return fn(*args, **kwargs)


async def _connect_at_once(path: Path) -> aiosqlite.Connection:
    def connect() -> sqlite3.Connection:  # in its thread, as it is closed
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    return await _AtOnce(connect, ROWS)


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction that nobody else writes beside; committed at the end, undone by any error.

    Raises:
        StoreError: The database does not take what it must.
    """
    with _faults():
        async with _turn(engine), engine.connect() as connection:
            await connection.execution_options(**{_BEGIN: "IMMEDIATE"})
            async with connection.begin():
                yield connection


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction that sees the register as it was at its first read.

    Raises:
        StoreError: The database does not give what it must.
    """
    with _faults():
        async with engine.connect() as connection, connection.begin():
            yield connection


async def copy_back(engine: AsyncEngine, *, alone: bool = False) -> int:
    """Copy what is committed from the write-ahead log into the register, as far as no reader needs what was before.

    Args:
        engine: The register.
        alone: In a turn to write, so that nothing is added meanwhile, and the next writer may begin the log anew.

    Returns:
        Pages in the log.

    Raises:
        StoreError: The database does not take what it must.
    """
    with _faults():
        async with _turn(engine) if alone else nullcontext(), engine.connect() as connection:
            await connection.execution_options(**{_BEGIN: None})
            answer = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")).mappings().one()
    return int(answer["log"])


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncIterator[None]:
    path = Path(str(engine.url.database)).with_suffix(".turn")
    deadline = asyncio.get_running_loop().time() + BUSY_TIMEOUT_MS / 1000
    with _open(path) as file:
        while not _is_ours(file):
            if asyncio.get_running_loop().time() > deadline:
                raise StoreError(f"the register: {_LOCKED[1]}", _LOCKED[0])
            await asyncio.sleep(TURN_S)
        yield


def _is_ours(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> BinaryIO:
    # In no thread: whoever is cancelled while one opens it would leave it open.
    try:
        return path.open("ab")
    except OSError as error:
        raise StoreError(f"the register: {error}; {_UNAVAILABLE[1]}") from error


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # Extended codes carry the primary one in their lowest byte (sqlite.org/rescode.html).
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code not in _FAULTS:
            raise
        fault, advice = _FAULTS[code]
        raise StoreError(f"the register: {error.orig}; {advice}", fault) from error


def _set_pragmas(dbapi_connection: Any, _record: object) -> None:
    is_worker = isinstance(dbapi_connection.driver_connection, _AtOnce)
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{WORKERS_CACHE_KIB if is_worker else CACHE_KIB}",
        f"wal_autocheckpoint={WORKERS_PAGES if is_worker else CHECKPOINT_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get(_BEGIN, "DEFERRED")
    if kind is not None:
        connection.exec_driver_sql(f"BEGIN {kind}")


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    # Changing the journal mode and migrating need the file alone; SQLite's own lock covers only the second.
    with _open(path) as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


async def _migrate(engine: AsyncEngine) -> None:
    def upgrade(connection: sa.Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", _MIGRATIONS)
        command.upgrade(config, "head")

    try:
        async with writing(engine) as connection:
            await connection.run_sync(upgrade)
    except CommandError as error:
        raise StoreError(f"the register was written by another version of this program: {error}") from error
