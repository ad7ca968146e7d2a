"""A run: the faults of a plan, each at its time, some at once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

from tests.faults.kinds import KINDS, Fault, inject, plan
from tests.faults.world import World

AT_ONCE = 24  # faults; beyond that the next one waits until one is over
PROGRESS_S = 10.0


class Run:
    """The faults of one plan in one world.

    Args:
        world: What they befall.
        seed: Of the plan.
        count: How many.
        pause_s: Between two, on average.
    """

    def __init__(self, world: World, seed: int, count: int, pause_s: float) -> None:
        self.world = world
        self.seed = seed
        self.count = count
        self.done = 0
        self.met: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        allowed = {"clock": world.clock, "disk": world.disk}
        can = frozenset(name for name, part in allowed.items() if part is not None)
        self._plan = plan(seed, count, len(world.gateways), pause_s, can)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def faults(self, tell: Callable[[], None]) -> None:
        """Make them all; returns when the last is over.

        Args:
            tell: Called now and then, for whoever waits.
        """
        telling = asyncio.create_task(self._tell(tell), name="faults.progress")
        try:
            async with asyncio.TaskGroup() as group:
                for fault in self._plan:
                    await asyncio.sleep(fault.pause_s)
                    await self._room.acquire()
                    group.create_task(self._one(fault), name=f"fault {fault.kind}")
        finally:
            telling.cancel()

    def table(self) -> Iterator[str]:
        """A line for each kind of fault."""
        for name in KINDS:
            if met := self.met[name] + self.missed[name]:
                idle = f", {self.missed[name]} met nothing" if self.missed[name] else ""
                yield f"{met:6} {name}{idle}"

    async def _one(self, fault: Fault) -> None:
        try:
            (self.met if await inject(self.world, fault) else self.missed)[fault.kind] += 1
            self.done += 1
        finally:
            self._room.release()

    async def _tell(self, tell: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            tell()
