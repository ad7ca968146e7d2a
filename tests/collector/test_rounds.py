"""When rounds are made: at once after a rest, then gathered for a second; a full one is followed by the next."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector.rounds import PAUSE_S, make_rounds

SOON_S = PAUSE_S / 2


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

    def pauses(self) -> list[bool]:
        """Between every two rounds whether there was a pause."""
        return [later - earlier > SOON_S for earlier, later in zip(self.at, self.at[1:], strict=False)]


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


async def test_what_one_round_cannot_do_is_done_at_once() -> None:
    """A backlog is worked off without a pause, whatever comes meanwhile."""
    work = Work(2, 2, 2)
    async with rounds(work, asyncio.Event()):
        await work.is_done.wait()
    assert work.pauses() == [False, False, False]


async def test_what_keeps_coming_is_gathered() -> None:
    """However often somebody wakes it: a round that was not full is followed by a pause."""
    wake = asyncio.Event()
    wake.set()
    work = Work(1, 2)
    async with rounds(work, wake):
        await work.is_done.wait()
    assert work.pauses() == [True, False]


async def test_who_rests_is_woken_at_once() -> None:
    """After a round without work the next does not wait for its second."""
    wake, work = asyncio.Event(), Work()
    async with rounds(work, wake):
        await work.is_done.wait()
        work.is_done.clear()
        wake.set()
        await work.is_done.wait()
    assert work.pauses() == [False]
