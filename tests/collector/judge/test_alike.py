"""Devices that are alike are judged once, and get exactly the verdict that each would get by itself."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.appraisal import policies
from collector.catalogue.facts import facts_for
from collector.catalogue.instants import to_text
from collector.judge import Judge
from collector.judge.appraiser import Appraiser
from collector.store import views
from collector.store.database import reading
from collector.store.schema import cases, devices, judge_queue, verdicts
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


@pytest.fixture(scope="session")
def two_models(settled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with two models, one on mains and one on battery, with releases, a hole and promises."""

    async def state(folder: Path) -> None:
        async with Register.opened(folder) as register:
            for model, power, name in (("acme/cam-2", "mains", CAMERA), ("acme/lock-1", "battery", LOCK)):
                more = {"power": power, "scheme": "multipart-numeric", "manufacturer": "acme", "ids": [name]}
                await register.state("manufacturer:acme", "model", at=BEGIN, model=model, **more)
                for version, fixes in (("1.0.0", []), ("1.1.0", ["A-1"])):
                    said = {"model": model, "version": version, "fixes": fixes}
                    await register.state("manufacturer:acme", "release", at=BEGIN, **said)
                hole = {"severity": "high", "fixed_in": ["1.1.0"], "affected": [{"before": "1.1.0"}]}
                await register.state("manufacturer:acme", "advisory", at=BEGIN, model=model, advisory="A-1", **hole)
                period = {"months": 24, "from": "purchase"}
                await register.state("seller:noordlicht", "window", at=BEGIN, model=model, end=period)
                await register.state("manufacturer:acme", "window", at=BEGIN, model=model, end="2031-03-31")

    folder = tmp_path_factory.mktemp("two-models")
    shutil.copytree(settled, folder, dirs_exist_ok=True)
    asyncio.run(state(folder))
    return folder


@asynccontextmanager
async def copy_of(folder: Path) -> AsyncIterator[Register]:
    """A register of its own for each example: what was judged in one would be from the future in the next."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, place, dirs_exist_ok=True)
        async with Register.opened(Path(place)) as register:
            yield register


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


def shown(device: str) -> sa.Select[Any]:
    """The case of a device and its verdict."""
    case = cases.c
    return (
        sa.select(devices.c.judge_again_at, case.again_at, case.model, case.fault, verdicts.c.digest)
        .join(cases, case.id == devices.c.case_id)
        .join(verdicts, verdicts.c.id == case.verdict_id)
        .where(devices.c.device == device)
    )


async def look(register: Register, worker: Judge, households: list[Household], now: int) -> None:
    """Judge what is due, and hold what is said of everybody against what each would get by itself."""
    while await worker.round():
        pass
    for household in households:
        (row,) = await register.rows(shown(household.device))
        async with reading(register.engine) as connection:
            facts = await facts_for(connection, household.gateway, household.device, POLICY, known=now)
            history = await views.verdicts(connection, household.gateway, household.device, limit=1000)
        alone = Appraiser(POLICY).of_device("it", facts, now)
        again_at = min((at for at in (row["judge_again_at"], row["again_at"]) if at is not None), default=None)
        assert alone.said is not None
        assert (row["digest"], row["model"]) == (alone.said.digest, alone.model)
        assert again_at == alone.again_at
        assert row["fault"] is None
        told = [item.verdict for item in history.items]
        assert msgspec.json.encode(told[0]).decode() == alone.said.text
        assert all(newer != older for newer, older in pairwise(told))


class Event(NamedTuple):
    """What happens after a while: time passes, the first household sends, or something is put on record."""

    wait: int
    sent: list[Step]
    by: str
    kind: str | None
    fields: dict[str, Any]


MODELS = {"acme/cam-2": CAMERA, "acme/lock-1": LOCK}
stated = st.sampled_from(
    [
        ("manufacturer:acme", "release", {"version": "1.2.0", "security": True}),
        ("manufacturer:acme", "release", {"version": "1.1.0", "retracted_at": to_text(NOW - 30 * DAY)}),
        ("manufacturer:acme", "advisory", {"advisory": "A-2", "severity": "critical", "affected": [{"all": True}]}),
        ("manufacturer:acme", "advisory", {"advisory": "A-3", "affected": [{"before": "2.0.0"}]}),
        ("seller:noordlicht", "window", {"end": "2026-12-31"}),
        ("manufacturer:acme", "window", {"end": {"months": 12, "from": "placing"}}),
        ("operator:register", "model", {"power": "battery"}),
        ("manufacturer:acme", "model", {"power": "battery"}),
        ("manufacturer:acme", "model", {"power": "mains"}),
    ]
)
waits = st.sampled_from([1, DAY, 6 * DAY, 20 * DAY])
events = st.one_of(
    st.builds(Event, waits, st.just([]), st.just(""), st.none(), st.just({})),
    st.builds(Event, waits, steps, st.just(""), st.none(), st.just({})),
    st.builds(
        lambda wait, said, model: Event(wait, [], said[0], said[1], {"model": model, **said[2]}),
        waits,
        stated,
        st.sampled_from(sorted(MODELS)),
    ),
)


@given(drawn=neighbourhoods, to_come=st.lists(events, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_together_they_are_judged_as_each_would_be_by_itself(
    two_models: Path, drawn: list[Home], to_come: list[Event]
) -> None:
    """Verdict, model, next boundary and history are right at once, and later, whatever happens and nobody is queued."""
    async with copy_of(two_models) as register:
        households = [await move_in(register, home) for home in drawn]
        now = max(household.now for household in households)
        worker = Judge(register.engine, POLICY, lambda: now)
        await look(register, worker, households, now)
        for event in to_come:
            now += event.wait
            if event.sent:
                households[0].now = now
                await households[0].send(event.sent)
                now = households[0].now
            if event.kind is not None:
                more = BASIS[event.kind] | ({"ids": [MODELS[event.fields["model"]]]} if event.kind == "model" else {})
                await register.state(event.by, event.kind, at=now, **{**more, **event.fields})
            await look(register, worker, households, now)


BASIS: dict[str, dict[str, Any]] = {
    "model": {"scheme": "multipart-numeric", "manufacturer": "acme"},
    "release": {},
    "advisory": {},
    "window": {},
}


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
    two_models: Path, sentence: str, differs: dict[str, Any], appraised: int
) -> None:
    """Two households differ in one thing."""
    assert sentence
    home = Home([FIRST, SAME, SAME], [CONTRACTS[1]], is_told=False, later=0)
    other = home._replace(**differs)
    async with copy_of(two_models) as register:
        households = [await move_in(register, each) for each in (home, other)]
        now = max(household.now for household in households)
        neighbours = sa.delete(judge_queue).where(judge_queue.c.device.not_in([each.device for each in households]))
        await register.execute(neighbours)
        worker = Judge(register.engine, POLICY, lambda: now)
        await look(register, worker, households, now)
        assert worker.appraised == appraised
