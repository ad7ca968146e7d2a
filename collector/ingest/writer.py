"""The writer: group commit, answers, and only then the acknowledgement.

- A batch is whatever has arrived, at most 2000. It closes on what is there and never waits for a count: a broker with a
  window of 20 would wait for our acknowledgement while we wait for its next message.
- Verified beside the database, held against what is stored (intake.py), stored in one transaction (reports, log,
  rejections, counters, the judge's queue), committed; then receipts, refusals and requests go out; then the messages
  are acknowledged in the order in which they came. Whatever dies before the commit, the broker or the agent sends
  again, and the same bytes change nothing.
- What follows from reports (derivation.py) is derived when nothing else is to be done; by turns where that takes long.
- A fault of the store or the clock is a state of the collector, not of a message: nothing is acknowledged, the state is
  shown, and the same batch is tried again, ever more patiently.
- A message on which our own code fails is tried alone, kept as `internal`, and disturbs no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Limits
from collector.errors import ClockError, StoreError
from collector.ingest import screen
from collector.ingest.answers import Answers
from collector.ingest.derivation import Deriver
from collector.ingest.health import OK, Health
from collector.ingest.inbox import Arrival, Inbox
from collector.ingest.intake import Intake, take_in
from collector.ingest.patience import delays
from collector.ingest.requests import Requests
from collector.ingest.screen import Screened
from collector.ingest.settle import Settled, settle
from collector.ingest.tally import Tally
from collector.store import rejected
from collector.store.database import reading, writing
from collector.store.evidence import OutdatedError
from collector.store.gateways import enrolled_keys
from collector.store.rejected import Pending
from collector.transparency.log import Log
from evidence.ids import topic

MAX_BATCH: Final = 2000
PATIENCE_S: Final = 1.0  # without a message, before reminders and held messages are looked at
LOOK_EVERY_S: Final = 10.0  # so often they are where messages come without a pause, as from many gateways
LULL_S: Final = 0.02  # without a message, before what follows from reports is derived
LAG_S: Final = 5.0  # so long what follows from reports may wait while others come; then the two take turns
FIRST_DELAY_S: Final = 0.1
LAST_DELAY_S: Final = 30.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Writer:
    """Turns arrivals into what the register holds.

    Args:
        engine: The register.
        log: The transparency log.
        limits: Bounds of what is kept of messages that are not accepted.
        inbox: Where messages arrive.
        publish: Sends an answer to a topic.
        wake: Called after each commit that may have queued work for the judge.
        health: Where faults of the store and the clock are shown.
        clock: Unix seconds, or a ClockError.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        log: Log,
        limits: Limits,
        inbox: Inbox,
        *,
        publish: Callable[[str, bytes], None],
        wake: Callable[[], None],
        health: Health,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._log = log
        self._limits = limits
        self._inbox = inbox
        self._publish = publish
        self._wake = wake
        self._health = health
        self._clock = clock
        self._deriver = Deriver(engine, inbox.shards)
        self._monotonic = monotonic = asyncio.get_running_loop().time
        self._behind_since: float | None = monotonic()  # what an earlier run left
        self._looked_at = monotonic()
        self._answers = Answers(log.key, monotonic)
        self._tally = Tally(monotonic)
        self._requests = Requests(engine, log, publish, monotonic=monotonic, clock=clock)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._write_held()
        while True:
            is_behind = self._behind_since is not None
            if arrivals := await self._inbox.take(MAX_BATCH, LULL_S if is_behind else PATIENCE_S):
                await self._write(arrivals)
            if not (arrivals or is_behind) or self._monotonic() - self._looked_at >= LOOK_EVERY_S:
                await self._look()
            await self._derive(may_wait=bool(arrivals))

    async def _look(self) -> None:
        """Send the reminders that are due, and judge what was held for somebody who is known by now."""
        await self._patiently(self._remind)
        await self._write_held()
        self._looked_at = self._monotonic()

    async def _derive(self, *, may_wait: bool) -> None:
        """Derive a slice of what waits, if nobody hands in evidence, or if it waited for long."""
        since, now = self._behind_since, self._monotonic()
        if since is None or (may_wait and now - since < LAG_S):
            return
        if not await self._patiently(self._deriver.slice):
            self._behind_since = None
        self._wake()

    async def _write(self, arrivals: Sequence[Arrival]) -> None:
        opened = await asyncio.to_thread(screen.open_all, arrivals)
        try:
            settled = await self._patiently(lambda: self._commit(opened))
        except Exception as error:  # noqa: BLE001  # the supervisor: our own fault must not stop the next message
            await self._write_alone(opened, error)
            return
        self._tally.add(settled.rejected)
        self._tally.tell()
        await self._answer(settled)
        for arrival in arrivals:
            arrival.acknowledge()
        if settled.derive and self._behind_since is None:
            self._behind_since = self._monotonic()
        self._wake()
        if settled.enrolled:
            await self._write_held()

    async def _write_alone(self, opened: Sequence[Screened], error: Exception) -> None:
        """Find the message of a batch on which our own code failed, and keep it as `internal`."""
        if len(opened) > 1:
            for item in opened:
                await self._write([item.arrival])
            return
        await self._patiently(lambda: self._settle([screen.internal(error, opened[0])]))
        opened[0].arrival.acknowledge()

    async def _write_held(self) -> None:
        """Judge what was kept from before its gateway was enrolled, here or by a command beside us."""
        while due := await self._patiently(self._due):
            await self._write(
                [Arrival(topic(item.gateway, item.leaf_topic), item.body, _nobody_waits, held=True) for item in due]
            )

    async def _due(self) -> list[Pending]:
        async with reading(self._engine) as connection:
            return await rejected.due(connection, MAX_BATCH)

    async def _remind(self) -> None:
        self._tally.tell()
        self._clock()  # a wrong clock is seen before the next message comes
        await self._requests.send_due()

    async def _commit(self, opened: Sequence[Screened]) -> Settled:
        key_ids = {item.message.key_id for item in opened if item.message is not None}
        async with reading(self._engine) as connection:
            keys = await enrolled_keys(connection, key_ids)
        return await self._settle(await asyncio.to_thread(screen.authenticate_all, opened, keys, self._clock()))

    async def _settle(self, screened: Sequence[Screened]) -> Settled:
        async with reading(self._engine) as connection:
            intake = await take_in(connection, screened, self._clock())
        try:
            return await self._store(screened, intake)
        except OutdatedError:  # by a command beside us
            return await self._store(screened, None)

    async def _store(self, screened: Sequence[Screened], intake: Intake | None) -> Settled:
        async with writing(self._engine) as connection:
            now = self._clock()
            return await settle(connection, self._log, screened, limits=self._limits, now=now, intake=intake)

    async def _answer(self, settled: Settled) -> None:
        for to, answer in await asyncio.to_thread(self._answers.of, settled):
            self._publish(to, answer)
        self._requests.whole(settled.wanted)
        self._requests.missing(settled.gaps)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what needs store and clock, again and again while one is at fault, with growing delays."""
        waits = delays(FIRST_DELAY_S, LAST_DELAY_S)
        while True:
            try:
                result = await work()
            except (StoreError, ClockError) as error:
                if self._health.set(error.code, error.fault, str(error)):
                    logger.error("%s", error)  # noqa: TRY400  # the operator needs no traceback of a full disk
                await asyncio.sleep(next(waits))
            else:
                for part in (StoreError.code, ClockError.code):
                    if self._health.set(part, OK):
                        logger.info("the %s works again", part)
                return result


def _nobody_waits() -> None:
    """A held message was acknowledged when it was put aside."""
