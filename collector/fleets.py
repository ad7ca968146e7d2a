"""The worker that counts homes: makes the findings of a model again when something about it changed or its time came.

- A model is queued in the transaction that changed a verdict, a statement about it or a key; by whatever process.
- Between two counts of one model is a pause of a minute, longer for many homes: what changes meanwhile is counted once.
- Once a day it is counted anyway while any home has it, because a home that is heard again changes no verdict, but may
  tell whether a release arrives. Between two days and without a change nothing is looked at.
- It waits until the judge is done with the model's devices, an hour at most: findings are made of verdicts as they
  stand.
- Homes are counted in the database (store/fleets.py), so it costs by how many different things were said of them.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.appraisal import Policy, appraise_homes
from collector.catalogue import fleet
from collector.catalogue.fleet import Gathered
from collector.store import findings, fleets
from collector.store.database import reading, writing
from collector.store.findings import Outcome, Task
from collector.store.spread import Count, spread

AGAIN_S: Final = 86_400
"""How often a model is counted whose homes may have been heard again."""
PATIENCE_S: Final = 3_600
"""How long a model waits for the judge."""
_LOOKED_AT: Final = 100

_log = logging.getLogger(__name__)


class Fleets:
    """Makes findings under one policy, at the time of one clock.

    Args:
        engine: The register.
        policy: The numbers.
        clock: Gives now, Unix seconds.

    Attributes:
        most: A round is about one model.
        counted: How often the homes of a model were counted.
    """

    most = 1

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._policy = policy
        self._policy_digest = policy.digest()
        self._clock = clock
        self.counted = 0

    async def begin(self) -> None:
        """Queue what was never counted, or under another policy.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        async with writing(self._engine) as connection:
            await findings.queue_outdated(connection, self._policy_digest, at=self._clock())

    async def round(self) -> bool:
        """Count the homes of one model that is due; whether there was one.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        now = self._clock()
        async with reading(self._engine) as connection:
            task = await self._next(connection, now)
            if task is None:
                return False
            gathered = await fleet.gather(connection, task.model, self._policy, now=now)
            counts = await spread(connection, task.model)
        outcome = await asyncio.to_thread(self._judged, task, gathered, counts, now)
        async with writing(self._engine) as connection:
            if outcome is None:
                await findings.put_off(connection, task, until=now + AGAIN_S)
            else:
                version, digest = self._policy.policy_version, self._policy_digest
                await findings.store(connection, outcome, now=now, policy_version=version, policy_digest=digest)
        return True

    async def _next(self, connection: AsyncConnection, now: int) -> Task | None:
        for task in await findings.due(connection, now=now, limit=_LOOKED_AT):
            if task.due_at <= now - PATIENCE_S or not await fleets.waits(connection, task.model, now=now):
                return task
        return None

    def _judged(self, task: Task, gathered: Gathered, counts: list[Count], now: int) -> Outcome | None:
        self.counted += 1
        try:
            return self._outcome(task, gathered, counts, now)
        except Exception:  # noqa: BLE001  # whatever is wrong with one model, the others are counted
            _log.exception("the homes of %s cannot be counted; tried again in a day", task.model)
            return None

    def _outcome(self, task: Task, gathered: Gathered, counts: list[Count], now: int) -> Outcome:
        entry = gathered.product.entry
        homes = fleet.homes(gathered, self._policy)
        instant = datetime.fromtimestamp(now, UTC)
        appraisal = appraise_homes(task.model, gathered.shared, homes, instant, instant, self._policy)
        ends = [] if appraisal.boundary is None else [int(appraisal.boundary.timestamp())]
        if appraisal.verdict.with_report:
            ends.append(now + AGAIN_S)
        return Outcome(
            task=task,
            manufacturer=entry.manufacturer if entry else None,
            verdict=msgspec.json.decode(appraisal.verdict.to_json()),
            evidence=fleet.evidence(gathered, homes),
            spread=counts,
            again_at=min(ends, default=None),
        )
