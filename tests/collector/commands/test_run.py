"""The collector as a process: it says when it is ready, ends in order, and loses nothing however it dies."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import sqlalchemy as sa

from collector.__main__ import main
from collector.config import load
from collector.register import opened
from collector.running import find
from collector.store.database import reading
from collector.store.schema import leaves, reports
from evidence.ids import topic
from evidence.keys import PublicKey
from evidence.receipt import open_receipt
from tests.collector.commands.conftest import Command
from tests.collector.ingest.desk import digest, signed_report
from tests.collector.register import DEVICE, HOME, key_of, seen
from tests.world.collector import beside
from tests.world.manager import Manager
from tests.world.mosquitto import broker
from tests.world.processes import Process, eventually, running

COUNT = 300
WITHIN_S = 60.0


def collecting(config: Path) -> AbstractAsyncContextManager[tuple[Process, dict[str, Any]]]:
    """A collector that is ready, and that ends with the block at the latest."""
    return running(config.parent / "collector.log", "collector", "--config", str(config), "run", until_ready=True)


def enrol(config: Path) -> None:
    key = key_of(f"gateway:{HOME}").public.data.hex()
    assert main(["--config", str(config), "gateways", "enrol", HOME, key]) == 0


async def stored(config: Path) -> dict[int, str]:
    """The stored reports, each of which has its leaf."""
    query = sa.select(reports.c.sequence, leaves.c.digest).join(leaves, leaves.c["index"] == reports.c.leaf)
    async with opened(load(str(config)), now=0) as (engine, _), reading(engine) as connection:
        return {row.sequence: row.digest for row in await connection.execute(query)}


async def test_it_says_where_it_answers_and_ends_in_order(config: Path) -> None:
    """One line of JSON; pages, status and a code find it; SIGTERM ends it with 0, and nobody finds it any more."""
    async with collecting(config) as (collector, ready):
        assert ready.keys() == {"ready", "web", "broker"}
        with await asyncio.to_thread(urllib.request.urlopen, f"{ready['web']}healthz") as answer:
            assert json.load(answer)["ok"] is True
        where = find(load(str(config)).running_path)
        assert where is not None
        assert where.broker == ready["broker"]
        assert await collector.end(signal.SIGTERM) == 0
    assert "Traceback" not in collector.output()
    assert find(load(str(config)).running_path) is None


async def test_it_works_though_it_cannot_say_where(config: Path) -> None:
    """On a disk without room, or as here where its file cannot be made; commands find it once there is room."""
    path = load(str(config)).running_path
    obstacle = path.with_suffix(".draft")
    obstacle.mkdir(parents=True)
    async with collecting(config) as (collector, ready):
        with await asyncio.to_thread(urllib.request.urlopen, f"{ready['web']}healthz") as answer:
            assert json.load(answer)["ok"] is True
        assert find(path) is None
        obstacle.rmdir()
        await eventually(lambda: find(path) is not None)
        assert await collector.end(signal.SIGTERM) == 0
    assert "Traceback" not in collector.output()


async def test_systemd_hears_that_it_answers_and_that_it_ends(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Type=notify: what is started after it finds its pages and its broker."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with contextlib.closing(Manager(tmp_path / "notify")) as systemd:
        async with collecting(config) as (collector, _):
            await eventually(lambda: systemd.heard() == ["READY=1"])
            assert await collector.end(signal.SIGTERM) == 0
        assert systemd.heard() == ["READY=1", "STOPPING=1"]


async def test_control_c_ends_it_in_order(config: Path) -> None:
    """As SIGTERM does."""
    async with collecting(config) as (collector, _):
        assert await collector.end(signal.SIGINT) == 0
    assert "Traceback" not in collector.output()


async def test_commands_find_a_running_collector(config: Path, command: Command) -> None:
    """Its health, and the port that its broker chose; a second collector is told to wait."""
    async with collecting(config):
        code, out, _ = await asyncio.to_thread(command, "status", "--json")
        assert (code, json.loads(out)["health"]["ok"]) == (0, True)
        _, out, _ = await asyncio.to_thread(command, "status")
        assert "ok, broker ok, store ok" in out
        code, out, _ = await asyncio.to_thread(command, "gateways", "code")
        assert code == 0
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "collector", "--config", str(config), "run"), stderr=asyncio.subprocess.PIPE
        )
        _, err = await second.communicate()
        assert (second.returncode, b"another collector" in err) == (75, True)


def test_a_policy_that_does_not_ship(config: Path, command: Command) -> None:
    """It is a fault of the configuration that names those that do."""
    config.write_text(config.read_text().replace("[broker]", 'policy = "none"\n[broker]'))
    code, _, err = command("run")
    assert (code, "policy: found 'none'; expected one of " in err) == (78, True)


def test_a_port_that_is_taken(config: Path, command: Command) -> None:
    """Of the pages as of the broker: one line, exit 69."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = config.read_text()
        for table in ("[broker]", "[web]"):
            config.write_text(text.replace(f"{table}\nport = 0", f"{table}\nport = {port}"))
            code, out, err = command("run")
            assert (code, out) == (69, "")
            assert f"127.0.0.1:{port}" in err.splitlines()[-1]


