"""The judge's worker: judges again what was queued and what time may have changed, and keeps where a verdict differs.

- Work is queued in the database, in the transaction that changed a fact, by whatever process did it. When its rounds
  are made says `collector.rounds`.
- A verdict changes by time alone only at a boundary that the appraisal itself names; until then nobody looks again.
- Judging costs by what is different. Devices that no rule can tell apart are one case (catalogue/case.py), and its
  verdict is theirs: what a report changes has the device placed again, what is on record about a model has cases judged
  again, and no device is touched for it. Cases that match the same models share an appraisal too.
- A device that cannot be such a case (catalogue/crowd.py) is judged by itself.
- Facts are read in one snapshot, judged in a thread without the database, and written in one transaction. What was
  queued again meanwhile stays queued; a case that is new, where what is on record has changed meanwhile, is queued.
- A device whose facts cannot be judged keeps its last verdict, shows the fault, and holds up nobody else.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.appraisal import Policy
from collector.catalogue.case import Case, decode
from collector.catalogue.shelf import Shelf, Snapshot
from collector.judge.appraiser import Appraiser
from collector.judge.placing import Placing
from collector.store import cases, judgements
from collector.store.cases import Outcome, PolicyName
from collector.store.database import reading, writing

BATCH: Final = 2000
"""Devices, and cases, of one transaction: few enough that ingest never waits long for its turn to write."""


class Judge:
    """Judges under one policy, at the time of one clock.

    Args:
        engine: The register.
        policy: The numbers.
        clock: Gives now, Unix seconds.

    Attributes:
        most: A round that does less leaves nothing.
    """

    most = BATCH

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._clock = clock
        self._named = PolicyName(policy.policy_version, policy.digest())
        self._shelf = Shelf(policy)
        self._appraiser = Appraiser(policy)
        self._placing = Placing(policy, self._shelf, self._appraiser)
        self._after: tuple[str, str] | None = None

    @property
    def appraised(self) -> int:
        """How many appraisals it has made."""
        return self._appraiser.count

    async def begin(self) -> None:
        """Queue what an earlier run judged under another policy.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        async with writing(self._engine) as connection:
            await cases.close_other_policies(connection, self._named, at=self._clock())

    async def round(self) -> int:
        """Place one batch of devices and judge one batch of cases that are due now; how many both were.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        now = self._clock()
        return await self._place_devices(now) + await self._judge_cases(now)

    async def _judge_cases(self, now: int) -> int:
        async with reading(self._engine) as connection:
            due = await cases.due(connection, now=now, limit=BATCH)
            if not due:
                return 0
            told = {each.id: decode(each.facts) for each in due if each.has_devices}
            ids = {name for case in told.values() for name in case.ids}
            snapshot = await self._shelf.load(connection, ids, now=now)
        outcomes = await asyncio.to_thread(self._outcomes, told, snapshot)
        queued = {each.id: each.queued_at for each in due}
        async with writing(self._engine) as connection:
            await cases.close(connection, queued.keys() - told.keys())
            judged = {number: (queued[number], outcome) for number, outcome in outcomes.items()}
            await cases.store(connection, judged, now=now, policy=self._named)
        return len(due)

    async def _place_devices(self, now: int) -> int:
        async with reading(self._engine) as connection:
            tasks = await judgements.due(connection, now=now, limit=BATCH, after=self._after)
            if not tasks:
                return 0
            placed = await self._placing.read(connection, tasks, now)
        async with writing(self._engine) as connection:
            await self._placing.write(connection, placed)
        queued = [(task.gateway, task.device) for task in tasks if task.queued_at is not None]
        self._after = queued[-1] if queued else None
        return len(tasks)

    def _outcomes(self, told: Mapping[int, Case], snapshot: Snapshot) -> dict[int, Outcome]:
        return {number: self._appraiser.of_case(case, snapshot) for number, case in told.items()}
