"""Findings on a living register are exactly those of the specification, and are made only when something changed."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collector.appraisal import FleetVerdict
from collector.catalogue import key_terms
from collector.ingest.revocation import revoke
from collector.store import parties
from collector.store.database import writing
from collector.store.findings import PAUSE_S
from collector.store.schema import cases, findings, fleet_queue, fleets, verdicts
from tests.collector.fleets.street import CAMERA, FEW, MAKER, MODEL, SHIPPED, SHOP, Own, Street
from tests.collector.register import DAY, NOW, Register, key_of

IMAGE = b"\xab" * 32
SALES: list[dict[str, Any] | None] = [
    None,
    {"contract": "2026-01-20"},
    {"contract": "2026-02-10", "jurisdiction": "BE"},
    {"transfer": "lease", "contract": "2026-02-10"},
]
STATED: dict[str, dict[str, Any]] = {
    "a fix, out for long": {"by": MAKER, "kind": "release", "version": "1.1.0", "available_from": "2026-06-01"},
    "a fix of late": {"by": MAKER, "kind": "release", "version": "1.2.0", "available_from": "2026-11-19"},
    "a fix that should have come": {"by": MAKER, "kind": "release", "version": "1.5.0", "available_from": "2026-10-17"},
    "a fix for Belgium": {
        "by": MAKER,
        "kind": "release",
        "version": "1.3.0",
        "available_from": "2026-06-01",
        "regions": ["BE"],
    },
    "a fix for newer hardware": {
        "by": MAKER,
        "kind": "release",
        "version": "1.4.0",
        "available_from": "2026-06-01",
        "hw_min": 2,
        "digests": [IMAGE.hex()],
    },
    "a hole": {"by": MAKER, "kind": "advisory", "advisory": "A-1", "severity": "high", "affected": [{"all": True}]},
    "a promise": {"by": MAKER, "kind": "window", "end": "2031-03-31"},
    "another promise": {"by": MAKER, "kind": "window", "end": "2029-03-31"},
    "the shop's promise": {"by": SHOP, "kind": "window", "end": {"months": 60, "from": "purchase"}},
    "that the model has another id": {
        "by": MAKER,
        "kind": "model",
        "ids": ["zigbee:ACME/CAM-10"],
        "manufacturer": "acme",
        "scheme": "multipart-numeric",
    },
}


@asynccontextmanager
async def fresh(settled: Path) -> AsyncIterator[Register]:
    """A settled register of one example's own."""
    with TemporaryDirectory() as folder:
        shutil.copytree(settled, folder, dirs_exist_ok=True)
        async with Register.opened(Path(folder)) as register:
            yield register


async def end_keys(register: Register, party: str, number: int) -> None:
    """Let a party have so many keys that ended after a day, without a word for the next."""
    for each in range(number):
        key = key_of(f"{party} {each}").public
        async with writing(register.engine) as connection:
            await parties.enrol(connection, party, key, at=NOW - 50 * DAY)
        async with writing(register.engine) as connection:
            await key_terms.end(connection, key.id.hex(), at=NOW - 49 * DAY)


owned = st.builds(
    Own,
    version=st.sampled_from(["1.0.0", "1.0.0", "1.1.0", "1.2.0", "0.9", "9.9", "odd", None]),
    revision=st.sampled_from([None, None, 1, 2]),
    ids=st.sampled_from([(CAMERA,), (CAMERA,), (CAMERA,), ("zigbee:ACME/CAM-2", CAMERA)]),
    digest=st.sampled_from([None, None, IMAGE]),
    days_ago=st.sampled_from([0, 1, 5, 20]),
    is_read=st.sampled_from([True, True, True, False]),
    sale=st.sampled_from(SALES),
    market=st.sampled_from([None, None, "BE", "GB"]),
    is_told=st.booleans(),
    updated=st.sampled_from([None, None, "1.1.0"]),
    updated_ago=st.sampled_from([1, 40, 200]),
)
streets = st.lists(st.lists(owned, min_size=1, max_size=3), min_size=1, max_size=5)
stated = st.lists(st.sampled_from(sorted(STATED)), unique=True, max_size=5)


@example(homes=[[Own(days_ago=0)], [Own(days_ago=0)]], said=["a hole", "a promise"], ended=0, waits=DAY).via(
    "a day more since the first miss is no row of the history"
)
@given(homes=streets, said=stated, ended=st.integers(0, 3), waits=st.sampled_from([0, DAY, 6 * DAY, 40 * DAY]))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_what_is_counted_is_what_the_same_facts_say_as_a_case(
    settled: Path, homes: list[list[Own]], said: list[str], ended: int, waits: int
) -> None:
    """Every finding, count and boundary of the rules, whatever the homes have, bought and were told."""
    async with fresh(settled) as register:
        street = Street(register)
        await street.found()
        for name in said:
            await street.state(**STATED[name])
        for home in homes:
            await street.move_in(*home)
        await end_keys(register, SHOP, ended)
        for after in (0, waits):
            street.now += after
            await street.settle()
            written = await street.written()
            # Of a model that no home has, the register keeps nothing.
            assert await street.newest() == written if await street.kept() else written.households == 0


