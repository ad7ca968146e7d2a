"""What processes have used, as Linux counts it (proc(5)): processor time and memory of a program and its children."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Seconds of processor time, in user and kernel, of a process and its living descendants."""
    fields = [_stat(each) for each in _family(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / _TICKS


def rss_mb(pid: int) -> int:
    """Memory that is in use by a process and its living descendants; what they share counts for each."""
    return round(sum(int(_stat(each)[21]) for each in _family(pid)) * _PAGE / 2**20)


@asynccontextmanager
async def memory_of(pid: int) -> AsyncIterator[list[int]]:
    """The `rss_mb` of a program, again each second while something is done, and at the end."""
    samples = [rss_mb(pid)]

    async def look() -> None:
        while True:
            await asyncio.sleep(1)
            samples.append(rss_mb(pid))

    task = asyncio.create_task(look())
    try:
        yield samples
        samples.append(rss_mb(pid))
    finally:
        task.cancel()


def quarters(samples: Sequence[int]) -> list[int]:
    """The first of some samples, those after each quarter, and the last."""
    return [samples[(len(samples) - 1) * quarter // 4] for quarter in range(5)]


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
