"""An event loop whose clock stands still while the machine keeps its process waiting.

A simulated device and what reads it share one loop, and a time limit that a test sets short would run out on a busy
machine while neither of them could do anything. By this clock a turn of the loop takes as long as the loop meant to
wait, and a moment for the work, however long it took in truth; and what came is looked at before the time is up.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping

WORK_S = 0.01  # what the work of one turn may count


class Clock(selectors.DefaultSelector):
    """Waits, and says what time it is."""

    now = 0.0


class _Patient(Clock):
    """Waits as ever, and counts what was waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self._seen = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        found = super().select(timeout)
        passed, self._seen = time.monotonic() - self._seen, time.monotonic()
        if timeout is None:
            self.now += passed
        elif found:
            self.now += min(passed, max(WORK_S, timeout - WORK_S))
        else:
            self.now += min(passed, max(0.0, timeout) + WORK_S)
        return found


class ClockedLoop(asyncio.SelectorEventLoop):
    """A loop by the clock of its selector."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(clock)

    def time(self) -> float:
        """What the clock says, in seconds."""
        return self._clock.now


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What a conftest.py imports so that its tests run on such a loop."""
    return {"patient": lambda: ClockedLoop(_Patient())}
