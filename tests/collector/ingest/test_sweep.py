"""A worker looks for cycles by the clock, and by nothing else."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from collector.ingest import worker
from tests.collector.ingest.desk import WITHIN_S


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collecting() -> Iterator[None]:
    """Leaves the collector of cycles as it is for all other tests."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collecting")
async def test_a_cycle_is_found_without_python_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SWEEP_S", 0.01)
    sweeping = asyncio.create_task(worker._sweep())
    await asyncio.sleep(0)
    assert not gc.isenabled()
    let_go, lost = asyncio.Event(), Knot()
    weakref.finalize(lost, let_go.set)
    del lost
    async with asyncio.timeout(WITHIN_S):
        await let_go.wait()
    sweeping.cancel()