@given(
    homes=st.permutations(
        [
            [Own(sale=SALES[1])],
            [Own(version="1.1.0", sale=SALES[2], revision=2)],
            [Own(version="9.9"), Own(version="0.9", is_told=True)],
            [Own(days_ago=20)],
        ]
    ),
    said=st.permutations(["a hole", "a fix, out for long", "a promise", "another promise", "the shop's promise"]),
    known_first=st.booleans(),
)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_nobodys_order_matters(settled: Path, homes: list[list[Own]], said: list[str], known_first: bool) -> None:
    """Whoever comes first, homes or statements, judged in between or not: the same is found."""
    async with fresh(settled) as register:
        street = Street(register)
        await street.found()
        for move in ("tell", "live") if known_first else ("live", "tell"):
            for name in said if move == "tell" else ():
                await street.state(**STATED[name])
            for home in homes if move == "live" else ():
                await street.move_in(*home)
                await street.settle()
        await street.settle()
        found = await street.newest()
    assert found == await _in_plain_order(settled)


async def _in_plain_order(settled: Path) -> FleetVerdict:
    async with fresh(settled) as register:
        street = Street(register)
        await street.found()
        for name in ("a hole", "a fix, out for long", "a promise", "another promise", "the shop's promise"):
            await street.state(**STATED[name])
        await street.move_in(Own(sale=SALES[1]))
        await street.move_in(Own(version="1.1.0", sale=SALES[2], revision=2))
        await street.move_in(Own(version="9.9"), Own(version="0.9", is_told=True))
        await street.move_in(Own(days_ago=20))
        await street.settle()
        return await street.newest()


@pytest.mark.parametrize(
    ("sentence", "fix", "homes", "of"),
    [
        (
            "a home that was read last before the fix could have come is not heard of it",
            "a fix that should have come",
            [Own(days_ago=1), Own(days_ago=1), Own(days_ago=5)],
            2,
        ),
        (
            "a fix for Belgium is expected in homes there",
            "a fix for Belgium",
            [Own(market="BE"), Own(sale=SALES[2]), Own(sale=SALES[1]), Own()],
            2,
        ),
        (
            "a fix for newer hardware is expected on it",
            "a fix for newer hardware",
            [Own(revision=2), Own(revision=3), Own(revision=1), Own()],
            2,
        ),
        (
            "a device that could not be read of late is judged by what it last said",
            "a fix, out for long",
            [Own(), Own(updated="0.9", updated_ago=1), Own(days_ago=1)],
            3,
        ),
    ],
)
async def test_who_is_heard_of_a_release(
    register: Register, sentence: str, fix: str, homes: list[Own], of: int
) -> None:
    """G5 counts them: nobody runs it."""
    assert sentence
    street = Street(register)
    await street.found()
    await street.state(**STATED[fix])
    for own in homes:
        await street.move_in(own)
    await street.settle()
    found = await street.newest()
    assert [(each.count, each.of) for each in found.findings if each.code == "CLAIMED_RELEASE_UNSEEN"] == [(0, of)]
    assert found == await street.written()


@pytest.fixture
async def street(register: Register) -> Street:
    """Three homes, judged and counted."""
    street = Street(register)
    await street.found()
    for version in ("1.0.0", "1.0.0", "0.9"):
        await street.move_in(Own(version=version, sale=SALES[1]))
    await street.settle()
    return street


async def test_nothing_is_counted_when_nothing_changed(street: Street) -> None:
    """Until a day has passed; then once."""
    before = street.fleets.counted
    for _ in range(3):
        await street.settle()
    assert street.fleets.counted == before
    street.now += DAY
    await street.settle()
    assert street.fleets.counted == before + 2  # this model and the one of the settled homes
    await street.settle()
    assert street.fleets.counted == before + 2


async def test_a_model_that_no_home_has_is_never_counted(street: Street) -> None:
    """A catalogue of thousands costs nothing."""
    entry: dict[str, Any] = {"ids": ["zigbee:ACME/CAM-10"], "manufacturer": "acme", "model": "acme/cam-10"}
    await street.register.state("operator:register", "model", **entry)
    assert await street.register.rows(sa.select(fleet_queue)) == []


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("a promise beside another", "a promise"),
        ("a release", "a fix, out for long"),
        ("a hole", "a hole"),
    ],
)
async def test_what_is_stated_of_a_model_counts_its_homes_again(street: Street, sentence: str, said: str) -> None:
    """At once, and only that model's."""
    assert sentence
    before = street.fleets.counted
    await street.state(**{**STATED[said], "at": NOW})
    await street.settle()
    assert street.fleets.counted > before
    assert await street.newest() == await street.written()


