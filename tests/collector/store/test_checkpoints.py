"""The write-ahead log goes back into the register beside those who write, and begins anew."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.store import checkpoints, database
from collector.store.checkpoints import keep_short
from collector.store.database import copy_back, open_engine, reading, writing
from collector.store.schema import parties

WITHIN_S = 60.0
WAITS = "the write-ahead log waits"


@pytest_asyncio.fixture
async def worker(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_engine(tmp_path / "register.sqlite", worker=True)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_engine(tmp_path / "register.sqlite")
    await copy_back(engine)  # its tables
    yield engine
    await engine.dispose()


async def write(engine: AsyncEngine, *names: str) -> None:
    async with writing(engine) as connection:
        for name in names:
            await connection.execute(sa.insert(parties).values(party=name, enrolled_at=1))


def in_the_file(folder: Path) -> set[str]:
    """What is in the register without its write-ahead log."""
    with closing(sqlite3.connect(f"file:{folder / 'register.sqlite'}?immutable=1", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT party FROM parties")}


@asynccontextmanager
async def kept_short(engine: AsyncEngine) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_short(engine))
    yield
    task.cancel()
    await asyncio.wait({task})


async def until_in_the_file(folder: Path, name: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            with suppress(sqlite3.DatabaseError):  # looked at in the middle
                if name in in_the_file(folder):
                    return
            await asyncio.sleep(0.01)


async def test_what_is_committed_is_copied_while_somebody_writes(
    tmp_path: Path, worker: AsyncEngine, keeper: AsyncEngine
) -> None:
    await write(worker, "a")
    assert "a" not in in_the_file(tmp_path)
    async with writing(worker) as connection:
        await connection.execute(sa.insert(parties).values(party="b", enrolled_at=1))
        assert await copy_back(keeper) > 0
    assert in_the_file(tmp_path) == {"a"}


async def test_the_log_begins_anew(worker: AsyncEngine, keeper: AsyncEngine) -> None:
    """Its pages are counted from the beginning again once all of them are in the register."""
    for number in range(50):
        await write(worker, f"party {number}")
    before = await copy_back(keeper, alone=True)
    await write(worker, "another")
    assert 0 < await copy_back(keeper) < before


async def test_a_reader_keeps_what_it_sees(tmp_path: Path, worker: AsyncEngine, keeper: AsyncEngine) -> None:
    """What came after its first look is copied when it has gone."""
    await write(worker, "a")
    async with reading(keeper) as connection:
        assert (await connection.scalars(sa.select(parties.c.party))).all() == ["a"]
        await write(worker, "b")
        await copy_back(keeper, alone=True)
        assert "b" not in in_the_file(tmp_path)
        assert (await connection.scalars(sa.select(parties.c.party))).all() == ["a"]
    await copy_back(keeper)
    assert in_the_file(tmp_path) == {"a", "b"}


async def test_it_is_kept_short_until_the_end(
    tmp_path: Path,
    worker: AsyncEngine,
    keeper: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A turn that somebody else holds for too long is a fault of the moment, told once: what is committed follows."""
    monkeypatch.setattr(checkpoints, "PAUSE_S", 0.001)
    async with kept_short(keeper):
        await write(worker, "a")
        await until_in_the_file(tmp_path, "a")
        async with writing(worker), asyncio.timeout(WITHIN_S):
            with monkeypatch.context() as impatient:
                impatient.setattr(database, "BUSY_TIMEOUT_MS", 1)
                impatient.setattr(checkpoints, "LONG_PAGES", 0)
                while WAITS not in caplog.text:  # noqa: ASYNC110  # a log
                    await asyncio.sleep(0.01)
                looks: list[object] = []
                sa.event.listen(keeper.sync_engine, "checkin", lambda connection, _record: looks.append(connection))
                while len(looks) < 3:  # noqa: ASYNC110  # an event of the database, in another thread
                    await asyncio.sleep(0.01)
        await write(worker, "b")
        await until_in_the_file(tmp_path, "b")
    assert caplog.text.count(WAITS) == 1
