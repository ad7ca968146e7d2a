"""Keeps programs running: starts them, waits until they say so, starts one again that ended, ends them all.

A program says that it is ready with one line of JSON on its standard output that holds `"ready": true`. Each runs in a
session of its own, so that Ctrl-C reaches the supervisor alone and the programs are ended in order, last started first.
Each inherits the lock on the state directory: should the supervisor be killed, the next one sees that they still live.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

END_WITHIN_S = 10.0  # from SIGTERM to SIGKILL
READY_WITHIN_S = 60.0  # a Raspberry Pi imports slowly
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0  # before a program is started again
LINE_BYTES = 2**20


class ProgramError(Exception):
    """A program that never became ready; the message names it and where its output is."""


class Program:
    """One program that is kept running.

    Args:
        name: What it is called in messages.
        command: What to start.
        log: Where its output goes; appended to.
        lock: The descriptor of the lock that it inherits.
        say: Tells people what happens.
    """

    def __init__(self, name: str, command: list[str], *, log: Path, lock: int, say: Callable[[str], None]) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._lock = lock
        self._say = say
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name=f"demo.{name}")

    async def ready(self) -> dict[str, Any]:
        """What the program said when it was ready.

        Raises:
            ProgramError: It ended again and again, or said nothing in time.
        """
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                return await asyncio.shield(self._ready)
        except TimeoutError as error:
            raise ProgramError(f"{self.name} did not start; its output is in {self._log}") from error

    async def end(self) -> None:
        """End the program and everything that it started in its session."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            was_ready = await self._run_once()
            self._say(f"{self.name} ended; starting it again{self._last_words()}")
            pause = FIRST_PAUSE_S if was_ready else min(2 * pause, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    def _last_words(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").splitlines()
        return f" (it said: {lines[-1][:200]})" if lines and '"ready"' not in lines[-1] else ""

    async def _run_once(self) -> bool:
        was_ready = False
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=(self._lock,),
                limit=LINE_BYTES,
            )
            try:
                async for line in cast("asyncio.StreamReader", process.stdout):
                    log.write(line)
                    log.flush()
                    was_ready = self._heard(line) or was_ready
                await process.wait()
            finally:
                await asyncio.shield(_end_session(process))
        return was_ready

    def _heard(self, line: bytes) -> bool:
        try:
            said = json.loads(line)
        except ValueError:
            return False
        if not isinstance(said, dict) or said.get("ready") is not True:
            return False
        if not self._ready.done():
            self._ready.set_result(said)
        return True


async def _end_session(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN_S):
                await process.wait()
