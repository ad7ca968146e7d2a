"""What the tests of the agent share: a broker, a collector's stand-in, and an agent of one's own."""

import ctypes
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent import readers
from tests.world import readers as simulated
from tests.world.clock import pytest_asyncio_loop_factories
from tests.world.gateway import Gateway
from tests.world.mosquitto import Mosquitto, broker
from tests.world.network import the_only_network
from tests.world.witness import Witness, witness

__all__ = ["pytest_asyncio_loop_factories", "the_only_network"]


@pytest.fixture(autouse=True)
def _simulated_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, *simulated.__path__])


@pytest.fixture
async def mosquitto() -> AsyncIterator[Mosquitto]:
    """A real broker."""
    async with broker() as running:
        yield running


@pytest.fixture
async def collector(mosquitto: Mosquitto) -> AsyncIterator[Witness]:
    """A collector behind it."""
    async with witness(mosquitto.port) as running:
        yield running


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway whose devices are scripted."""
    made = Gateway(tmp_path)
    yield made
    await made.kill()


@pytest.fixture
def small_filesystem(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    libc = ctypes.CDLL(None, use_errno=True)
    mounted = libc.mount(b"tmpfs", os.fsencode(tmp_path), b"tmpfs", 0, b"size=2m")
    if mounted != 0:
        pytest.skip(f"cannot mount a small file system: {os.strerror(ctypes.get_errno())}")
    yield tmp_path
    libc.umount2(os.fsencode(tmp_path), 2)
