"""Placing devices: which case each of a batch is. A case that nobody was before, or whose verdict is old, is judged.

What is on record about models may change between the snapshot and the writing. Cases that exist are queued by whoever
changes it; those that are new are queued here.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import Policy
from collector.catalogue.case import Case, encode
from collector.catalogue.crowd import Batch, Crowd, Made
from collector.catalogue.facts import facts_for
from collector.catalogue.shelf import OnRecord, Shelf
from collector.judge.appraiser import Appraiser
from collector.store import cases, judgements
from collector.store.cases import Open, Opened, Outcome, PolicyName
from collector.store.judgements import Place, Task

Fact = dict[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """A case that was judged, to be opened where it is not."""

    case: Opened
    outcome: Outcome


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a batch of devices.

    Attributes:
        where: For each device the key of its case, and when time alone may make it another.
        open: Those of the cases that somebody was already, by key.
        entries: Those that were judged, by key.
        alone: The devices that were judged by themselves.
        on_record: What all were judged by.
        now: The judged instant.
    """

    where: Sequence[tuple[Task, str, int | None]]
    open: Mapping[str, Open]
    entries: Mapping[str, Entry]
    alone: Sequence[Task]
    on_record: OnRecord
    now: int


class Placing:
    """Places devices under one policy.

    Args:
        policy: The numbers.
        shelf: Gives what is on record about models.
        appraiser: Judges cases.
    """

    def __init__(self, policy: Policy, shelf: Shelf, appraiser: Appraiser) -> None:
        self._policy = policy
        self._named = PolicyName(policy.policy_version, policy.digest())
        self._crowd = Crowd(policy, shelf)
        self._appraiser = appraiser

    async def read(self, connection: AsyncConnection, tasks: Sequence[Task], now: int) -> Placed:
        """Find out which case each device is, in one snapshot."""
        batch = await self._crowd.load(connection, [_pair(task) for task in tasks], now=now)
        sorting = await asyncio.to_thread(_sort, tasks, batch)
        made = {each.key: each.case for _, each, _ in sorting if each is not None}
        found = await cases.find(connection, made.keys(), now=now)
        old = {key: case for key, case in made.items() if key not in found or not found[key].is_current}
        entries = await asyncio.to_thread(self._together, old, batch)
        # Devices that share a fault are judged by themselves: then it names the facts that are theirs.
        sound = found.keys() - old.keys() | entries.keys()
        where = [(task, each.key, at) for task, each, at in sorting if each is not None and each.key in sound]
        alone = [task for task, each, _ in sorting if each is None or each.key not in sound]
        facts = [await facts_for(connection, *_pair(task), self._policy, known=now) for task in alone]
        single = await asyncio.to_thread(self._single, alone, facts, now)
        own = [(task, each.case.key, each.outcome.again_at) for task, each in zip(alone, single, strict=True)]
        return Placed(
            where=where + own,
            open=found,
            entries=entries | {each.case.key: each for each in single},
            alone=alone,
            on_record=batch.snapshot.on_record,
            now=now,
        )

    def _together(self, these: Mapping[str, Case], batch: Batch) -> dict[str, Entry]:
        """What is said of cases; those that cannot be judged are left out."""
        said = {key: self._appraiser.of_case(case, batch.snapshot) for key, case in these.items()}
        return {
            key: Entry(Opened(key=key, facts=encode(these[key]).decode(), ids=these[key].ids), outcome)
            for key, outcome in said.items()
            if outcome.fault is None
        }

    def _single(self, alone: Sequence[Task], facts: Sequence[Sequence[Fact]], now: int) -> list[Entry]:
        entries = []
        for task, told in zip(alone, facts, strict=True):
            name = f"device {task.device} of gateway {task.gateway}"
            key = hashlib.sha256(f"{self._named.digest} {name}".encode()).hexdigest()
            ids = {each for fact in told if fact["kind"] == "report" for each in fact["ids"]}
            entries.append(Entry(Opened(key=key, facts=None, ids=ids), self._appraiser.of_device(name, told, now)))
        return entries

    async def write(self, connection: AsyncConnection, placed: Placed) -> None:
        """Keep it, in a writing transaction."""
        now = placed.now
        has_changed = placed.entries and await OnRecord.of(connection, placed.on_record.ids) != placed.on_record
        opened = [entry.case for entry in placed.entries.values()]
        ids = {key: each.id for key, each in placed.open.items()}
        ids |= await cases.open_all(connection, opened, queued_at=now if has_changed else None)
        queued = {key: each.queued_at for key, each in placed.open.items()}
        judged = {ids[key]: (queued.get(key), entry.outcome) for key, entry in placed.entries.items()}
        await cases.store(connection, judged, now=now, policy=self._named)
        where = [Place(task=task, case_id=ids[key], again_at=at) for task, key, at in placed.where]
        faulty = {ids[key] for key, entry in placed.entries.items() if entry.outcome.fault is not None}
        for each in where:
            if each.case_id in faulty and each.task.case_id is not None:
                await cases.inherit(connection, each.case_id, each.task.case_id)
        if has_changed:
            await judgements.queue(connection, map(_pair, placed.alone), at=now)
        await judgements.place(connection, where, now=now)


def _sort(tasks: Sequence[Task], batch: Batch) -> list[tuple[Task, Made | None, int | None]]:
    """For each device its case, and when it grows stale; no case where it must be judged by itself."""
    sorting: list[tuple[Task, Made | None, int | None]] = []
    for task in tasks:
        try:
            made, stale_at = batch.case(_pair(task), task.last_read_at)
        except Exception:  # noqa: BLE001  # judged by itself the fault is told, with the device's name
            made, stale_at = None, None
        sorting.append((task, made, stale_at))
    return sorting


def _pair(task: Task) -> tuple[str, str]:
    return task.gateway, task.device
