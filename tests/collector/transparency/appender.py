"""One of several processes that append to one log: `STATE_DIR NAME BATCHES`; prints the receipts it got, in hex."""

import asyncio
import hashlib
import sys

from collector.config import Config
from collector.register import opened
from collector.store.database import writing

PER_BATCH = 3


def digests(name: str, batch: int) -> list[str]:
    return [hashlib.sha256(f"{name}/{batch}/{number}".encode()).hexdigest() for number in range(PER_BATCH)]


async def append(state_dir: str, name: str, batches: int) -> None:
    async with opened(Config(state_dir=state_dir), now=0) as (engine, log):
        for number in range(batches):
            async with writing(engine) as connection:
                batch = await log.append(connection, digests(name, number), number)
            for digest in digests(name, number):
                print(batch.receipt(digest).hex())


if __name__ == "__main__":
    asyncio.run(append(sys.argv[1], sys.argv[2], int(sys.argv[3])))