async def test_who_changes_keys_too_fast_is_found(street: Street) -> None:
    """Two keys of the maker that ended before their term; with the evidence that it stands on."""
    await end_keys(street.register, MAKER, 2)
    await street.settle()
    carousel = [each for each in (await street.newest()).findings if each.code == "IDENTITY_CAROUSEL"]
    assert [(each.track, each.about) for each in carousel] == [("M", (MAKER,))]
    kept = (await street.kept())[-1]
    ended = {f"key:{key_of(f'{MAKER} {number}').public.id.hex()}:ended" for number in range(2)}
    assert ended <= set(kept["evidence"]["facts"])
    assert kept["policy_digest"] == FEW.digest()


async def test_the_history_is_appended_to_where_something_differs(street: Street) -> None:
    """A day later everything is the same, but for the days since the first miss: no row."""
    await street.state(**{**STATED["a hole"], "at": NOW - 100 * DAY, "public_since": "2026-08-01"})
    await street.settle()
    first = await street.kept()
    overdue = [each for each in (await street.newest()).findings if each.code == "MODEL_FIX_OVERDUE"]
    assert overdue
    street.now += DAY
    await street.settle()
    assert await street.kept() == first
    (now,) = await street.register.rows(
        sa.select(findings.c.days).where(findings.c.code == "MODEL_FIX_OVERDUE", findings.c.track == overdue[0].track)
    )
    assert now["days"] == (overdue[0].days or 0) + 1
    await street.state(**{**STATED["a fix, out for long"], "at": street.now, "fixes": ["A-1"]})
    await street.settle()
    assert (await street.kept())[: len(first)] == first
    assert len(await street.kept()) > len(first)


async def test_a_finding_keeps_the_day_since_which_it_stands(street: Street) -> None:
    """However often it is made again."""

    async def since() -> dict[str, int]:
        of_model = findings.c.model == MODEL
        rows = await street.register.rows(sa.select(findings.c.code, findings.c.found_at).where(of_model))
        return {row["code"]: row["found_at"] for row in rows}

    first = await since()
    street.now += DAY
    await street.settle()
    assert await since() == first
    assert set(first.values()) == {NOW + PAUSE_S}


async def test_another_policy_finds_anew(street: Street) -> None:
    """And the row of the history says by which."""
    other = Street(street.register, SHIPPED)
    other.now += PAUSE_S
    await other.fleets.begin()
    await other.settle()
    assert [each.code for each in (await other.newest()).findings] == ["FLEET_TOO_SMALL"]
    assert (await other.kept())[-1]["policy_digest"] == SHIPPED.digest()
    again = other.fleets.counted
    await other.fleets.begin()
    await other.settle()
    assert other.fleets.counted == again


async def test_a_finding_waits_for_the_judge_an_hour_at_most(street: Street) -> None:
    """What is queued for the judge may change a verdict; who never comes is not waited for."""
    await street.state(**{**STATED["a hole"], "at": NOW})
    assert not await street.fleets.round()
    street.now += 3600
    assert await street.fleets.round()


async def test_one_model_that_cannot_be_counted_holds_up_no_other(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and tried again in a day."""
    async with writing(street.register.engine) as connection:
        matched = verdicts.c.id.in_(sa.select(cases.c.verdict_id).where(cases.c.model == MODEL))
        await connection.execute(sa.update(verdicts).where(matched).values(verdict={"S": {}, "M": {}}))
        await connection.execute(
            sa.insert(fleet_queue), [{"model": name, "queued_at": 0} for name in (MODEL, "acme/cam-2")]
        )
    before = await street.kept()
    street.now += PAUSE_S
    while await street.fleets.round():
        pass
    assert MODEL in caplog.text
    assert await street.kept() == before
    rows = await street.register.rows(sa.select(fleets.c.model, fleets.c.judge_again_at))
    assert {row["model"]: row["judge_again_at"] for row in rows}[MODEL] == street.now + DAY
    assert await street.register.rows(sa.select(fleet_queue)) == []


async def test_many_homes_are_counted_less_often(street: Street) -> None:
    """A model is left alone for a minute, and for two seconds more where it has two thousand homes."""
    async with writing(street.register.engine) as connection:
        await connection.execute(sa.update(fleets).values(households=2000))
        await connection.execute(sa.insert(fleet_queue), [{"model": MODEL, "queued_at": NOW}])
    street.now += PAUSE_S + 1
    assert not await street.fleets.round()
    street.now += 1
    assert await street.fleets.round()


async def test_a_home_whose_gateway_is_revoked_counts_as_it_was_before(street: Street) -> None:
    """Neither the version that a thief made it report nor that he was heard; later it has no report that counts."""
    stolen = await street.move_in(Own(updated="1.1.0", updated_ago=2), Own())
    for _ in range(3):
        await street.move_in(Own())
    await street.state(**STATED["a fix, out for long"])
    await street.settle()
    assert "CLAIMED_RELEASE_UNSEEN" not in {each.code for each in (await street.newest()).findings}
    async with writing(street.register.engine) as connection:
        assert await revoke(connection, stolen, at=NOW - 3 * DAY, now=NOW) == 2
    await street.settle()
    assert "CLAIMED_RELEASE_UNSEEN" in {each.code for each in (await street.newest()).findings}
    for later in (0, 30 * DAY, 300 * DAY):
        street.now = NOW + later
        await street.settle()
        assert await street.newest() == await street.written()
