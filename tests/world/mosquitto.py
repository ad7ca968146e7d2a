"""Real Mosquitto on a free port of the loopback, without a disk of its own: what it knows it forgets when it dies."""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.required import missing

_WITHIN_S = 60.0
_ATTEMPTS = 5
_LEAST_PORT = 5000
_MOST_WORKERS = 16


class Mosquitto:
    """A broker that can be killed and started again on the same port."""

    def __init__(self, directory: Path, config: str = "allow_anonymous true\n") -> None:
        self.port = 0
        self._config = config
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; returns when it takes connections."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if program is None:
            missing("mosquitto", "mosquitto is not installed: apt-get install mosquitto")
        for _ in range(_ATTEMPTS):
            port = self.port or free_port()
            config = self._directory / "mosquitto.conf"
            config.write_text(self.text(port))
            self._process = await asyncio.create_subprocess_exec(
                program,
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await self._takes_connections(port):
                self.port = port
                return
            await self.kill()
        raise AssertionError("mosquitto does not start")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else 0

    def text(self, port: int) -> str:
        """Its configuration."""
        return f"listener {port} 127.0.0.1\npersistence false\nuser root\n{self._config}"

    async def kill(self) -> None:
        """End it with SIGKILL: sessions and queued messages are gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def _takes_connections(self, port: int) -> bool:
        process = self._process
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WITHIN_S):
                while process is not None and process.returncode is None:
                    with contextlib.suppress(ConnectionError):
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        await writer.wait_closed()
                        return True
                    await asyncio.sleep(0.01)
        return False


@asynccontextmanager
async def broker() -> AsyncIterator[Mosquitto]:
    """A broker for the length of a block."""
    with tempfile.TemporaryDirectory() as directory:
        mosquitto = Mosquitto(Path(directory))
        await mosquitto.start()
        try:
            yield mosquitto
        finally:
            await mosquitto.kill()


@asynccontextmanager
async def mosquitto() -> AsyncIterator[int]:
    """The port of a broker for the length of a block."""
    async with broker() as running:
        yield running.port


def free_port() -> int:
    """A port that was free a moment ago, and stays so while nobody listens there."""
    for port in itertools.islice(_PORTS, 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _ports() -> Iterator[int]:
    """Ports below those that the system gives to whoever wants any, other ones for each process of tests."""
    least_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(range(_LEAST_PORT + worker, max(least_given, 2 * _LEAST_PORT), _MOST_WORKERS))
    random.shuffle(ports)
    return itertools.cycle(ports)


_PORTS = _ports()
