"""Real processes of the product, started, watched and killed by tests."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

READY_WITHIN_S = 90.0
END_WITHIN_S = 60.0
LINE_BYTES = 2**20


class Process:
    """One program of ours, in a session of its own; its output is kept in a file.

    Args:
        log: Where its output goes; what a failing test shows.
        arguments: As after `python -m`.
        environment: What its environment has besides ours.
    """

    def __init__(self, log: Path, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self._log = log
        self._arguments = arguments
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *, until_ready: bool = False) -> dict[str, Any]:
        """Start it; with `until_ready` what its ready line said."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if until_ready else log,
                stderr=log,
                env={**os.environ, **self._environment},
                start_new_session=True,
                limit=LINE_BYTES,
            )
        if not until_ready:
            return {}
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                line = await cast("asyncio.StreamReader", self._process.stdout).readline()
            return dict(json.loads(line))
        except (TimeoutError, ValueError) as error:
            raise AssertionError(f"{self._arguments} did not become ready:\n{self.output()}") from error

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code, negative for a signal."""
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            return await asyncio.wait_for(process.wait(), END_WITHIN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise AssertionError(f"{self._arguments} did not end on {number.name}:\n{self.output()}") from None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._process is not None and self._process.returncode is None

    async def wait(self, within_s: float | None = READY_WITHIN_S) -> int:
        """Wait until it ends by itself; the exit code."""
        return await asyncio.wait_for(self._process.wait(), within_s) if self._process else 0

    async def kill(self) -> None:
        """End it as a loss of power would."""
        await self.end(signal.SIGKILL)

    def output(self) -> str:
        """All that it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


@asynccontextmanager
async def running(
    log: Path, *arguments: str, until_ready: bool = False
) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    """A process for the length of a block, and what it said when it was ready."""
    process = Process(log, *arguments)
    try:
        yield process, await process.start(until_ready=until_ready)
    finally:
        await process.end()


async def command(*arguments: str, accepting: Collection[int] = (0,)) -> str:
    """Run one command of ours to its end; what it printed.

    Args:
        arguments: As after `python -m`.
        accepting: The exit codes that it may end with.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), READY_WITHIN_S)
    assert process.returncode in accepting, (
        f"{arguments} ended with {process.returncode}:\n{out.decode()}{err.decode()}"
    )
    return out.decode()


async def eventually(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not await asyncio.to_thread(condition):
        assert asyncio.get_running_loop().time() < deadline, f"did not come true within {within_s} s"
        await asyncio.sleep(0.05)