class Gateway:
    """A gateway that sends once and collects its receipts, from when it is listening."""

    def __init__(self, port: int, collector: PublicKey) -> None:
        self.receipted: set[str] = set()
        self.is_listening = asyncio.Event()
        self._port = port
        self._collector = collector

    async def send(self, messages: Iterable[bytes]) -> None:
        async with aiomqtt.Client("127.0.0.1", self._port, timeout=WITHIN_S) as client:
            for data in messages:
                await client.publish(topic(HOME, "report"), data, qos=1)

    async def listen(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self._port, timeout=WITHIN_S) as client:
            await client.subscribe(topic(HOME, "receipt"), qos=1)
            self.is_listening.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.receipted.add(open_receipt(message.payload, self._collector).digest.hex())


@asynccontextmanager
async def listening(config: Path, port: int) -> AsyncIterator[Gateway]:
    """The gateway, enrolled, that hears its receipts for the length of a block."""
    await asyncio.to_thread(enrol, config)
    async with opened(load(str(config)), now=0) as (_, log):
        gateway = Gateway(port, log.key.public)
    task = asyncio.create_task(gateway.listen())
    try:
        await asyncio.wait_for(gateway.is_listening.wait(), WITHIN_S)
        yield gateway
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_kill_minus_nine_loses_nothing(tmp_path: Path) -> None:
    """Killed again and again while reports come: what the broker took is stored, without anybody sending twice.

    The broker lives on, so each message is either acknowledged, and then stored, or delivered again. Every receipt that
    went out stands for a stored report.
    """
    messages = {number: signed_report(number, seen(DEVICE)) for number in range(1, COUNT + 1)}
    config = tmp_path / "collector.toml"
    async with broker() as mosquitto:
        config.write_text(f'state_dir = "{tmp_path / "state"}"\n[web]\nport = 0\n[broker]\n{beside(mosquitto.port)}')
        async with listening(config, mosquitto.port) as gateway, collecting(config) as (collector, _):
            for first in range(1, COUNT + 1, 100):
                sending = asyncio.create_task(gateway.send(messages[number] for number in range(first, first + 100)))
                seen_before = len(gateway.receipted)
                await eventually(lambda before=seen_before: len(gateway.receipted) > before)  # type: ignore[misc]
                await collector.end(signal.SIGKILL)
                await sending
                await collector.start(until_ready=True)
            wanted = {number: digest(data) for number, data in messages.items()}
            async with asyncio.timeout(WITHIN_S):
                while await stored(config) != wanted:  # noqa: ASYNC110  # it is another process that stores
                    await asyncio.sleep(0.1)
            assert gateway.receipted <= set(wanted.values())
            assert await collector.end() == 0
