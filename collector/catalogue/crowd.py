"""The cases of many devices at once.

Most devices are some case: those that were read at least once, and of which nobody stated more than sales, units and
notices. What then counts of their reports is each run's first one, the time at which the device was last read (E1), and
how often it could not be read since (F-silent). Rejections are asked for only where the device was not read for too
long (E1). Everybody else must be judged by himself, from all his facts (`facts_for`), and so must whatever is on a
gateway that is revoked: there some reports and statements count no more.
"""

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal.alike import Likeness
from collector.appraisal.policy import Policy
from collector.catalogue.case import Case, Fact, Seen, encode
from collector.catalogue.shelf import Shelf, Snapshot
from collector.catalogue.testimony import REJECTIONS
from collector.store import batches, revocations
from collector.store.batches import Pair, Run, Stated

_PLAIN: Final = frozenset({"sale", "unit", "notice"})
KEPT: Final = 5_000
"""Cases that are remembered by what made them; 2.5 kB each, then all are forgotten."""


class Reading(Seen, frozen=True):
    """What counts of a reading as it stands, and whom it is about."""

    ids: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(Reading).decode
_counting = attrgetter(*Seen.__struct_fields__[:-1])


class Made(msgspec.Struct, frozen=True):
    """A case and its key."""

    case: Case
    key: str


class Crowd:
    """Loads batches of devices.

    Args:
        policy: The numbers.
        shelf: Gives what is on record about models.
    """

    def __init__(self, policy: Policy, shelf: Shelf) -> None:
        self._policy_digest = policy.digest()
        self._likeness = Likeness(policy)
        self._silent_after = policy.silent_after
        self._shelf = shelf
        self._made: dict[object, Made] = {}

    async def load(self, connection: AsyncConnection, these: Collection[Pair], *, now: int) -> "Batch":
        """All that is known of these devices, in one snapshot.

        Args:
            connection: A reading transaction.
            these: By gateway and device.
            now: The instant at which they are to be judged, Unix seconds.
        """
        gateways = {gateway for gateway, _ in these}
        runs: dict[Pair, list[Run]] = {}
        for run in await batches.runs(connection, these):
            runs.setdefault((run.gateway, run.device), []).append(run)
        seen = {pair: readings_of(of) for pair, of in runs.items()}
        stated: dict[str, list[Stated]] = {}
        for statement in await batches.stated(connection, {device for _, device in these}):
            stated.setdefault(statement.device, []).append(statement)
        ids = {name for of in seen.values() for reading in of for name in reading.ids}
        return Batch(
            crowd=self,
            snapshot=await self._shelf.load(connection, ids, now=now),
            runs=runs,
            seen=seen,
            stated=stated,
            missed=await self._missed(connection, runs, seen, now),
            waiving=await batches.waiving(connection, gateways),
            refused=await batches.refused(connection, gateways, REJECTIONS),
            revoked=await revocations.revoked(connection, gateways),
        )

    async def _missed(
        self, connection: AsyncConnection, runs: dict[Pair, list[Run]], seen: dict[Pair, list[Reading]], now: int
    ) -> dict[Pair, int]:
        """How often those devices could not be read that were named by every report since they were read."""
        missed = {}
        for pair, readings in seen.items():
            since = next((place for place, each in enumerate(reversed(readings)) if each.result == "ok"), len(readings))
            trailing = runs[pair][len(runs[pair]) - since :]
            if since == 0:
                missed[pair] = 0
            elif all(run.reading is not None for run in trailing):
                begun = trailing[0].sequence
                most = self._silent_after
                missed[pair] = await batches.named_since(connection, pair[0], begun, until=now, most=most)
        return missed

    def made(self, readings: Sequence[Reading], first: int, told: Sequence[Stated], missed: int, stale: bool) -> Made:
        """The case of all devices of which these things are known.

        Args:
            readings: One for each run, oldest first.
            first: When the first report came, Unix seconds.
            told: What was stated.
            missed: How often it could not be read since it was.
            stale: Whether it was last read too long ago.

        Raises:
            ValueError: A fact is not as the door lets them in.
        """
        names: dict[str | None, str | None] = {None: None}
        seen = tuple([(*_counting(each), names.setdefault(each.hardware, str(len(names)))) for each in readings])
        good = max(place for place, each in enumerate(readings) if each.result == "ok")
        first, stated = self._likeness.stated([msgspec.json.decode(each.fact, type=Fact) for each in told], first)
        known = (first, seen, good, readings[good].ids, missed, stale, encode(stated))
        if known not in self._made:
            if len(self._made) > KEPT:
                self._made.clear()
            case = Case(
                first=first,
                seen=tuple(Seen(*each) for each in seen),
                good=good,
                ids=tuple(sorted(readings[good].ids)),
                missed=missed,
                stale=stale,
                stated=stated,
            )
            self._made[known] = Made(case, case.key(self._policy_digest))
        return self._made[known]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of what is known of some devices."""

    crowd: Crowd
    snapshot: Snapshot
    runs: dict[Pair, list[Run]]
    seen: dict[Pair, list[Reading]]
    stated: dict[str, list[Stated]]
    missed: dict[Pair, int]
    waiving: set[str]
    refused: set[str]
    revoked: set[str]

    def case(self, pair: Pair, read_at: int | None) -> tuple[Made | None, int | None]:
        """The case of a device, and when it grows stale; no case where it must be judged by itself.

        Args:
            pair: Its gateway and its id.
            read_at: When a report last had a good reading of it, Unix seconds.

        Raises:
            ValueError: A fact is not as the door lets them in.
        """
        gateway, device = pair
        now, readings = self.snapshot.now, self.seen.get(pair, ())
        ids = next((each.ids for each in reversed(readings) if each.result == "ok"), None)
        if ids is None or read_at is None or pair not in self.missed:
            return None, None
        if gateway in self.waiving or gateway in self.revoked:
            return None, None
        told = [each for each in self.stated.get(device, ()) if _speaks_of(each, gateway)]
        runs = [run for run in self.runs[pair] if run.reading is not None]
        if not _is_plain(told, now) or not _in_order(runs, readings, read_at, now):
            return None, None
        stale_at = read_at + self.snapshot.about(ids).age_s
        stale = now >= stale_at
        if stale and gateway in self.refused:
            return None, None
        made = self.crowd.made(readings, runs[0].received_at, told, self.missed[pair], stale)
        return made, None if stale else stale_at


def readings_of(runs: Sequence[Run]) -> list[Reading]:
    """The readings of a device; none where one of them is not as this release writes them."""
    try:
        return [_decode(run.reading) for run in runs if run.reading is not None]
    except msgspec.DecodeError:
        return []


def _speaks_of(statement: Stated, gateway: str) -> bool:
    """A household speaks of the devices on its own gateway only."""
    return not statement.issuer.startswith("consumer:") or statement.issuer == f"consumer:{gateway}"


def _is_plain(told: Sequence[Stated], now: int) -> bool:
    return all(each.kind in _PLAIN and each.recorded_at <= now for each in told)


def _in_order(runs: Sequence[Run], readings: Sequence[Reading], read_at: int, now: int) -> bool:
    """Whether the clock never ran backwards, so that the order of the numbers is that of the times."""
    times = [run.received_at for run in runs]
    good = max(place for place, each in enumerate(readings) if each.result == "ok")
    return times[good] <= read_at <= now and times[-1] <= now and (len(times) == 1 or times == sorted(times))
