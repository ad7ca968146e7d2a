"""Few report facts judge like all of them, whatever a gateway sends and whatever instant is asked for."""

import hashlib
import itertools
import random
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import appraise_facts, parse_facts, policies
from collector.appraisal.facts import AnyFact
from collector.catalogue.facts import facts_for
from collector.catalogue.instants import to_text
from collector.catalogue.testimony import fields
from collector.ingest.derivation import reading as stored
from collector.store.database import reading, writing
from evidence.report import DeviceReport, Offer, OfferResult
from tests.collector.register import DAY, DEVICE, NOW, Register, reported, seen

POLICY = policies.shipped("2026-11-a")
BEGIN = NOW - 400 * DAY
CAMERA, LOCK = "zigbee:ACME/CAM-2", "zigbee:ACME/LOCK-1"
GAPS = st.sampled_from([DAY, 2 * DAY, 3600, 1, 3 * DAY, DAY + 3601, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1, 35 * DAY])


class Step(NamedTuple):
    """What a gateway sends after a gap: `found` anew, the same so many times, late, or so that it is rejected."""

    gap: int
    what: str
    found: DeviceReport | None
    times: int


good = st.builds(
    lambda version, hardware, ids, offer: seen(DEVICE, version, hardware=hardware, ids=ids, offer=offer),
    version=st.sampled_from(["1.1.0", "1.0.0", "2.0.0", "beta", None]),
    hardware=st.sampled_from([None, "aa" * 16, "bb" * 16]),
    ids=st.sampled_from([(CAMERA,), (CAMERA,), (LOCK,), (CAMERA, LOCK), ()]),
    offer=st.sampled_from([None, Offer(result=OfferResult.NONE), Offer(result=OfferResult.FAILED)]),
)
bad = st.builds(
    lambda result: seen(DEVICE, None, result=result, ids=()), result=st.sampled_from(["unreachable", "refused"])
)
found = st.one_of(good, good, bad, st.none())
anew = st.builds(Step, GAPS, st.just("anew"), found, st.just(1))
same = st.builds(Step, GAPS, st.just("same"), st.none(), st.integers(1, 12))
other = st.builds(Step, GAPS, st.sampled_from(["late", "ahead", "again"]), found, st.just(1))
steps = st.builds(
    lambda first, more: [first, *more],
    st.builds(Step, GAPS, st.just("anew"), good, st.just(1)),
    st.lists(st.one_of(anew, same, same, other), min_size=1, max_size=10),
)
gateways = (f"{number:032x}" for number in itertools.count(1))


class Household:
    """A gateway that sends, beside the report facts that appraisal.md would make of everything it sent."""

    def __init__(self, register: Register) -> None:
        self.gateway = self.device = next(gateways)
        self.now = BEGIN
        self.facts: list[dict[str, Any]] = []
        self.instants: list[int] = []
        self._register = register
        self._sequence = 0
        self._skipped: list[int] = []
        self._shown: DeviceReport | None = None
        self._was_seen = False

    async def begin(self) -> None:
        """Enrol, and say that the device was bought, nobody knows just when."""
        await self._register.enrol_gateway(self.gateway)
        sale: dict[str, Any] = {
            "device": self.device,
            "seller": "noordlicht",
            "jurisdiction": "NL",
            "seller_type": "trader",
        }
        sale |= {"buyer_type": "consumer", "supply": "single", "contract": {"from": "2025-09-01", "to": "2025-10-10"}}
        await self._register.state(f"gateway:{self.gateway}", "sale", at=BEGIN, **sale)

    async def send(self, steps: list[Step]) -> None:
        """Send what the steps say."""
        async with writing(self._register.engine) as connection:
            for step in steps:
                for _ in range(step.times):
                    self.now += step.gap
                    self.instants.append(self.now)
                    await getattr(self, f"_{step.what}")(connection, step)

    async def _anew(self, connection: AsyncConnection, step: Step) -> None:
        self._shown = step.found
        await self._accepted(connection, same=False)

    async def _same(self, connection: AsyncConnection, _step: Step) -> None:
        await self._accepted(connection, same=self._sequence > 0)

    async def _accepted(self, connection: AsyncConnection, *, same: bool) -> None:
        self._sequence += 2
        self._skipped.append(self._sequence - 1)
        digest = await self._report(connection, self._sequence, self._shown, same=same)
        if self._shown is not None:
            self._was_seen = True
            said = fields(stored(self._shown))
            self.facts.append(self._fact(id=digest, seq=self._sequence, **said))

    async def _late(self, connection: AsyncConnection, step: Step) -> None:
        if self._skipped:
            await self._report(connection, self._skipped.pop(), step.found)

    async def _ahead(self, connection: AsyncConnection, step: Step) -> None:
        await self._report(connection, self._sequence + 2, step.found, ahead=301)
        self._rejected("freshness")

    async def _again(self, connection: AsyncConnection, step: Step) -> None:
        if self._sequence:
            await self._report(connection, self._sequence, step.found, ahead=1)
            self._rejected("sequence")

    async def _report(
        self,
        connection: AsyncConnection,
        sequence: int,
        shown: DeviceReport | None,
        *,
        same: bool = False,
        ahead: int = 0,
    ) -> str:
        told = () if shown is None else (msgspec.structs.replace(shown, device=self.device),)
        data = reported(self.gateway, sequence, self.now + ahead, *told, same=same)
        return await self._register.settle_in(connection, self.gateway, "report", data, at=self.now)

    def _rejected(self, reason: str) -> None:
        if self._was_seen:
            name = hashlib.sha256(f"{self.now}{len(self.facts)}".encode()).hexdigest()
            self.facts.append(self._fact(id=name, seq=0, ids=[], result="parse_failed", rejected=reason))

    def _fact(self, **given: Any) -> dict[str, Any]:
        envelope = {"kind": "report", "issuer": f"gateway:{self.gateway}", "device": self.device}
        return {**envelope, "recorded_at": to_text(self.now), **given}


