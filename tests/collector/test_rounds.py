"""When rounds are made: at once after a rest, then gathered for a second; a full one is followed by the next.

Time here is the event loop's own: it goes on when all wait for it and at no other time, whatever the machine does.
"""

import asyncio
import contextlib
import itertools
import selectors
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from collector.rounds import PAUSE_S, make_rounds
from tests.world.clock import Clock, ClockedLoop


class NoWait(Clock):
    """Waits for nobody: what time would go by has gone by."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run it in such a loop."""
    with asyncio.Runner(loop_factory=lambda: ClockedLoop(NoWait())) as runner:
        runner.run(scenario)


class Work:
    """Does so much in each round as it is told, then nothing; notes when."""

    most = 2

    def __init__(self, *amounts: int) -> None:
        self._left = list(amounts)
        self._loop = asyncio.get_running_loop()
        self.at: list[float] = []
        self.is_done = asyncio.Event()

    async def begin(self) -> None:
        """Nothing was left."""

    async def round(self) -> int:
        """As much as is told."""
        self.at.append(self._loop.time())
        if not self._left:
            self.is_done.set()
            return 0
        return self._left.pop(0)

    def pauses(self) -> list[float]:
        """How long there was no round, between every two."""
        return [later - earlier for earlier, later in itertools.pairwise(self.at)]


@asynccontextmanager
async def rounds(work: Work, wake: asyncio.Event) -> AsyncIterator[None]:
    """Somebody makes rounds, for a bounded time."""
    making = asyncio.create_task(make_rounds(work, "work", wake))
    try:
        async with asyncio.timeout(10 * PAUSE_S):
            yield
    finally:
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await making


def test_what_one_round_cannot_do_is_done_at_once() -> None:
    """A backlog is worked off without a pause, whatever comes meanwhile."""

    async def scenario() -> None:
        work = Work(2, 2, 2)
        async with rounds(work, asyncio.Event()):
            await work.is_done.wait()
        assert work.pauses() == [0, 0, 0]

    run(scenario())


def test_what_keeps_coming_is_gathered() -> None:
    """However often somebody wakes it: a round that was not full is followed by a pause."""

    async def scenario() -> None:
        wake = asyncio.Event()
        wake.set()
        work = Work(1, 2)
        async with rounds(work, wake):
            await work.is_done.wait()
        assert work.pauses() == [PAUSE_S, 0]

    run(scenario())


def test_who_rests_is_woken_at_once() -> None:
    """After a round without work the next does not wait for its second."""

    async def scenario() -> None:
        wake, work = asyncio.Event(), Work()
        async with rounds(work, wake):
            await work.is_done.wait()
            work.is_done.clear()
            wake.set()
            await work.is_done.wait()
        assert work.pauses() == [0]

    run(scenario())
