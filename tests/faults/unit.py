"""A program that is kept running, as systemd keeps a service: who ends is started again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

_PAUSE_S = 0.2
_END_WITHIN_S = 30.0


class Unit:
    """One program of ours in a session of its own.

    Args:
        log: Where its output goes.
        arguments: As after `python -m`.
        environment: What its environment has besides ours.

    Attributes:
        ended: With which codes it ended though nobody had killed it, and how often.
    """

    def __init__(self, log: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.log = log
        self.ended: Counter[int] = Counter()
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._killed = False
        self._started = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Keep it running from now on; returns when its process is there."""
        self._keeper = asyncio.create_task(self._keep(), name=f"unit {self.log.stem}")
        await self._started.wait()

    async def kill(self, *, whole: bool) -> bool:
        """End it with SIGKILL, with all of its session or without; it is there again when this returns."""
        process = self._process
        if process is None:
            return False
        self._started.clear()
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if whole else os.kill)(process.pid, signal.SIGKILL)
        await self._started.wait()
        return True

    async def stop(self) -> int:
        """End it in order and for good; its exit code, or that of SIGKILL where it did not end in time."""
        if self._keeper is None:
            return 0
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        return await self._end()

    def children(self) -> list[int]:
        """The processes that it has started itself."""
        if self._process is None:
            return []
        pid = self._process.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    async def _keep(self) -> None:
        while True:
            self._killed = False
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", *self._arguments),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            self._started.set()
            code = await self._process.wait()
            if not self._killed:
                self.ended[code] += 1
            await asyncio.sleep(_PAUSE_S)

    async def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), _END_WITHIN_S)
        raise TimeoutError(f"{self._arguments} does not die")
