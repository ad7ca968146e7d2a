"""A worker: a process of its own for one line of the ingest (`python -m collector.ingest.worker`).

It is told on the first line of stdin what to do, and tells on stdout how it fares, a line of JSON for each change. It
ends in order when stdin does, so it never outlives the collector, however that ends; or on a signal.
"""

import asyncio
import contextlib
import gc
import signal
import sys
import time
from typing import Final

import msgspec

from collector import logs
from collector.config import Config
from collector.ingest.clock import Clock
from collector.ingest.health import Health
from collector.ingest.line import Line, Share
from collector.register import opened

SWEEP_S: Final = 1.0  # between two searches for cycles: a query is one, with all the names it asked for


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to do."""

    config: Config
    broker_port: int
    share: Share


class News(msgspec.Struct, frozen=True, kw_only=True):
    """How one part of a worker fares from now on, as in its health."""

    part: str
    state: str
    detail: str | None = None


def clock() -> int:
    """Unix seconds."""
    return int(time.time())


async def run() -> None:
    """Work until nobody wants it any more."""
    loop, stdin = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    told = await stdin.readline()
    if not told:
        return  # the collector was killed meanwhile
    work = msgspec.json.decode(told, type=Work)
    end = asyncio.ensure_future(stdin.read())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.cancel)
    async with opened(work.config, now=clock(), worker=True) as (engine, log):
        line = Line(
            engine,
            log,
            work.config,
            broker_port=work.broker_port,
            share=work.share,
            wake=_the_judge_looks_by_itself,
            health=Health(clock, tell=_tell),
            clock=await Clock.of_register(engine),
        )
        tasks = {asyncio.create_task(line.run(), name="line"), asyncio.create_task(_sweep(), name="sweep")}
        done, _ = await asyncio.wait({*tasks, end}, return_when=asyncio.FIRST_COMPLETED)
        for task in done & tasks:
            await task
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _sweep() -> None:
    """Search for cycles by the clock: counting objects, Python would do so twice in each batch, all of it alive."""
    gc.freeze()  # what is there now stays
    gc.disable()
    while True:
        await asyncio.sleep(SWEEP_S)
        gc.collect()


def _tell(part: str, state: str, detail: str | None) -> None:
    with contextlib.suppress(BrokenPipeError):  # the collector was killed, and the end of stdin is on its way
        sys.stdout.buffer.write(msgspec.json.encode(News(part=part, state=state, detail=detail)) + b"\n")
        sys.stdout.buffer.flush()


def _the_judge_looks_by_itself() -> None:
    """What other processes queue it finds within a second."""


if __name__ == "__main__":
    logs.to_stderr()
    asyncio.run(run())
