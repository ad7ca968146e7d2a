"""When a worker that judges makes its rounds: at once while there is work, then whenever it is woken, and each second.

The second is for what another process queued, which wakes nobody here.
"""

import asyncio
import contextlib
import logging
from typing import Final, Protocol

from collector.errors import ClockError, StoreError

POLL_S: Final = 1.0
"""How soon work is seen that another process queued."""

_log = logging.getLogger(__name__)


class Worker(Protocol):
    """Does what is due, a round at a time."""

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
            while await worker.round():
                pass
        except (ClockError, StoreError) as error:
            _log.warning("%s wait: %s", what, error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await wake.wait()
