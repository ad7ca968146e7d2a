"""How fast reports are taken, measured in raw signature checks: from a signed report to its receipt, all of it real.

The unit is libsodium's Ed25519 verification through PyNaCl on one core, of messages as large as an unchanged report, on
each core in turn, before and after the load; what all cores do of it at once is told too, since shared cores are slower
together. Beside it, in the same run: a load on a plain socket, Mosquitto, and the collector as a process with judge and
pages; QoS 1 in, acknowledged after a commit with `synchronous=FULL`, leaves appended, receipts delivered to the load.
`full`: ten devices in each report, at first such as nobody knew, then one of them with another version. `steady`: the
same gateways again, 99 of 100 reports unchanged. `herd`: many gateways that nobody heard of before, each with one
device, all at the same moment.

The rate is that of receipts. What follows from the reports (devices, readings, the judge's queue) is derived after
them: `settled_s` says how long after the last receipt that was done. What the judge still owes then is taken off its
desk before the next load, since a day lies between the two in life. `rss_mb` is the memory of all processes at the
beginning and after each quarter of the time.

`full` and `steady` are done several times, each time anew. Their line is that of the run whose ratio is the middle one,
and `ratios` are those of all. `N` of the environment is the number of reports in `steady`, for one long run.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from collector.config import Config, load
from collector.register import opened
from collector.store.database import writing
from collector.store.schema import gateways, keys, parties
from evidence.ids import topic
from evidence.receipt import open_receipt
from tests.bench._fleet import Home, fleet, rounds
from tests.bench._line import Line, publish
from tests.bench._unit import verifications, verifications_of_all
from tests.bench._usage import cpu_s, memory_of, quarters
from tests.world.mosquitto import Mosquitto
from tests.world.processes import running

BROKER = "max_inflight_messages 2000\nmax_queued_messages 0\n"
GATEWAYS = 10_000
REPORTS = 80_000  # in `full`, and in `steady`
HERD = 100_000
RUNS = 3
WORKERS = len(os.sched_getaffinity(0))
WINDOW = 8_000  # reports under way; less than there are gateways
WITHIN_S = 600.0
CHECKED = 200  # receipts that are opened afterwards
SETTLING_S = 300.0

Load = Sequence[tuple[str, bytes]]
Figures = dict[str, Any]  # what becomes a line of JSON


def run(count: int = GATEWAYS, reports: int = REPORTS, herd: int = HERD, runs: int = RUNS) -> Iterator[Figures]:
    """One line for each load."""
    long = int(os.environ.get("N", "0"))
    runs = 1 if long else runs
    found = []
    for number in range(1, runs + 1):
        for line in _daily(count, reports // count, (long or reports) // count):
            found.append(line)
            print(f"run {number} of {runs}: {line['bench']} {line['ratio']}", file=sys.stderr, flush=True)
    yield from middles(found)
    yield from _at_once(herd)


def middles(lines: Sequence[Figures]) -> Iterator[Figures]:
    """Of the lines of each load the one with the middle ratio, the lower of two, with the `ratios` of all."""
    for name in dict.fromkeys(line["bench"] for line in lines):
        of_load = sorted((line for line in lines if line["bench"] == name), key=lambda line: line["ratio"])
        yield {**of_load[(len(of_load) - 1) // 2], "ratios": [line["ratio"] for line in of_load]}


def _daily(count: int, full: int, steady: int) -> list[Figures]:
    homes = fleet(count, int(time.time()))
    first, later = ((home.gateway, home.whole()) for home in homes), rounds(homes, full - 1, unchanged=0)
    loads = {"full": ([*first, *later], WINDOW), "steady": (list(rounds(homes, steady)), WINDOW)}
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(Path(directory), homes, loads))


def _at_once(count: int) -> list[Figures]:
    homes = fleet(count, int(time.time()), devices=1)
    with tempfile.TemporaryDirectory() as directory:
        loads = {"herd": ([(home.gateway, home.whole()) for home in homes], count)}
        return asyncio.run(_measure(Path(directory), homes, loads))


async def _measure(directory: Path, homes: Sequence[Home], loads: Mapping[str, tuple[Load, int]]) -> list[Figures]:
    lines = []
    mosquitto = Mosquitto(directory, f"allow_anonymous true\n{BROKER}")
    await mosquitto.start()
    try:
        config = _configure(directory, mosquitto.port)
        await _enrol(config, homes)
        for name, (load_, window) in loads.items():
            _clear_desk(config)
            lines.append({"bench": f"ingest-{name}", **await _one(directory, config, mosquitto, load_, window)})
    finally:
        await mosquitto.kill()
    return lines


async def _one(directory: Path, config: Config, mosquitto: Mosquitto, load_: Load, window: int) -> Figures:
    packets = [publish(topic(gateway, "report"), data, number) for number, (gateway, data) in enumerate(load_)]
    before = _evidence_bytes(config)
    arguments = ("collector", "--config", str(directory / "collector.toml"), "run")
    async with running(directory / "collector.log", *arguments, until_ready=True) as (collector, _):
        line = Line(mosquitto.port, "updateplicht/1/+/+/receipt")
        unit, of_all = await asyncio.to_thread(verifications), await asyncio.to_thread(verifications_of_all)
        spent, of_broker = cpu_s(collector.pid), cpu_s(mosquitto.pid)
        cpu, begun = time.process_time(), time.perf_counter()
        try:
            async with memory_of(collector.pid) as memory, memory_of(mosquitto.pid) as broker_memory:
                receipts = await asyncio.to_thread(line.drive, packets, window, WITHIN_S)
        except TimeoutError as error:
            raise AssertionError(f"{error}; the collector says:\n{collector.output()}") from error
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        spent, of_broker = cpu_s(collector.pid) - spent, cpu_s(mosquitto.pid) - of_broker
        line.close()
        settled = await _settled(config)
    await _check(config, load_, receipts)
    unit = (unit + await asyncio.to_thread(verifications)) / 2
    rate, count = len(load_) / took, len(load_)
    return {
        "ratio": round(rate / unit, 3),
        "reports_per_s": round(rate),
        "verify_per_s": round(unit),
        "verify_per_s_all_cores": round(of_all),
        "workers": config.workers,
        "cores": len(os.sched_getaffinity(0)),
        "generator_cpu_s": round(cpu, 2),
        "collector_cpu_us": round(spent / count * 1e6),
        "broker_cpu_us": round(of_broker / count * 1e6),
        "settled_s": round(settled, 2),
        "rss_mb": quarters(memory),
        "broker_rss_mb": quarters(broker_memory),
        "reports": count,
        "bytes_per_report": round((_evidence_bytes(config) - before) / count),
        "broker": BROKER.split("\n")[:-1],
    }


async def _settled(config: Config) -> float:
    """Wait until all that follows is derived; how long that took, in seconds."""
    begun = time.perf_counter()
    with closing(sqlite3.connect(config.register_path)) as connection:
        while connection.execute("SELECT 1 FROM derive_queue LIMIT 1").fetchone():
            if time.perf_counter() - begun > SETTLING_S:
                raise AssertionError("what follows from the reports is not derived")
            await asyncio.sleep(0.02)
    return time.perf_counter() - begun


def _evidence_bytes(config: Config) -> int:
    """What the log and the reports take, their indexes and half-filled pages included."""
    query = """SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN
        (SELECT name FROM sqlite_master WHERE tbl_name IN ('leaves', 'nodes', 'heads', 'reports', 'inventories'))"""
    with closing(sqlite3.connect(config.register_path)) as connection:
        return int(connection.execute(query).fetchone()[0])


def _configure(directory: Path, port: int) -> Config:
    file = directory / "collector.toml"
    file.write_text(
        f'state_dir = "{directory / "state"}"\nworkers = {WORKERS}\n[web]\nport = 0\n'
        f'[broker]\nembedded = false\nhost = "127.0.0.1"\nport = {port}\n'
    )
    return load(str(file))


async def _enrol(config: Config, homes: Iterable[Home]) -> None:
    """Make the whole fleet known, as `gateways enrol` would one by one."""
    now, known = int(time.time()), [(home.gateway, home.key.public) for home in homes]
    named: list[dict[str, Any]] = [
        {"party": f"{role}:{gateway}", "enrolled_at": now} for gateway, _ in known for role in ("gateway", "consumer")
    ]
    keyed = [
        {
            "key_id": key.id.hex(),
            "public_key": key.data.hex(),
            "party": f"gateway:{gateway}",
            "gateway": gateway,
            "valid_from": now,
        }
        for gateway, key in known
    ]
    async with opened(config, now=now) as (engine, _), writing(engine) as connection:
        await connection.execute(sa.insert(parties), named)
        await connection.execute(sa.insert(gateways), [{"gateway": name, "enrolled_at": now} for name, _ in known])
        await connection.execute(sa.insert(keys), keyed)


def _clear_desk(config: Config) -> None:
    connection = sqlite3.connect(config.register_path)
    connection.execute("DELETE FROM judge_queue")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def _check(config: Config, load_: Load, receipts: Sequence[tuple[str, bytes]]) -> None:
    """Every report has its receipt, and those that are opened prove that the log holds it."""
    expected = sorted(topic(gateway, "receipt") for gateway, _ in load_)
    if sorted(name for name, _ in receipts) != expected:
        raise AssertionError("not one receipt for each report")
    async with opened(config, now=0) as (_, log):
        for _, data in receipts[:: max(1, len(receipts) // CHECKED)]:
            open_receipt(data, log.key.public)
