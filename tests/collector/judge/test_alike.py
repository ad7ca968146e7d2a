"""Devices that are alike are judged once, and get exactly the verdict that each would get by itself."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.appraisal import policies
from collector.catalogue.facts import facts_for
from collector.judge import Judge, judge
from collector.store import judgements
from collector.store.database import reading, writing
from collector.store.judgements import Task
from collector.store.schema import devices, judge_queue
from tests.collector.catalogue.test_testimony import CAMERA, LOCK, Household, Step, good, steps
from tests.collector.register import DAY, DEVICE, NOW, Register, seen

POLICY = policies.shipped("2026-11-a")
BEGIN = NOW - 400 * DAY
SALE = {"seller": "noordlicht", "jurisdiction": "NL", "seller_type": "trader", "buyer_type": "consumer"}
CONTRACTS: list[dict[str, Any]] = [
    {"contract": "2025-10-10"},
    {"contract": "2025-12-24", "delivered": "2025-12-27", "supply": "continuous"},
    {"contract": "2025-11", "supply": "single"},
    {"contract": "2026-03-10T22:30:00Z"},
    {"contract": {"from": "2025-09-01", "to": "2026-10-10"}},
    {"delivered": "2025-12-27"},
    {"transfer": "gift"},
]
NOTICE = {"topic": "update", "version": "1.1.0", "says_available": True}


FIRST, FIRST_EARLIER = (Step(days * DAY, "anew", seen(DEVICE), 1) for days in (300, 299))
SAME = Step(DAY, "same", None, 1)
MISSED = Step(DAY, "anew", seen(DEVICE, None, result="unreachable", ids=()), 1)


class Home(NamedTuple):
    """What one household sends and states; it begins so many seconds after the others."""

    sent: list[Step]
    sales: list[dict[str, Any]]
    is_told: bool
    later: int


quiet = st.builds(lambda found, times: [Step(DAY, "anew", found, 1), Step(DAY, "same", None, times)], good, st.just(5))
homes = st.builds(
    Home,
    sent=st.one_of(quiet, steps),
    sales=st.lists(st.sampled_from(CONTRACTS), max_size=2),
    is_told=st.booleans(),
    later=st.sampled_from([0, 0, 1, 3600, 20 * 3600, 40 * DAY]),
)
neighbourhoods = st.lists(homes, min_size=1, max_size=2).flatmap(
    lambda few: st.lists(
        st.builds(lambda home, later: home._replace(later=later), st.sampled_from(few), st.sampled_from([0, 5, 3600])),
        min_size=2,
        max_size=4,
    )
)


@pytest.fixture
async def catalogue(register: Register) -> Register:
    """A register with two models, one on mains and one on battery, with releases, a hole and promises."""
    for model, power, name in (("acme/cam-2", "mains", CAMERA), ("acme/lock-1", "battery", LOCK)):
        more = {"power": power, "scheme": "multipart-numeric", "manufacturer": "acme", "ids": [name]}
        await register.state("manufacturer:acme", "model", at=BEGIN, model=model, **more)
        for version, fixes in (("1.0.0", []), ("1.1.0", ["A-1"])):
            await register.state("manufacturer:acme", "release", at=BEGIN, model=model, version=version, fixes=fixes)
        hole = {"advisory": "A-1", "severity": "high", "fixed_in": ["1.1.0"], "affected": [{"before": "1.1.0"}]}
        await register.state("manufacturer:acme", "advisory", at=BEGIN, model=model, **hole)
        period = {"months": 24, "from": "purchase"}
        await register.state("seller:noordlicht", "window", at=BEGIN, model=model, end=period)
        await register.state("manufacturer:acme", "window", at=BEGIN, model=model, end="2031-03-31")
    return register


async def move_in(register: Register, home: Home) -> Household:
    """A household as it is drawn."""
    household = Household(register)
    household.now += home.later
    await register.enrol_gateway(household.gateway)
    await household.send(home.sent)
    by, device = f"gateway:{household.gateway}", household.device
    for sale in home.sales:
        await register.state(by, "sale", at=household.now, device=device, **{**SALE, **sale})
    if home.is_told:
        await register.state("seller:noordlicht", "notice", at=household.now, device=device, **NOTICE)
    return household


async def judged(register: Register, worker: Judge, households: list[Household], now: int) -> None:
    """Judge everybody together, and each by itself."""
    async with writing(register.engine) as connection:
        await judgements.queue(connection, [(each.gateway, each.device) for each in households], at=now)
    while await worker.round():
        pass
    for household in households:
        this = devices.c.device == household.device
        (row,) = await register.rows(sa.select(devices).where(this))
        task = Task(
            gateway=household.gateway,
            device=household.device,
            queued_at=now,
            last_read_at=None,
            model=row["model"],
            verdict=None,
        )
        async with reading(register.engine) as connection:
            facts = await facts_for(connection, household.gateway, household.device, POLICY, known=now)
        alone = judge(task, facts, datetime.fromtimestamp(now, UTC), POLICY)
        together = (row["verdict"], row["model"], row["judge_again_at"], row["judge_fault"])
        assert together == (alone.verdict, alone.model, alone.again_at, alone.fault)


@given(drawn=neighbourhoods, waits=st.lists(st.sampled_from([1, DAY, 6 * DAY, 20 * DAY]), max_size=2))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_together_they_are_judged_as_each_would_be_by_itself(
    catalogue: Register, drawn: list[Home], waits: list[int]
) -> None:
    """Verdict, model, next boundary and fault are the same, at once and later."""
    households = [await move_in(catalogue, home) for home in drawn]
    now = max(household.now for household in households)
    worker = Judge(catalogue.engine, POLICY, lambda: now)
    await judged(catalogue, worker, households, now)
    for wait in waits:
        now += wait
        await judged(catalogue, worker, households, now)


@pytest.mark.parametrize(
    ("sentence", "differs", "appraised"),
    [
        ("the hour at which they were seen and the sale recorded", {"later": 3600}, 1),
        ("the day since which they are seen, long after the delivery", {"sent": [FIRST_EARLIER, SAME, SAME]}, 1),
        ("what was bought when", {"sales": [CONTRACTS[0]]}, 2),
        ("what the seller told the household", {"is_told": True}, 2),
        ("that one of them could not be read of late", {"sent": [FIRST, SAME, SAME, MISSED]}, 2),
        ("that one of them has left", {"sent": [FIRST, SAME, SAME, Step(DAY, "anew", None, 1)]}, 1),
    ],
)
async def test_devices_that_differ_in_nothing_that_counts_are_judged_once(
    catalogue: Register, sentence: str, differs: dict[str, Any], appraised: int
) -> None:
    """Two households differ in one thing."""
    assert sentence
    home = Home([FIRST, SAME, SAME], [CONTRACTS[1]], is_told=False, later=0)
    other = home._replace(**differs)
    households = [await move_in(catalogue, each) for each in (home, other)]
    now = max(household.now for household in households)
    worker = Judge(catalogue.engine, POLICY, lambda: now)
    async with writing(catalogue.engine) as connection:
        await connection.execute(sa.delete(judge_queue))
    await judged(catalogue, worker, households, now)
    assert worker.appraised == appraised
