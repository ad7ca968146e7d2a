"""The write-ahead log is copied back into the register beside those who write, so that none of their turns waits.

SQLite does that at the end of whichever commit made the log long enough: in the turn to write, for which all workers
wait. Here it is done in no turn as long as that keeps pace. Under a load that never ends it cannot, since meanwhile
more is written; then the rest, which is short, has a turn of its own, after which the log begins anew.
"""

import asyncio
import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.errors import StoreError
from collector.store.database import copy_back

PAUSE_S: Final = 0.5
LONG_PAGES: Final = 32_000  # 128 MiB

_log = logging.getLogger(__name__)


async def keep_short(engine: AsyncEngine) -> None:
    """Copy back what is committed, again and again, until cancelled; a store that is at fault is asked again."""
    is_told = False
    while True:
        await asyncio.sleep(PAUSE_S)
        try:
            if await copy_back(engine) > LONG_PAGES:
                await copy_back(engine, alone=True)
        except StoreError as error:
            if not is_told:
                _log.warning("the write-ahead log waits: %s", error)
            is_told = True
        else:
            is_told = False
