"""A program that is kept running, as systemd keeps a service: who ends is started again."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.world.processes import Process

_PAUSE_S = 0.2


class Unit:
    """One program of ours.

    Args:
        log: Where its output goes.
        arguments: As after `python -m`.
        environment: What its environment has besides ours.

    Attributes:
        ended: With which codes it ended though nobody had killed it, and how often.
    """

    def __init__(self, log: Path, *arguments: str, environment: Mapping[str, str]) -> None:
        self.log = log
        self.ended: Counter[int] = Counter()
        self._process = Process(log, *arguments, environment=environment)
        self._killed = False
        self._started = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Keep it running from now on; returns when its process is there."""
        self._keeper = asyncio.create_task(self._keep(), name=f"unit {self.log.stem}")
        await self._started.wait()

    async def kill(self, *, whole: bool) -> bool:
        """End it with SIGKILL, with all of its session or without; its next process is there when this returns.

        Returns:
            Whether it was running.
        """
        if not self._process.is_running:
            return False
        self._started.clear()
        self._killed = True
        with contextlib.suppress(ProcessLookupError):  # it has ended since, which nobody was told yet
            (os.killpg if whole else os.kill)(self._process.pid, signal.SIGKILL)
        await self._started.wait()
        return True

    async def stop(self) -> int:
        """End it in order and for good; its exit code."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        return await self._process.end()

    def children(self) -> list[int]:
        """The processes that it has started itself."""
        pid = self._process.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:  # it runs no more
            return []

    async def _keep(self) -> None:
        while True:
            self._killed = False
            await self._process.start()
            self._started.set()
            code = await self._process.wait(within_s=None)
            if not self._killed:
                self.ended[code] += 1
            await asyncio.sleep(_PAUSE_S)
