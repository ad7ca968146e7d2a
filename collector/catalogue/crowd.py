"""The facts of many devices at once, each with a key that it shares with those that are judged alike.

Exactly the verdict of `facts_for`, from fewer facts, for most devices: those that were read at least once, and of which
nobody stated more than sales, units and notices. What then counts of their reports is each run's first one, the time at
which the device was last read (E1), and how often it could not be read since (F-silent). Rejections are asked for only
where the device was not read for too long (E1). Everybody else is left to `facts_for`.

The last good report is given as one of the judged instant. So the boundary of the appraisal does not depend on when it
came; who shares the appraisal adds when his own grows too old.
"""

import hashlib
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import FactError, Policy, parse_fact, parse_facts
from collector.appraisal.alike import Likeness
from collector.appraisal.facts import AnyFact, Model
from collector.catalogue.facts import ceased_facts
from collector.catalogue.instants import to_text
from collector.catalogue.testimony import REJECTIONS, fields
from collector.store import batches
from collector.store.batches import Pair, Run, Stated

PARSED: Final = 100_000
"""Statements about models that are kept parsed."""
_PLAIN: Final = frozenset({"sale", "unit", "notice"})

Fact = dict[str, Any]


class _Offer(msgspec.Struct, frozen=True):
    result: str
    version: str | None = None


class _Seen(msgspec.Struct, frozen=True):
    """What counts of a reading as it stands; of ids it is whom they match, of hardware identities that they differ."""

    result: str
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: str | None = None
    image_digest: str | None = None
    hardware_revision: int | None = None
    offer: _Offer | None = None


class _Reading(_Seen, frozen=True):
    ids: tuple[str, ...] = ()
    hardware: str | None = None


_decode = msgspec.json.Decoder(_Reading).decode
_encode = msgspec.json.Encoder().encode


class Case(msgspec.Struct, frozen=True):
    """A device to be judged with all that are alike.

    Attributes:
        key: Equal for devices whose verdicts are equal as long as they were read lately enough.
        runs: Its runs, but those in which it was absent.
        good: Which of them is the last in which it was read.
        missed: How many reports could not read it since; counted no further than F-silent does.
        stated: What was stated of it.
        models: Those that claim its ids.
    """

    key: bytes
    runs: Sequence[Run]
    good: int
    missed: int
    stated: Sequence[Fact]
    models: Collection[str]


