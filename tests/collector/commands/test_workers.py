"""A collector with workers: as one without, and a worker that dies loses nothing and is started again."""

import asyncio
import contextlib
import json
import os
import signal
import urllib.request
from pathlib import Path

from tests.collector.commands.test_run import WITHIN_S, collecting, listening, stored
from tests.collector.ingest.desk import digest, signed_report
from tests.collector.register import DEVICE, seen
from tests.world.collector import beside
from tests.world.mosquitto import broker
from tests.world.processes import Process, eventually

COUNT = 300
DEATHS = 4


def workers(collector: Process) -> set[int]:
    """The processes that receive."""
    pid = collector.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if receives(int(child))}


def receives(pid: int) -> bool:
    """Whether this process is a worker; one that has ended has no command line, and soon no place."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return b"collector.ingest.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def are_others(those: set[int], these: set[int]) -> bool:
    """Whether there are two again, and none of them is one of these."""
    return len(those) == 2 and not those & these


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}healthz") as answer:
            return bool(json.load(answer)["ok"])
    except OSError:
        return False


async def test_workers_are_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    """All of them, again and again, while reports come; and they end with the collector, even if that is killed."""
    messages = {number: signed_report(number, seen(DEVICE)) for number in range(1, COUNT + 1)}
    config = tmp_path / "collector.toml"
    async with broker() as mosquitto:
        config.write_text(
            f'state_dir = "{tmp_path / "state"}"\nworkers = 2\n[web]\nport = 0\n[broker]\n{beside(mosquitto.port)}'
        )
        async with listening(config, mosquitto.port) as gateway, collecting(config) as (collector, ready):
            for death in range(DEATHS):
                begin = death * COUNT // DEATHS
                await gateway.send(list(messages.values())[begin : begin + COUNT // DEATHS])
                killed = workers(collector)
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
                await eventually(lambda of=killed: are_others(workers(collector), of) and healthy(ready["web"]))  # type: ignore[misc]
            await eventually(lambda: len(gateway.receipted) >= COUNT // DEATHS)
            async with asyncio.timeout(WITHIN_S):
                while len(await stored(config)) < COUNT:  # noqa: ASYNC110  # it is another process that stores
                    await asyncio.sleep(0.1)
            left = workers(collector)
            os.kill(collector.pid, signal.SIGKILL)  # it alone: its workers are to end by themselves
            await eventually(lambda: not any(receives(pid) for pid in left))
            await collector.kill()
    found = await stored(config)
    assert found == {number: digest(data) for number, data in messages.items()}
    assert gateway.receipted <= set(found.values())
