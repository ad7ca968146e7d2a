"""The collector's clock, and when it is not to be believed.

What goes on record under a wrong clock is wrong for good, and a report that seems to come from the future is refused.
So nothing is recorded or judged while the clock is evidently wrong: broker and agents keep what comes meanwhile.

- `behind`: at the start it says an instant before the newest entry of the log. A machine whose clock has no battery
  wakes up in the past, until it has asked somebody.
- `set`: it was set by more than five minutes while the collector ran; CLOCK_BOOTTIME, which nobody sets, tells.

It is believed as soon as it agrees again, or when it has stayed as it is for ten minutes: then it was put right.
"""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.errors import ClockError, ClockFault
from collector.store.database import reading
from collector.store.statements import newest_recorded_at

STEP_S: Final = 300
"""How far the clock may be moved at once; also how far ahead a report may be issued."""
SETTLED_S: Final = 600
"""How long a clock has to stay as it is to be believed."""


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """Gives Unix seconds, as long as they can be believed.

    Args:
        newest: When the newest entry of the log was recorded, Unix seconds.
        wall: The clock.
        steady: Seconds that pass, whatever the clock is set to.
    """

    def __init__(
        self, newest: int | None, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _since_boot
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._believed: float | None = None  # wall less steady, when it was last believed
        self._least = newest or 0
        self._doubted: tuple[float, float] | None = None  # wall less steady, and since when, steady

    @classmethod
    async def of_register(cls, engine: AsyncEngine) -> "Clock":
        """The clock of this machine, which must not be behind the register.

        Raises:
            StoreError: The database does not give what it must.
        """
        async with reading(engine) as connection:
            return cls(await newest_recorded_at(connection))

    def __call__(self) -> int:
        """Now.

        Raises:
            ClockError: The clock cannot be believed.
        """
        wall, steady = self._wall(), self._steady()
        offset = wall - steady
        fault = self._fault(wall, offset)
        if fault is not None and not self._has_settled(offset, steady):
            raise fault
        self._believed, self._doubted = offset, None
        return int(wall)

    def _fault(self, wall: float, offset: float) -> ClockError | None:
        if self._believed is None:
            if wall >= self._least - STEP_S:
                return None
            by = f"the clock is {self._least - wall:.0f} s behind the newest entry of the log"
            return ClockError(f"{by}; set it: nothing is recorded before", ClockFault.BEHIND)
        step = offset - self._believed
        if abs(step) <= STEP_S:
            return None
        by = f"the clock was set by {step:+.0f} s while the collector ran"
        return ClockError(
            f"{by}; nothing is recorded until it is back, or has stayed so for ten minutes", ClockFault.SET
        )

    def _has_settled(self, offset: float, steady: float) -> bool:
        if self._doubted is None or abs(offset - self._doubted[0]) > STEP_S:
            self._doubted = offset, steady
        return steady - self._doubted[1] >= SETTLED_S
