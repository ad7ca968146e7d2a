"""The judge's worker: judges again what was queued and what time may have changed, and keeps where a verdict differs.

- Work is queued in the database, in the transaction that changed a fact, by whatever process did it. So the worker is
  woken by the ingest beside it, and looks by itself each second for what others queued.
- A verdict changes by time alone only at a boundary that the appraisal itself names; until then nobody looks again.
- Facts are read in one snapshot, judged in a thread without the database, and written in one transaction. What was
  queued again meanwhile stays queued.
- Judging costs by what is different: devices that are alike (collector/appraisal/alike.py) are judged once, and what
  was judged is kept until time or another fact can change it. What cannot be shared is judged by itself.
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

from collector.appraisal import Appraisal, Policy, appraise_facts, parse_facts
from collector.appraisal.codes import Code
from collector.appraisal.evidence import Device
from collector.appraisal.facts import AnyFact
from collector.catalogue.crowd import Batch, Case, Crowd
from collector.catalogue.facts import facts_for
from collector.errors import ClockError, StoreError
from collector.store import judgements
from collector.store.database import reading, writing
from collector.store.judgements import Judgement, Task

POLL_S: Final = 1.0
"""How soon work is seen that another process queued."""
BATCH: Final = 2000
"""Devices judged in one transaction: few enough that ingest never waits long for its turn to write."""
KEPT: Final = 50_000
"""Verdicts that are kept for whoever is alike."""
DAY_S: Final = 86_400

_log = logging.getLogger(__name__)


class Judge:
    """Judges devices under one policy, at the time of one clock.

    Args:
        engine: The register.
        policy: The numbers.
        clock: Gives now, Unix seconds.

    Attributes:
        appraised: How many appraisals it has made; less than the devices it has judged.
    """

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._policy_digest = policy.digest()
        self.appraised = 0
        self._crowd = Crowd(policy)
        self._shared: dict[bytes, _Shared] = {}
        self._after: tuple[str, str] | None = None

    async def run(self, wake: asyncio.Event) -> None:
        """Judge whatever comes, until cancelled; a store or a clock that fails is asked again.

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
            except (ClockError, StoreError) as error:
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
            tasks = await judgements.due(connection, now=now, limit=BATCH, after=self._after)
            if not tasks:
                return 0
            these = [(task.gateway, task.device) for task in tasks]
            batch = await self._crowd.load(connection, these, now=now)
            judged, apart = await asyncio.to_thread(self._judge_together, tasks, batch)
            facts = [await facts_for(connection, task.gateway, task.device, self._policy, known=now) for task in apart]
        judged += await asyncio.to_thread(self._judge_apart, apart, facts, now)
        async with writing(self._engine) as connection:
            await judgements.store(
                connection,
                judged,
                now=now,
                policy_version=self._policy.policy_version,
                policy_digest=self._policy_digest,
            )
        queued = [(task.gateway, task.device) for task in tasks if task.queued_at is not None]
        self._after = queued[-1] if queued else None
        return len(tasks)

    def _judge_together(self, tasks: Sequence[Task], batch: Batch) -> tuple[list[Judgement], list[Task]]:
        """What can be said of devices by what is said of those that are alike; and the other tasks."""
        if len(self._shared) > KEPT:
            self._shared.clear()
        judged, apart = [], []
        for task in tasks:
            try:
                judgement = self._judge_alike(task, batch)
            except Exception:  # noqa: BLE001  # judged by itself the fault is told, with the device's name
                judgement = None
            if judgement is None:
                apart.append(task)
            else:
                judged.append(judgement)
        return judged, apart

    def _judge_alike(self, task: Task, batch: Batch) -> Judgement | None:
        """What is said of all that are like a device; None where it must be judged by itself."""
        case = batch.case(task.gateway, task.device)
        read_at = task.last_read_at
        if case is None or read_at is None or not case.runs[case.good].received_at <= read_at <= batch.now:
            return None
        shared = self._share(case.key, case, batch, batch.now)
        stale_at = read_at + shared.fresh_s
        if batch.now < stale_at:
            return shared.of(task, stale_at)
        if task.gateway in batch.refused:
            return None
        return self._share(case.key + b"\nstale", case, batch, read_at).of(task, None)

    def _share(self, key: bytes, case: Case, batch: Batch, read_at: int) -> "_Shared":
        shared = self._shared.get(key)
        if shared is None or not shared.judged_at <= batch.now < shared.until:
            facts = batch.facts_of(case, read_at)
            shared = self._shared[key] = _Shared(facts, batch.now, self._policy)
            self.appraised += 1
        return shared

    def _judge_apart(self, tasks: list[Task], facts: list[list[dict[str, Any]]], now: int) -> list[Judgement]:
        instant = datetime.fromtimestamp(now, UTC)
        self.appraised += len(tasks)
        return [judge(task, told, instant, self._policy) for task, told in zip(tasks, facts, strict=True)]


class _Shared:
    """What is said of all devices that are alike.

    Attributes:
        judged_at: When it was judged.
        until: From then on it may be otherwise.
        fresh_s: How old the last good report may be (E1).
    """

    def __init__(self, facts: list[AnyFact], now: int, policy: Policy) -> None:
        instant = datetime.fromtimestamp(now, UTC)
        self._appraisal = appraise_facts(facts, instant, instant, policy)
        self._verdict = _as_stored(self._appraisal)
        self._again_at = _again_at(self._appraisal)
        to_come = [fact.recorded_at.timestamp() for fact in facts if fact.recorded_at > instant]
        self.judged_at = now
        self.until = min([*to_come, float("inf") if self._again_at is None else self._again_at])
        shown, ages = self._appraisal.shown, policy.report_max_age_days
        battery = isinstance(shown, Device) and shown.model.power == "battery"
        self.fresh_s = (ages.battery if battery else ages.mains) * DAY_S

    def of(self, task: Task, stale_at: int | None) -> Judgement:
        """The judgement of one of the devices, whose last good report grows too old at an instant."""
        ends = [end for end in (stale_at, self._again_at) if end is not None]
        model = _model(self._appraisal, task)
        return Judgement(task=task, model=model, verdict=self._verdict, again_at=min(ends, default=None))


def judge(task: Task, facts: list[dict[str, Any]], now: datetime, policy: Policy) -> Judgement:
    """Judge one device by itself at now, knowing all that is known now."""
    try:
        appraisal = appraise_facts(parse_facts(facts), now, now, policy)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with one device's facts, the others are judged
        _log.exception("device %s of gateway %s cannot be judged", task.device, task.gateway)
        return Judgement(task=task, fault=f"{type(error).__name__}: {error}")
    return Judgement(
        task=task,
        model=_model(appraisal, task),
        verdict=_as_stored(appraisal),
        again_at=_again_at(appraisal),
    )


def _again_at(appraisal: Appraisal) -> int | None:
    return None if appraisal.boundary is None else int(appraisal.boundary.timestamp())


def _as_stored(appraisal: Appraisal) -> dict[str, Any]:
    """The verdicts as the store will give them back."""
    return dict(msgspec.json.decode(msgspec.json.encode(appraisal.verdicts)))


def _model(appraisal: Appraisal, task: Task) -> str | None:
    model = appraisal.shown.model.model if isinstance(appraisal.shown, Device) else None
    if appraisal.verdicts["S"].code not in (Code.MODEL_UNKNOWN, Code.MODEL_AMBIGUOUS):
        model = model or task.model  # evidence that grew too old says nothing new about what the device is
    return model