def instants_of_ageing(moments: list[int]) -> list[int]:
    """The seconds around which a report grows too old, before the next one comes."""
    following = [*moments[1:], moments[-1] + 40 * DAY]
    ages = itertools.product(zip(moments, following, strict=True), (7, 35), (-1, 0))
    return [at for (moment, after), days, off in ages if (at := moment + days * DAY + off) < after]


def verdicts(facts: list[AnyFact], at: int, known: int) -> bytes:
    """Both verdicts as bytes."""
    instant, knowing = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(known, UTC)
    return msgspec.json.encode(appraise_facts(facts, instant, knowing, POLICY).verdicts)


@pytest.fixture
async def catalogue(register: Register) -> Register:
    """A register with two models, one on mains and one on battery, their releases and a hole."""
    models = {"acme/cam-2": ("mains", CAMERA), "acme/lock-1": ("battery", LOCK)}
    for model, (power, name) in models.items():
        more = {"power": power, "scheme": "multipart-numeric", "manufacturer": "acme", "ids": [name]}
        await register.state("manufacturer:acme", "model", at=BEGIN, model=model, **more)
        for version, extra in (("1.0.0", {}), ("1.1.0", {"fixes": ["A-1"]}), ("2.0.0", {"retracted_at": to_text(NOW)})):
            await register.state("manufacturer:acme", "release", at=BEGIN, model=model, version=version, **extra)
        hole = {"advisory": "A-1", "severity": "high", "fixed_in": ["1.1.0"]}
        await register.state("manufacturer:acme", "advisory", at=BEGIN, model=model, **hole)
        await register.state("manufacturer:acme", "window", at=BEGIN, model=model, end="2031-03-31")
    return register


@given(sent=steps, seed=st.integers(0, 2**32))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_few_report_facts_judge_like_all_of_them(catalogue: Register, sent: list[Step], seed: int) -> None:
    """At every instant, knowing what was known at any other, the verdicts are the same bytes."""
    household = Household(catalogue)
    await household.begin()
    await household.send(sent)
    moments, choice = household.instants, random.Random(seed)
    known = choice.choice([moments[-1], choice.choice(moments)])
    async with reading(catalogue.engine) as connection:
        told = await facts_for(connection, household.gateway, household.device, POLICY, known=known)
    others = [fact for fact in told if fact["kind"] != "report"]
    few, all_of_them = parse_facts(told), parse_facts(others + household.facts)
    for at in [*instants_of_ageing(moments), *choice.sample(moments, min(20, len(moments)))]:
        assert verdicts(few, at, known) == verdicts(all_of_them, at, known)
