"""The judge's worker: judges again what was queued and what time may have changed, and keeps where a verdict differs.

- Work is queued in the database, in the transaction that changed a fact, by whatever process did it. So the worker is
  woken by the ingest beside it, and looks by itself each second for what others queued.
- A verdict changes by time alone only at a boundary that the appraisal itself names; until then nobody looks again.
- Facts are read in one snapshot, judged in a thread without the database, and written in one transaction. What was
  queued again meanwhile stays queued.
- A device whose facts cannot be judged keeps its last verdict, shows the fault, and holds up nobody else.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.appraisal import Policy, appraise_facts, parse_facts
from collector.appraisal.codes import Code
from collector.appraisal.evidence import Device
from collector.catalogue.facts import facts_for
from collector.errors import StoreError
from collector.store import judgements
from collector.store.database import reading, writing
from collector.store.judgements import Judgement, Task

POLL_S: Final = 1.0
"""How soon work is seen that another process queued."""
BATCH: Final = 64
"""Devices judged in one transaction: few enough that ingest never waits long for its turn to write."""

_log = logging.getLogger(__name__)


class Judge:
    """Judges devices under one policy, at the time of one clock.

    Args:
        engine: The register.
        policy: The numbers.
        clock: Gives now, Unix seconds.
    """

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._policy_digest = policy.digest()

    async def run(self, wake: asyncio.Event) -> None:
        """Judge whatever comes, until cancelled; a store that fails is tried again.

        Args:
            wake: Set by who has queued something in this process.
        """
        is_begun = False
        while True:
            wake.clear()
            try:
                if not is_begun:
                    await self.begin()
                    is_begun = True
                while await self.round():
                    pass
            except StoreError as error:
                _log.warning("verdicts wait: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await wake.wait()

    async def begin(self) -> None:
        """Queue what an earlier run judged under another policy.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        async with writing(self._engine) as connection:
            await judgements.queue_other_policies(connection, self._policy.policy_version, at=self._clock())

    async def round(self) -> int:
        """Judge one batch of what is due now; how many devices that were.

        Raises:
            StoreError: The database does not take or give what it must.
        """
        now = self._clock()
        async with reading(self._engine) as connection:
            tasks = await judgements.due(connection, now=now, limit=BATCH)
            facts = [await facts_for(connection, task.gateway, task.device, self._policy, known=now) for task in tasks]
        if not tasks:
            return 0
        judged = await asyncio.to_thread(self._judge, tasks, facts, now)
        async with writing(self._engine) as connection:
            await judgements.store(
                connection,
                judged,
                now=now,
                policy_version=self._policy.policy_version,
                policy_digest=self._policy_digest,
            )
        return len(tasks)

    def _judge(self, tasks: Sequence[Task], facts: Sequence[list[dict[str, Any]]], now: int) -> list[Judgement]:
        instant = datetime.fromtimestamp(now, UTC)
        return [judge(task, told, instant, self._policy) for task, told in zip(tasks, facts, strict=True)]


def judge(task: Task, facts: list[dict[str, Any]], now: datetime, policy: Policy) -> Judgement:
    """Judge one device at now, knowing all that is known now."""
    try:
        appraisal = appraise_facts(parse_facts(facts), now, now, policy)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with one device's facts, the others are judged
        _log.exception("device %s of gateway %s cannot be judged", task.device, task.gateway)
        return Judgement(task=task, fault=f"{type(error).__name__}: {error}")
    model = appraisal.shown.model.model if isinstance(appraisal.shown, Device) else None
    if appraisal.verdicts["S"].code not in (Code.MODEL_UNKNOWN, Code.MODEL_AMBIGUOUS):
        model = model or task.model  # evidence that grew too old says nothing new about what the device is
    return Judgement(
        task=task,
        model=model,
        verdict=msgspec.json.decode(msgspec.json.encode(appraisal.verdicts)),  # as the store will give it back
        again_at=None if appraisal.boundary is None else int(appraisal.boundary.timestamp()),
    )
