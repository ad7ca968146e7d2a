"""What is on record about models and parties, for many devices at once; each statement is parsed once.

What is said of a device follows from its case and from what is on record about whatever its ids match. So devices may
share an appraisal though their ids differ, if all of that is the same.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import FactError, Policy, parse_fact, parse_facts
from collector.appraisal.evidence import matching, report_age
from collector.appraisal.facts import AnyFact, Model
from collector.appraisal.record import Record
from collector.catalogue.case import Case
from collector.catalogue.facts import ceased_facts
from collector.catalogue.instants import to_instant
from collector.store import batches

PARSED: Final = 100_000
"""Statements about models that are kept parsed."""

Ids = tuple[str, ...]


class OnRecord(msgspec.Struct, frozen=True):
    """What is on record, by digests: it changes whenever any of it does.

    Attributes:
        ids: What is asked about.
        claims: For each id the models that claim it.
        statements: For each of those models the digests of what was stated about it.
        ceased: Parties that are no more: party, last day, when that was recorded.
    """

    ids: frozenset[str]
    claims: dict[str, set[str]]
    statements: dict[str, list[str]]
    ceased: list[tuple[str, str, int]]

    @classmethod
    async def of(cls, connection: AsyncConnection, ids: Collection[str]) -> "OnRecord":
        """What the register says of whatever these ids match."""
        claims = await batches.claims(connection, ids)
        statements = await batches.on_record(connection, set[str]().union(*claims.values()))
        return cls(frozenset(ids), claims, statements, await batches.ceased(connection))


class About(msgspec.Struct, frozen=True):
    """What is on record about whatever some ids match.

    Attributes:
        digest: Of all of it, and of which model statements have those ids.
        facts: Those about models; None where one of them cannot be read.
        age_s: How old a report with those ids may be, in seconds (E1).
    """

    digest: bytes
    facts: Sequence[AnyFact] | None
    age_s: int


class Shelf:
    """Loads what is on record.

    Args:
        policy: The numbers.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._parsed: dict[str, AnyFact | None] = {}

    async def load(self, connection: AsyncConnection, ids: Collection[str], *, now: int) -> "Snapshot":
        """What is on record about whatever these ids match, in one snapshot."""
        on_record = await OnRecord.of(connection, ids)
        digests = {digest for of in on_record.statements.values() for digest in of}
        if len(self._parsed) > PARSED:
            self._parsed = {digest: fact for digest, fact in self._parsed.items() if digest in digests}
        for digest, fact in (await batches.facts(connection, digests - self._parsed.keys())).items():
            try:
                self._parsed[digest] = parse_fact(fact)
            except FactError:
                self._parsed[digest] = None
        return Snapshot(on_record, {digest: self._parsed[digest] for digest in digests}, self._policy, now)


class Snapshot:
    """What was on record at one instant.

    Attributes:
        on_record: The same by digests.
        now: The instant, Unix seconds.
    """

    def __init__(self, on_record: OnRecord, parsed: dict[str, AnyFact | None], policy: Policy, now: int) -> None:
        self.on_record = on_record
        self.now = now
        self._parsed = parsed
        self._policy = policy
        self._about: dict[Ids, About] = {}

    def about(self, ids: Ids) -> About:
        """What is on record about whatever these ids match."""
        if ids not in self._about:
            self._about[ids] = self._found(ids)
        return self._about[ids]

    def _found(self, ids: Ids) -> About:
        said = self.on_record
        models = sorted(set[str]().union(*(said.claims.get(name, ()) for name in ids)))
        digests = [digest for model in models for digest in said.statements[model]]
        parsed = [self._parsed[digest] for digest in digests]
        facts = [fact for fact in parsed if fact is not None]
        matched = [fact.id for fact in facts if isinstance(fact, Model) and not set(fact.ids).isdisjoint(ids)]
        counted = Record(facts, to_instant(self.now)).models
        return About(
            digest=hashlib.sha256(msgspec.json.encode((digests, matched, said.ceased))).digest(),
            facts=facts if len(facts) == len(parsed) else None,
            age_s=int(report_age(matching(counted, ids), self._policy).total_seconds()),
        )

    def facts(self, case: Case) -> list[AnyFact]:
        """All facts of a case.

        Raises:
            FactError: One of them is invalid.
        """
        known = self.about(case.ids).facts
        if known is None:
            raise FactError(None, "a statement about the model cannot be read")
        parties = {f"seller:{fact['seller']}" for fact in case.stated if fact["kind"] == "sale"}
        parties |= {f"manufacturer:{fact.manufacturer}" for fact in known if isinstance(fact, Model)}
        gone = ceased_facts(each for each in self.on_record.ceased if each[0] in parties)
        return [*known, *parse_facts([*case.facts(self.now), *gone], beside=known)]
