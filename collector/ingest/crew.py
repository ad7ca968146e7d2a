"""The workers of a collector: one process for each share of the shards, started again when it dies.

Signatures are checked and reports read in all of them at once; they write to the one register in turn, since a
transaction of `writing` is the lock of the log. What a dead worker had not acknowledged the broker keeps for its
session and delivers to the next one.
"""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Config
from collector.ingest.health import OK, Health
from collector.ingest.line import Share
from collector.ingest.patience import delays
from collector.ingest.worker import News, Work
from collector.store import checkpoints

FIRST_DELAY_S: Final = 0.2
LAST_DELAY_S: Final = 30.0
GOODBYE_S: Final = 10.0
STARTING: Final = "starting"
# One heap (mallopt(3)): what one thread of a worker makes another lets go, and with a heap for each both wait.
ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "1"}

logger = logging.getLogger(__name__)


class Crew:
    """Workers that are kept at work.

    Args:
        config: As the collector has it.
        engine: The register.
        broker_port: Where the broker is really.
        health: Shows the first worker that is not well.

    Attributes:
        connected: Set once every worker has been at the broker.
    """

    def __init__(self, config: Config, engine: AsyncEngine, broker_port: int, health: Health) -> None:
        shares = [Share(number=number, parts=config.workers) for number in range(config.workers)]
        self._work = [Work(config=config, broker_port=broker_port, share=share) for share in shares]
        self._engine = engine
        self._health = health
        self._states: dict[str, list[tuple[str, str | None]]] = {
            "broker": [(STARTING, None)] * config.workers,
            "store": [(OK, None)] * config.workers,
            "clock": [(OK, None)] * config.workers,
        }
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Keep all at work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in self._work:
                group.create_task(self._keep(work), name=f"worker {work.share.number}")
            group.create_task(checkpoints.keep_short(self._engine), name="checkpoints")

    async def _keep(self, work: Work) -> None:
        waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "collector.ingest.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, **ENVIRONMENT},
            )
            try:
                if await self._listen(process, work):
                    waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
            finally:
                await _end(process)
            self._hear(work.share.number, News(part="broker", state=STARTING, detail="a worker ended"))
            logger.error("worker %d ended with %s; it is started again", work.share.number, process.returncode)
            await asyncio.sleep(next(waits))

    async def _listen(self, process: asyncio.subprocess.Process, work: Work) -> bool:
        """Tell a worker what to do and hear how it fares, until it ends; whether it ever was at work."""
        worked = False
        if process.stdin is not None and process.stdout is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(msgspec.json.encode(work) + b"\n")
                await process.stdin.drain()
            async for line in process.stdout:
                news = msgspec.json.decode(line, type=News)
                self._hear(work.share.number, news)
                worked = worked or (news.part, news.state) == ("broker", OK)
        return worked

    def _hear(self, number: int, news: News) -> None:
        states = self._states[news.part]
        states[number] = (news.state, news.detail)
        state, detail = next((state for state in states if state[0] != OK), (OK, None))
        self._health.set(news.part, state, detail)
        if all(state == OK for state, _ in self._states["broker"]):
            self.connected.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let a worker end in order, for which it has little time."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GOODBYE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
