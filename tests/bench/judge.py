"""What judging costs: one ordinary case on one core, and a whole fleet again after one advisory.

The fleet is judged for the first time before anything is measured that is compared. The plain SELECT reads the rows of
the same devices as the database gives them, before and after; the faster of both counts.
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

from collector.appraisal import appraise, policies
from collector.appraisal.values import parse_instant
from collector.catalogue import record
from collector.catalogue.door import CheckedStatement
from collector.catalogue.instants import to_text
from collector.judge import Judge
from collector.store.database import open_engine, reading, writing
from collector.store.schema import devices, verdicts
from tests.bench import _judged as fleet
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
    while time.perf_counter() - begun < seconds:
        before = time.perf_counter()
        for _ in range(20):
            appraise(facts, at, at, _POLICY)
        best = min(best, (time.perf_counter() - before) / 20)
    return {"bench": "judge-one", "appraisals_per_s": round(1 / best), "facts": len(facts)}


async def _advisory(path: Path, size: int) -> dict[str, Any]:
    engine = await open_engine(path)
    try:
        begun = time.perf_counter()
        await asyncio.to_thread(fleet.fill, path, size)
        _tell("made", time.perf_counter() - begun)
        now = fleet.NOW
        judge = Judge(engine, _POLICY, lambda: now)
        count, first_s, _ = await _judge_all(judge, "judged first")
        before_s = _select(path)
        now += 60
        begun, appraised = time.perf_counter(), judge.appraised
        async with writing(engine) as connection:
            await record.insert(connection, _new_hole(now), leaf=1)
        queue_s = time.perf_counter() - begun
        _tell("queued", queue_s)
        again, seconds, longest = await _judge_all(judge, "judged again")
        select_s = min(before_s, _select(path))
        async with reading(engine) as connection:
            news = sa.select(sa.func.count()).select_from(verdicts).where(verdicts.c.judged_at == now)
            changed = (await connection.execute(news)).scalar_one()
            distinct = (await connection.execute(sa.select(sa.func.count(devices.c.verdict.distinct())))).scalar_one()
    finally:
        await engine.dispose()
    return {
        "bench": "judge-advisory",
        "devices": again,
        "seconds": round(seconds, 2),
        "select_seconds": round(select_s, 2),
        "ratio": round(seconds / select_s, 1),
        "queue_seconds": round(queue_s, 2),
        "appraised": judge.appraised - appraised,
        "distinct": distinct,
        "changed": changed,
        "longest_batch_s": round(longest, 3),
        "first_seconds": round(first_s, 2),
        "first_devices": count,
    }


async def _judge_all(judge: Judge, what: str) -> tuple[int, float, float]:
    """How many were judged until nothing was due, in how many seconds, and the longest batch."""
    total, longest, begun = 0, 0.0, time.perf_counter()
    while True:
        before = time.perf_counter()
        if not (judged := await judge.round()):
            break
        longest = max(longest, time.perf_counter() - before)
        total += judged
        if total % 100_000 < judged:
            _tell(f"{what}: {total}", time.perf_counter() - begun)
    return total, time.perf_counter() - begun, longest


def _select(path: Path) -> float:
    """The seconds of a plain SELECT over all devices."""
    connection = sqlite3.connect(path)
    begun = time.perf_counter()
    for _ in connection.execute("SELECT * FROM devices"):
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
