"""What the tests of the whole path share: a broker, a collector beside it, and a gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world.collector import Collector, beside
from tests.world.gateway import Gateway
from tests.world.mosquitto import Mosquitto
from tests.world.mosquitto import broker as mosquitto


@pytest.fixture
async def broker() -> AsyncIterator[Mosquitto]:
    """A real broker."""
    async with mosquitto() as running:
        yield running


@pytest.fixture
async def collector(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[Collector]:
    """A collector beside it, not yet started."""
    made = Collector(tmp_path, beside(broker.port))
    yield made
    await made.end()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway whose devices are scripted, not yet started."""
    made = Gateway(tmp_path)
    yield made
    await made.kill()
