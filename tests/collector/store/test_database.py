"""The register opens to one schema, takes one writer at a time, and calls its faults by their names."""

import asyncio
import fcntl
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.errors import StoreError, StoreFault
from collector.store import database
from collector.store.database import open_engine, reading, writing
from collector.store.schema import metadata, parties


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_engine(tmp_path / "register.sqlite")
    yield engine
    await engine.dispose()


def party(name: str) -> sa.Insert:
    return sa.insert(parties).values(party=name, enrolled_at=1)


async def pragma(engine: AsyncEngine, name: str) -> object:
    async with reading(engine) as connection:
        return (await connection.execute(sa.text(f"PRAGMA {name}"))).scalar_one()


@pytest.mark.parametrize("worker", [True, False])
async def test_the_queries_of_a_worker_are_done_in_the_thread_that_asks(tmp_path: Path, worker: bool) -> None:
    engine = await open_engine(tmp_path / "register.sqlite", worker=worker)
    async with reading(engine) as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.create_function("thread", 0, threading.get_ident)
        thread = (await connection.execute(sa.text("SELECT thread()"))).scalar_one()
    await engine.dispose()
    assert (thread == threading.get_ident()) is worker


@pytest.mark.filterwarnings("ignore:.*expression-based index")
async def test_the_migrations_lead_to_the_schema(engine: AsyncEngine, tmp_path: Path) -> None:
    """Table by table, the migrated database is the one that the schema describes."""

    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    def tables(file: Path) -> dict[str, str]:
        with sqlite3.connect(file) as connection:
            found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOTNULL").fetchall()
        connection.close()
        return {name: " ".join(sql.split()) for name, sql in found if name != "alembic_version"}

    made = sa.create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
    metadata.create_all(made)
    made.dispose()
    async with reading(engine) as connection:
        assert await connection.run_sync(differences) == []
    assert tables(tmp_path / "register.sqlite") == tables(tmp_path / "made.sqlite")


async def test_a_commit_outlives_a_loss_of_power(engine: AsyncEngine) -> None:
    """Write-ahead log, synchronised at each commit, with foreign keys on every connection."""
    assert await pragma(engine, "journal_mode") == "wal"
    assert await pragma(engine, "synchronous") == 2
    assert await pragma(engine, "foreign_keys") == 1


async def test_several_may_open_a_new_register_at_once(tmp_path: Path) -> None:
    """Whoever is first migrates, the others find it done."""
    engines = await asyncio.gather(*(open_engine(tmp_path / "register.sqlite") for _ in range(4)))
    for engine in engines:
        assert await pragma(engine, "journal_mode") == "wal"
        await engine.dispose()


async def test_a_writer_sees_nothing_change_beside_him(engine: AsyncEngine) -> None:
    """The second writer waits until the first has committed, and reads what he wrote."""
    first_has_read, order = asyncio.Event(), []

    async def first() -> None:
        async with writing(engine) as connection:
            order.append(await connection.scalar(sa.select(sa.func.count()).select_from(parties)))
            first_has_read.set()
            await connection.execute(party("operator:one"))

    async def second() -> None:
        await first_has_read.wait()
        async with writing(engine) as connection:
            order.append(await connection.scalar(sa.select(sa.func.count()).select_from(parties)))

    await asyncio.gather(first(), second())
    assert order == [0, 1]


async def test_a_failed_transaction_leaves_nothing(engine: AsyncEngine) -> None:
    """Any error undoes all of it."""

    async def fail() -> None:
        async with writing(engine) as connection:
            await connection.execute(party("operator:one"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with reading(engine) as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(parties)) == 0


async def test_a_full_disk_is_called_full(engine: AsyncEngine) -> None:
    """And the work goes on once there is room again."""

    async def fill() -> None:
        async with writing(engine) as connection:
            pages = await connection.scalar(sa.text("PRAGMA page_count"))
            await connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
            for number in range(1000):
                await connection.execute(party(f"operator:{number}{'x' * 1000}"))

    with pytest.raises(StoreError, match="make room") as fault:
        await fill()
    assert fault.value.fault is StoreFault.FULL
    async with writing(engine) as connection:
        await connection.execute(sa.text("PRAGMA max_page_count = 1000000"))
        await connection.execute(party("operator:one"))


async def test_a_file_that_may_not_grow_is_a_fault_of_the_store(engine: AsyncEngine) -> None:
    """Whatever the file system says no with, it leaves as a StoreError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
        with pytest.raises(StoreError):
            async with writing(engine) as connection:
                await connection.execute(party("operator:" + "x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_register_that_somebody_holds_is_called_locked(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting has an end, and the message says that it is the lock."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    impatient = await open_engine(tmp_path / "register.sqlite")
    async with writing(engine):
        with pytest.raises(StoreError) as fault:
            async with writing(impatient):
                pass
    assert fault.value.fault is StoreFault.LOCKED
    await impatient.dispose()


async def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    """It is not overwritten, and the message says to restore it."""
    path = tmp_path / "register.sqlite"
    path.write_bytes(b"not a database at all " * 100)
    with pytest.raises(StoreError, match="backup") as fault:
        await open_engine(path)
    assert fault.value.fault is StoreFault.DAMAGED
    assert path.read_bytes().startswith(b"not a database")


async def test_a_register_of_a_later_version_is_left_alone(engine: AsyncEngine, tmp_path: Path) -> None:
    """An old program says so instead of guessing at a schema that it does not know."""
    async with writing(engine) as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="another version"):
        await open_engine(tmp_path / "register.sqlite")


async def test_a_register_in_no_directory_is_a_fault_of_the_store(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(StoreError):
        await open_engine(tmp_path / "nowhere" / "register.sqlite")


async def test_a_writer_that_is_stopped_in_its_turn_is_not_waited_for_for_ever(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called locked, as when the register itself is."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with (tmp_path / "register.turn").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with pytest.raises(StoreError) as fault:
            async with writing(engine):
                pass
    assert fault.value.fault is StoreFault.LOCKED
    async with writing(engine) as connection:
        await connection.execute(party("operator:one"))
