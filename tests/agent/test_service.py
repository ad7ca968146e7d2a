"""What the service says to systemd, and what it loads."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent import config, enrolment
from agent.enrolment import Enrolment
from agent.publisher import Connect
from agent.service import Service
from evidence.keys import SigningKey
from tests.world.gateway import Gateway
from tests.world.manager import Manager
from tests.world.processes import eventually

ENROLMENT = Enrolment(
    host="127.0.0.1", port=1, tls=False, log="0" * 32, collector=SigningKey(bytes(32)).public.data.hex(), enrolled_at=0
)


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """A service manager that watches."""
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    yield manager
    manager.close()


async def test_a_healthy_service_is_ready_feeds_the_watchdog_and_says_that_it_stops(
    gateway: Gateway, systemd: Manager
) -> None:
    """Type=notify with WatchdogSec."""
    await gateway.start()
    await eventually(lambda: systemd.heard().count("WATCHDOG=1") >= 3)
    await gateway.stop()
    assert systemd.heard()[0] == "READY=1"
    assert systemd.heard()[-1] == "STOPPING=1"


async def test_a_loop_that_hangs_starves_the_watchdog(gateway: Gateway, systemd: Manager) -> None:
    """Though the other goes on: systemd then starts it anew."""

    @asynccontextmanager
    async def hang(_enrolment: Enrolment, _gateway: str):  # type: ignore[no-untyped-def]  # it never yields
        await asyncio.Event().wait()
        yield

    connect: Connect = hang
    gateway.state_dir.mkdir(mode=0o700)
    enrolment.propose(gateway.state_dir, ENROLMENT)
    (gateway.state_dir / enrolment.PENDING_FILE).rename(gateway.directory / "enrolment.json")
    service = Service(config.load(gateway.config), connect)
    (gateway.directory / "enrolment.json").rename(gateway.state_dir / "enrolment.json")
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    await eventually(lambda: len(gateway.waiting()) == 1)
    gateway.finds()
    await eventually(lambda: len(gateway.waiting()) == 2)
    stop.set()
    await running
    assert systemd.heard().count("WATCHDOG=1") <= 1


async def test_under_the_journal_each_line_has_its_priority(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """sd-daemon(3); also each line of a traceback."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    gateway.finds(exception="our own fault")
    await gateway.start()
    await eventually(lambda: "round devices=0" in gateway.log())
    lines = gateway.log().splitlines()
    assert "<3>reader_error source=read[0] reader=scripted" in lines
    assert "<3>ValueError: our own fault" in lines
    assert any(line.startswith("<6>round devices=0 failed=0 sources_failed=1 report=-") for line in lines)
    assert all(line[0] == "<" for line in lines)


async def test_a_healthy_round_is_one_line(gateway: Gateway) -> None:
    """What a journal keeps for years."""
    await gateway.start()
    await eventually(lambda: gateway.log().count("round ") >= 2)
    await gateway.stop()
    assert all(" INFO round devices=1 failed=0 " in line for line in gateway.log().splitlines())


async def test_importing_the_agent_loads_only_what_every_command_needs() -> None:
    """Nothing of the collector's, no reader's library, no MQTT: the smallest gateway has little memory."""
    collectors = {"aiosqlite", "alembic", "amqtt", "collector", "jinja2", "litestar", "sqlalchemy", "uvicorn"}
    heavy = {*collectors, "aiomqtt", "paho", "pymodbus", "serial", "dbus_fast"}
    code = "import sys, agent.__main__; agent.__main__.build_parser(); print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    loaded = set(out.decode().split())
    assert "agent.commands.enrol" in loaded
    assert loaded & heavy == set()
