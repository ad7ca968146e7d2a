"""What judging costs: one ordinary case on one core, and a whole fleet again after one advisory.

The fleet is judged for the first time before anything is measured that is compared. The plain SELECT reads the rows of
the same devices as the database gives them, before and after; the faster of both counts. Beside it stands the one that
reads their verdicts too, which are kept once for all that share them.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.appraisal import appraise, policies
from collector.appraisal.values import parse_instant
from collector.catalogue import record
from collector.catalogue.crowd import Crowd
from collector.catalogue.door import CheckedStatement
from collector.catalogue.instants import to_text
from collector.catalogue.shelf import Shelf
from collector.judge import Judge
from collector.store.database import open_engine, reading, writing
from collector.store.schema import case_verdicts, cases, device_cases, devices, judge_queue
from tests.bench import _judged as fleet
from tests.bench._placed import Placer
from tests.collector.appraisal.households import ORDINARY, report

SIZE: Final = 1_000_000
_POLICY = policies.shipped("2026-11-a")


def run(size: int | None = None) -> Iterator[dict[str, Any]]:
    """One line each; the number of devices is `N` of the environment where none is given."""
    yield _one()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        count = size or int(os.environ.get("N", SIZE))
        yield asyncio.run(_advisory(Path(folder) / "register.sqlite", count))


def _one(seconds: float = 0.5) -> dict[str, Any]:
    facts = [*ORDINARY, report("fresh", "2026-09-30", 9)]
    at = parse_instant("2026-10-01T12:00:00Z")
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < seconds or best == float("inf"):
        before = time.perf_counter()
        for _ in range(20):
            appraise(facts, at, at, _POLICY)
        best = min(best, (time.perf_counter() - before) / 20)
    return {"bench": "judge-one", "appraisals_per_s": round(1 / best), "facts": len(facts)}


async def _make(engine: AsyncEngine, path: Path, size: int) -> None:
    begun, shelf = time.perf_counter(), Shelf(_POLICY)
    await asyncio.to_thread(fleet.state, path)
    async with reading(engine) as connection:
        snapshot = await shelf.load(connection, fleet.IDS, now=fleet.NOW)
    await asyncio.to_thread(fleet.fill, path, size, Placer(Crowd(_POLICY, shelf), snapshot))
    _tell("made", time.perf_counter() - begun)


async def _first(engine: AsyncEngine, judge: Judge) -> dict[str, Any]:
    """Judge every case for the first time, and place some devices anew, which may be no other cases than they were."""
    async with reading(engine) as connection:
        before = (await connection.execute(_MOVES)).scalar_one()
        waiting = (await connection.execute(sa.select(sa.func.count()).select_from(judge_queue))).scalar_one()
    _, seconds = await _judge_all(judge, "judged first")
    async with reading(engine) as connection:
        if (await connection.execute(_MOVES)).scalar_one() != before:
            raise RuntimeError("the judge places devices elsewhere than they were made")
    return {"first_seconds": round(seconds, 2), "first_appraised": judge.appraised, "first_placed": waiting}


_MOVES: Final = sa.select(sa.func.sum(device_cases.c.case_id))


async def _advisory(path: Path, size: int) -> dict[str, Any]:
    engine = await open_engine(path)
    try:
        await _make(engine, path, size)
        now = fleet.NOW
        judge, locks = Judge(engine, _POLICY, lambda: now), _locks(engine)
        first = await _first(engine, judge)
        before_s = _select(path, _ROWS)
        now += 60
        begun, appraised = time.perf_counter(), judge.appraised
        async with writing(engine) as connection:
            await record.insert(connection, _new_hole(now), leaf=1)
        queue_s = time.perf_counter() - begun
        _tell("queued", queue_s)
        judged, seconds = await _judge_all(judge, "judged again")
        select_s = min(before_s, _select(path, _ROWS))
        async with reading(engine) as connection:
            counts = {name: (await connection.execute(query)).scalar_one() for name, query in _counted(now).items()}
    finally:
        await engine.dispose()
    return {
        "bench": "judge-advisory",
        **counts,
        "seconds": round(seconds, 2),
        "select_seconds": round(select_s, 2),
        "ratio": round(seconds / select_s, 1),
        "select_with_verdicts_seconds": round(_select(path, _WITH_VERDICTS), 2),
        "queue_seconds": round(queue_s, 2),
        "judged_cases": judged,
        "appraised": judge.appraised - appraised,
        "longest_lock_s": round(max(locks), 3),
        **first,
    }


_ROWS: Final = "SELECT * FROM devices"
_WITH_VERDICTS: Final = """SELECT d.*, v.verdict FROM devices d
    JOIN cases c ON c.id = d.case_id JOIN verdicts v ON v.id = c.verdict_id"""


def _locks(engine: AsyncEngine) -> list[float]:
    """For how long each transaction held the lock to write, in seconds; filled as they end."""
    held: list[float] = []
    begun: dict[Any, float] = {}

    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("begin") == "IMMEDIATE":
            begun[connection.connection.dbapi_connection] = time.perf_counter()

    def end(connection: Any, _record: object) -> None:
        if connection in begun:
            held.append(time.perf_counter() - begun.pop(connection))

    sa.event.listen(engine.sync_engine, "begin", begin)
    sa.event.listen(engine.sync_engine, "checkin", end)
    return held


def _counted(now: int) -> dict[str, sa.Select[int]]:
    current = sa.select(cases.c.verdict_id).where(cases.c.id.in_(sa.select(devices.c.case_id)))
    news = sa.select(case_verdicts.c.case_id).where(case_verdicts.c.judged_at == now)
    return {
        "devices": sa.select(sa.func.count()).select_from(devices),
        "cases": sa.select(sa.func.count(devices.c.case_id.distinct())),
        "verdicts": sa.select(sa.func.count(current.subquery().c.verdict_id.distinct())),
        "changed": sa.select(sa.func.count()).where(devices.c.case_id.in_(news)),
    }


async def _judge_all(judge: Judge, what: str) -> tuple[int, float]:
    """How many devices and cases were judged until nothing was due, and in how many seconds."""
    total, begun = 0, time.perf_counter()
    while judged := await judge.round():
        total += judged
        if total % 100_000 < judged:
            _tell(f"{what}: {total}", time.perf_counter() - begun)
    return total, time.perf_counter() - begun


def _select(path: Path, query: str) -> float:
    """The seconds in which a query gives all of its rows."""
    connection = sqlite3.connect(path)
    begun = time.perf_counter()
    for _ in connection.execute(query):
        pass
    passed = time.perf_counter() - begun
    connection.close()
    return passed


def _new_hole(now: int) -> CheckedStatement:
    digest, issuer = "ff" * 32, "manufacturer:acme"
    ours = {"id": digest, "kind": "advisory", "issuer": issuer, "recorded_at": to_text(now), "model": fleet.MODEL}
    return CheckedStatement(
        digest=digest,
        kind="advisory",
        issuer=issuer,
        key_id="00" * 8,
        asserted_at=now,
        recorded_at=now,
        fact={**fleet.hole(8), "advisory": "ACME-NEW", **ours},
        body=b"",
    )


def _tell(what: str, seconds: float) -> None:
    print(f"{what} ({seconds:.1f} s)", file=sys.stderr, flush=True)
