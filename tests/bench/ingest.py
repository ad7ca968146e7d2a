"""How fast reports are taken, measured in raw signature checks: from a signed report to its receipt, all of it real.

The unit is libsodium's Ed25519 verification through PyNaCl on one core, of messages as large as an unchanged report.
Beside it, in the same run: a load on a plain socket, Mosquitto, and the collector as a process with judge and pages;
QoS 1 in, acknowledged after a commit with `synchronous=FULL`, leaves appended, receipts delivered to the load. `full`:
ten devices that nobody knew in each report. `steady`: the same gateways again, 99 of 100 reports unchanged; what the
judge still owed from `full` is taken off its desk first, since a day lies between the two in life.
"""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from nacl import bindings

from collector.config import Config, load
from collector.register import opened
from collector.store.database import writing
from collector.store.schema import gateways, keys, parties
from evidence.ids import topic
from evidence.keys import SigningKey
from evidence.receipt import open_receipt
from tests.bench._fleet import Home, fleet, rounds
from tests.bench._line import Line, publish
from tests.world.mosquitto import Mosquitto
from tests.world.processes import running

BROKER = "max_inflight_messages 1000\nmax_queued_messages 0\nset_tcp_nodelay true\n"
GATEWAYS = 4_000
ROUNDS = 8
WORKERS = 3
WINDOW = 3_000  # reports under way; less than there are gateways
WITHIN_S = 60.0
CHECKED = 200  # receipts that are opened afterwards
VERIFICATIONS = 10_000


def run(count: int = GATEWAYS, turns: int = ROUNDS) -> Iterator[dict[str, object]]:
    """One line each for `full` and `steady`."""
    homes = fleet(count, int(time.time()))
    full = [(home.gateway, home.whole()) for home in homes]
    steady = list(rounds(homes, turns))
    with tempfile.TemporaryDirectory() as directory:
        yield from asyncio.run(_measure(Path(directory), homes, {"full": full, "steady": steady}))


async def _measure(
    directory: Path, homes: Sequence[Home], loads: dict[str, list[tuple[str, bytes]]]
) -> list[dict[str, object]]:
    lines = []
    mosquitto = Mosquitto(directory, f"allow_anonymous true\n{BROKER}")
    await mosquitto.start()
    try:
        config = _configure(directory, mosquitto.port)
        await _enrol(config, homes)
        for name, load_ in loads.items():
            _clear_desk(config)
            lines.append({"bench": f"ingest-{name}", **await _one(directory, config, mosquitto.port, load_)})
    finally:
        await mosquitto.kill()
    return lines


async def _one(directory: Path, config: Config, port: int, load_: Sequence[tuple[str, bytes]]) -> dict[str, object]:
    packets = [publish(topic(gateway, "report"), data, number) for number, (gateway, data) in enumerate(load_)]
    before = config.register_path.stat().st_size
    arguments = ("collector", "--config", str(directory / "collector.toml"), "run")
    async with running(directory / "collector.log", *arguments, until_ready=True) as (collector, _):
        line = Line(port, "updateplicht/1/+/+/receipt")
        unit = await asyncio.to_thread(verifications)
        cpu, begun = time.process_time(), time.perf_counter()
        try:
            receipts = await asyncio.to_thread(line.drive, packets, WINDOW, WITHIN_S)
        except TimeoutError as error:
            raise AssertionError(f"{error}; the collector says:\n{collector.output()}") from error
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        line.close()
    await _check(config, load_, receipts)
    rate = len(load_) / took
    return {
        "ratio": round(rate / unit, 3),
        "reports_per_s": round(rate),
        "verify_per_s": round(unit),
        "workers": config.workers,
        "cores": os.cpu_count(),
        "generator_cpu_s": round(cpu, 2),
        "reports": len(load_),
        "bytes_per_report": round((config.register_path.stat().st_size - before) / len(load_)),
        "broker": BROKER.split("\n")[:-1],
    }


def verifications() -> float:
    """Raw signature checks a second on one core."""
    key = SigningKey(bytes(32))
    message = os.urandom(200)
    signed = key.sign(message) + message
    begun = time.perf_counter()
    for _ in range(VERIFICATIONS):
        bindings.crypto_sign_open(signed, key.public.data)
    return VERIFICATIONS / (time.perf_counter() - begun)


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


async def _check(config: Config, load_: Sequence[tuple[str, bytes]], receipts: Sequence[tuple[str, bytes]]) -> None:
    """Every report has its receipt, and those that are opened prove that the log holds it."""
    expected = sorted(topic(gateway, "receipt") for gateway, _ in load_)
    if sorted(name for name, _ in receipts) != expected:
        raise AssertionError("not one receipt for each report")
    async with opened(config, now=0) as (_, log):
        for _, data in receipts[:: max(1, len(receipts) // CHECKED)]:
            open_receipt(data, log.key.public)
