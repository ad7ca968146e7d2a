"""Putting on record what files say, in short transactions.

A transaction holds a few hundred drafts, whatever files they are of: one signature of the log and one wait for the disk
for all of them, and a live collector's turn comes soon. A file that is cut off in between is finished by importing it
again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.catalogue.importers import Imported
from collector.catalogue.importing.desk import Desk, File, Part
from collector.catalogue.importing.files import Source
from collector.catalogue.importing.signers import Signers
from collector.store.database import writing
from collector.store.imports import Skip
from collector.transparency.log import Log

BATCH: Final = 500
"""Drafts in one transaction."""


class Recorder:
    """Takes the files of one format in any order and records what they say.

    Args:
        engine: The register.
        log: Its log.
        signers: Who speaks.
        clock: Now, Unix seconds.
        as_of: When the feeds said what files do not date, `YYYY-MM-DDTHH:MM:SSZ`; None: when first imported.

    Attributes:
        new: How many statements went on record, by kind.
        known: How many were there already, by kind.
        undescribed: Models that were spoken of and of which nobody has said what they are.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        log: Log,
        *,
        signers: Signers,
        clock: Callable[[], int],
        as_of: str | None = None,
    ) -> None:
        self.new: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.undescribed: set[str] = set()
        self._engine = engine
        self._log = log
        self._signers = signers
        self._clock = clock
        self._as_of = as_of
        self._parts: list[Part] = []
        self._waiting = 0

    async def take(self, source: Source, imported: Imported) -> Sequence[Skip]:
        """Record what a file says, now or with the next ones.

        Returns:
            What is listed of the files that were recorded.

        Raises:
            StoreError: The register does not take it; what was recorded before stays.
        """
        file = File(source=source, feed=imported.feed)
        drafts = imported.drafts
        listed: list[Skip] = []
        for start in range(0, max(len(drafts), 1), BATCH):
            skipped = () if start else imported.skipped
            part = Part(file=file, drafts=drafts[start : start + BATCH], skipped=skipped, first=not start)
            self._parts.append(part)
            self._waiting += len(part.drafts) + 1  # a file without drafts is work too
            if self._waiting >= BATCH:
                listed += await self.finish()
        return listed

    async def finish(self) -> Sequence[Skip]:
        """Record what waits.

        Returns:
            What is listed of it.

        Raises:
            StoreError: The register does not take it.
        """
        parts, self._parts, self._waiting = self._parts, [], 0
        if not parts:
            return ()
        async with writing(self._engine) as connection:
            now = self._clock()
            desk = await Desk.opened(connection, await self._log.begin(connection, now), self._signers, parts, now)
            for part in parts:
                await desk.settle(part, self._as_of)
            await desk.close()
        self.new += desk.new
        self.known += desk.known
        self.undescribed = (self.undescribed | desk.undescribed) - desk.described
        return desk.listed
