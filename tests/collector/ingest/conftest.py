"""A desk with one enrolled household."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.collector.ingest.desk import Desk
from tests.collector.register import HOME, NEIGHBOUR


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A writer at work, at which two gateways are enrolled."""
    async with Desk.open_for_work(tmp_path) as desk:
        await desk.enrol_gateway(HOME)
        await desk.enrol_gateway(NEIGHBOUR)
        yield desk