class Crowd:
    """Loads batches of devices; what was stated about models is parsed once.

    Args:
        policy: The numbers.
    """

    def __init__(self, policy: Policy) -> None:
        self._likeness = Likeness(policy)
        self._silent_after = policy.silent_after
        self._parsed: dict[str, AnyFact | None] = {}

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
        seen = {pair: _read(of) for pair, of in runs.items()}
        stated: dict[str, list[Stated]] = {}
        for statement in await batches.stated(connection, {device for _, device in these}):
            stated.setdefault(statement.device, []).append(statement)
        ids = {name for of in seen.values() for reading in of for name in reading.ids}
        claims = await batches.claims(connection, ids)
        on_record = await batches.on_record(connection, set[str]().union(*claims.values()))
        await self._parse(connection, {digest for digests in on_record.values() for digest in digests})
        return Batch(
            now=now,
            likeness=self._likeness,
            runs=runs,
            seen=seen,
            stated=stated,
            missed=await self._missed(connection, runs, seen, now),
            waiving=await batches.waiving(connection, gateways),
            refused=await batches.refused(connection, gateways, REJECTIONS),
            claims=claims,
            facts={model: [self._parsed[digest] for digest in digests] for model, digests in on_record.items()},
            ceased=await batches.ceased(connection),
        )

    async def _missed(
        self, connection: AsyncConnection, runs: dict[Pair, list[Run]], seen: dict[Pair, list[_Reading]], now: int
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

    async def _parse(self, connection: AsyncConnection, digests: set[str]) -> None:
        if len(self._parsed) > PARSED:
            self._parsed = {digest: fact for digest, fact in self._parsed.items() if digest in digests}
        for digest, fact in (await batches.facts(connection, digests - self._parsed.keys())).items():
            try:
                self._parsed[digest] = parse_fact(fact)
            except FactError:
                self._parsed[digest] = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of what is known of some devices."""

    now: int
    likeness: Likeness
    runs: dict[Pair, list[Run]]
    seen: dict[Pair, list[_Reading]]
    stated: dict[str, list[Stated]]
    missed: dict[Pair, int]
    waiving: set[str]
    refused: set[str]
    claims: dict[str, set[str]]
    facts: dict[str, list[AnyFact | None]]
    ceased: list[tuple[str, str, int]]
    contents: dict[tuple[frozenset[str], tuple[str, ...]], tuple[bytes, Collection[str]]] = msgspec.field(
        default_factory=dict
    )

    def case(self, gateway: str, device: str) -> Case | None:
        """The case of a device, None where it must be judged by itself.

        Raises:
            ValueError: A fact is not as the door lets them in.
        """
        pair = gateway, device
        told = [each for each in self.stated.get(device, ()) if _speaks_of(each, gateway)]
        plain = all(each.kind in _PLAIN and each.recorded_at <= self.now for each in told)
        readings = self.seen.get(pair, [])
        runs = [run for run in self.runs.get(pair, ()) if run.reading is not None]
        good = max((place for place, each in enumerate(readings) if each.result == "ok"), default=None)
        if not plain or gateway in self.waiving or good is None or pair not in self.missed:
            return None
        if not _in_order(runs, self.now):
            return None
        content, models = self._content(readings, good)
        stated = [msgspec.json.decode(each.fact, type=Fact) for each in told]
        own = self.likeness(stated, runs[0].received_at)
        key = b"\n".join((content, _alike(readings), b"%d" % self.missed[pair], own))
        return Case(key, runs, good, self.missed[pair], stated, models)

    def facts_of(self, case: Case, read_at: int) -> list[AnyFact]:
        """All facts of a case.

        Args:
            case: Of this batch.
            read_at: When the device was last read.

        Raises:
            FactError: One of them is invalid.
        """
        shared = [fact for model in case.models for fact in self.facts[model]]
        if None in shared:
            raise FactError(None, "a statement about the model cannot be read")
        known = [fact for fact in shared if fact is not None]
        parties = {f"seller:{fact['seller']}" for fact in case.stated if fact["kind"] == "sale"}
        parties |= {f"manufacturer:{fact.manufacturer}" for fact in known if isinstance(fact, Model)}
        gone = ceased_facts(each for each in self.ceased if each[0] in parties)
        return known + parse_facts([*self._reports(case, read_at), *case.stated, *gone], beside=known)

    def _reports(self, case: Case, read_at: int) -> list[Fact]:
        """Of each run the first report, the last good one, and as many of those that missed it as count."""
        until, since = case.runs[: case.good + 1], case.runs[case.good + 1 :]
        told = [_report(run, run.received_at, "first") for run in until] + [_report(until[-1], read_at, "last")]
        missed = [_report(run, self.now, "missed") for run in since]
        more = range(case.missed - len(since))
        return told + missed + [_report(since[-1], self.now, f"missed-{number}") for number in more]

    def _content(self, readings: Sequence[_Reading], good: int) -> tuple[bytes, Collection[str]]:
        """What was stated about the models that claim any of its ids, which of it matches the last good reading's."""
        ids = frozenset(name for reading in readings for name in reading.ids)
        newest = readings[good].ids
        if (ids, newest) not in self.contents:
            models = sorted(set[str]().union(*(self.claims.get(name, ()) for name in ids)))
            facts = [fact for model in models for fact in self.facts[model] if fact is not None]
            matching = [fact.id for fact in facts if isinstance(fact, Model) and not set(fact.ids).isdisjoint(newest)]
            told = _encode((models, [fact.id for fact in facts], matching, self.ceased))
            self.contents[ids, newest] = hashlib.sha256(told).digest(), models
        return self.contents[ids, newest]


def _read(runs: Sequence[Run]) -> list[_Reading]:
    """The readings of a device; none where one of them is not as this release writes them."""
    try:
        return [_decode(run.reading) for run in runs if run.reading is not None]
    except msgspec.DecodeError:
        return []


def _speaks_of(statement: Stated, gateway: str) -> bool:
    """A household speaks of the devices on its own gateway only."""
    return not statement.issuer.startswith("consumer:") or statement.issuer == f"consumer:{gateway}"


def _in_order(runs: Sequence[Run], now: int) -> bool:
    """Whether the clock never ran backwards, so that the order of the numbers is that of the times."""
    times = [run.received_at for run in runs]
    return times[-1] <= now and (len(times) == 1 or times == sorted(times))


def _alike(readings: Sequence[_Reading]) -> bytes:
    names: dict[str | None, int] = {None: 0}
    return _encode([(names.setdefault(each.hardware, len(names)), *_counting(each)) for each in readings])


_counting = attrgetter(*_Seen.__struct_fields__)


def _report(run: Run, recorded_at: int, which: str) -> Fact:
    return {
        "id": f"{which}:{run.sequence}",
        "kind": "report",
        "issuer": f"gateway:{run.gateway}",
        "device": run.device,
        "recorded_at": to_text(recorded_at),
        "seq": run.sequence,
        **fields(msgspec.json.decode(run.reading or "{}")),
    }
