"""When a worker that judges makes its rounds: whenever it is woken, each second, and no more than once a second.

- After a second without work what comes is done at once. While it keeps coming it is gathered for a second: a round has
  dozens of queries, whatever it is about, and those of a hundred rounds a second would starve whoever receives.
- As long as there is more than one round can do, the next follows at once.
- Who queues in another process wakes nobody here; each second it is looked for.
"""

import asyncio
import contextlib
import logging
from typing import Final, Protocol

from collector.errors import ClockError, StoreError

PAUSE_S: Final = 1.0
"""How soon work is seen that another process queued, and how long it is gathered while it keeps coming."""

_log = logging.getLogger(__name__)


class Worker(Protocol):
    """Does what is due, a round at a time.

    Attributes:
        most: How much it does in one round.
    """

    most: int

    async def begin(self) -> None:
        """Queue what an earlier run left to be done again."""

    async def round(self) -> int:
        """Do some of what is due; how much, 0 where nothing was."""


async def make_rounds(worker: Worker, what: str, wake: asyncio.Event) -> None:
    """Do whatever comes, until cancelled; a store or a clock that fails is asked again.

    Args:
        worker: Does it.
        what: What waits meanwhile, for the log.
        wake: Set by who has queued something in this process.
    """
    is_begun = False
    while True:
        wake.clear()
        try:
            if not is_begun:
                await worker.begin()
                is_begun = True
            while done := await worker.round():
                if done < worker.most:
                    await asyncio.sleep(PAUSE_S)
        except (ClockError, StoreError) as error:
            _log.warning("%s wait: %s", what, error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_S):
                await wake.wait()
