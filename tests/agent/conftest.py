"""What the tests of the agent share: a broker, a collector's stand-in, and an agent of one's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import readers
from tests.world import readers as simulated
from tests.world.gateway import Gateway
from tests.world.mosquitto import Mosquitto, broker
from tests.world.witness import Witness, witness


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
