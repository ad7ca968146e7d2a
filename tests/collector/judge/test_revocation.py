"""Revocation with a time: nothing that came later counts any more, what came before stays, and so does the past."""

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.appraisal import parse_facts, policies
from collector.appraisal.facts import Report
from collector.catalogue.facts import facts_for
from collector.errors import ConflictError, NotFoundError
from collector.ingest.revocation import revoke
from collector.judge import Judge
from collector.store import gateways, views
from collector.store.database import reading, writing
from collector.store.schema import device_model_ids, leaves, reports, revocations
from tests.collector.catalogue.test_testimony import CAMERA, LOCK, Household, Step, instants_of_ageing, steps, verdicts
from tests.collector.judge.test_alike import look
from tests.collector.register import (
    DAY,
    DEVICE,
    HOME,
    NEIGHBOUR,
    NEIGHBOURS_DEVICE,
    NEW_DEVICE,
    NOW,
    Register,
    reported,
    seen,
)

POLICY = policies.shipped("2026-11-a")
BEGIN = NOW - 400 * DAY
MODEL = "acme/cam-2"
OLD = "NOTICE_UNPROVEN"
"""What is said of version 1.0.0, since there is 1.1.0."""


@pytest.fixture
async def catalogue(register: Register) -> Register:
    """A register with two models, one on mains and one on battery, their releases, a hole and promises."""
    for model, power, name in ((MODEL, "mains", CAMERA), ("acme/lock-1", "battery", LOCK)):
        more = {"power": power, "scheme": "multipart-numeric", "manufacturer": "acme", "ids": [name]}
        await register.state("manufacturer:acme", "model", at=BEGIN, model=model, **more)
        for version, fixes in (("1.0.0", []), ("1.1.0", ["A-1"])):
            await register.state("manufacturer:acme", "release", at=BEGIN, model=model, version=version, fixes=fixes)
        hole = {"advisory": "A-1", "severity": "high", "fixed_in": ["1.1.0"], "affected": [{"before": "1.1.0"}]}
        await register.state("manufacturer:acme", "advisory", at=BEGIN, model=model, **hole)
        await register.state("manufacturer:acme", "window", at=BEGIN, model=model, end="2031-03-31")
    return register


async def revoked(register: Register, gateway: str, at: int, now: int) -> int:
    """Revoke a gateway; how many reports that takes back."""
    async with writing(register.engine) as connection:
        return await revoke(connection, gateway, at=at, now=now)


async def told(register: Register, gateway: str, device: str, known: int) -> list[dict[str, Any]]:
    """What the judge is told, in an order of its own."""
    async with reading(register.engine) as connection:
        facts = await facts_for(connection, gateway, device, POLICY, known=known)
    return sorted(facts, key=lambda fact: str(fact["id"]))


async def judged(register: Register, device: str, now: int, gateway: str = HOME) -> tuple[str, str]:
    """What the judge keeps of a device on the maker's track: code, and the version that is shown."""
    worker = Judge(register.engine, POLICY, lambda: now)
    while await worker.round():
        pass
    async with reading(register.engine) as connection:
        row = await views.device(connection, gateway, device)
    assert row is not None
    assert row.verdict is not None
    return row.verdict["M"]["code"], str(row.good and row.good.version_raw)


async def shown(register: Register, household: Household) -> Any:
    """What a device and its gateway show, but for their names and what was judged."""
    async with reading(register.engine) as connection:
        device = await views.device(connection, household.gateway, household.device)
        if device is None:
            return None
        runs = await views.readings(connection, household.gateway, household.device, limit=100)
        (gateway,) = [row for row in await gateways.listed(connection) if row["gateway"] == household.gateway]
        ids = await connection.scalars(
            sa.select(device_model_ids.c.model_id).where(device_model_ids.c.device == household.device)
        )
        of = ("present", "reading", "good", "first_seen_at", "last_seen_at", "last_read_at")
        return (
            [getattr(device, name) for name in of],
            runs.items,
            (gateway["devices"], gateway["last_report_at"], gateway["revoked_at"]),
            sorted(ids),
        )


async def test_a_theft_that_is_found_out_later(catalogue: Register) -> None:
    """The thief's reports made an old camera a new one; that ends, and who asks for then sees what was said."""
    stolen, found_out = NOW + DAY, NOW + 4 * DAY
    assert await judged(catalogue, DEVICE, NOW) == (OLD, "1.0.0")
    lies = [await catalogue.report(HOME, number, stolen + number, seen(DEVICE, "1.1.0")) for number in (2, 3)]
    assert await judged(catalogue, DEVICE, NOW + 2 * DAY) == ("UP_TO_DATE", "1.1.0")
    before = await told(catalogue, HOME, DEVICE, found_out - 1)

    assert await revoked(catalogue, HOME, stolen, found_out) == 2

    assert await judged(catalogue, DEVICE, found_out) == (OLD, "1.0.0")
    assert await judged(catalogue, NEIGHBOURS_DEVICE, found_out, NEIGHBOUR) == (OLD, "1.0.0")
    assert await told(catalogue, HOME, DEVICE, found_out - 1) == before
    taken_back = [fact for fact in await told(catalogue, HOME, DEVICE, found_out) if fact.get("rejected")]
    assert [(fact["id"], fact["rejected"]) for fact in taken_back] == [(lie, "key") for lie in sorted(lies)]
    assert await judged(catalogue, DEVICE, NOW + 7 * DAY) == ("EVIDENCE_REJECTED", "1.0.0")
    async with reading(catalogue.engine) as connection:
        history = await views.verdicts(connection, HOME, DEVICE, limit=10)
        runs = await views.readings(connection, HOME, DEVICE, limit=10)
    assert [row.verdict["M"]["code"] for row in reversed(history.items)] == [
        OLD,
        "UP_TO_DATE",
        OLD,
        "EVIDENCE_REJECTED",
    ]
    assert [row.sequence for row in runs.items] == [1]
    # The evidence itself stays where it is.
    assert len(await catalogue.rows(sa.select(leaves).where(leaves.c.digest.in_(lies)))) == 2
    assert len(await catalogue.rows(sa.select(reports).where(reports.c.gateway == HOME))) == 3


async def test_a_thief_cannot_write_an_earlier_time_into_a_report(catalogue: Register) -> None:
    """What counts is when it came: neither the time that it states helps, nor a number that was never used."""
    await catalogue.report(HOME, 5, NOW, seen(DEVICE))
    await catalogue.receive(HOME, "report", reported(HOME, 6, NOW - DAY, seen(DEVICE, "1.1.0")), at=NOW + 20)
    await revoked(catalogue, HOME, NOW + 10, NOW + 30)
    await catalogue.receive(HOME, "report", reported(HOME, 4, NOW - DAY, seen(DEVICE, "1.1.0")), at=NOW + 40)
    kept = await catalogue.rows(sa.select(reports.c.sequence).where(reports.c.gateway == HOME))
    assert [row["sequence"] for row in kept] == [1, 5, 6]
    assert await judged(catalogue, DEVICE, NOW + 50) == (OLD, "1.0.0")


async def test_a_device_that_only_a_thief_has_shown(catalogue: Register) -> None:
    """Nothing is said of it, and nothing is shown but its name; before the revocation it was believed."""
    await catalogue.report(HOME, 2, NOW, seen(DEVICE), seen(NEW_DEVICE, "1.1.0"))
    before = await told(catalogue, HOME, NEW_DEVICE, NOW + 1)
    await revoked(catalogue, HOME, NOW, NOW + 2)
    assert await judged(catalogue, NEW_DEVICE, NOW + 2) == ("INSUFFICIENT_EVIDENCE", "None")
    assert await told(catalogue, HOME, NEW_DEVICE, NOW + 1) == before


async def test_what_the_household_said_with_the_key_counts_no_more_either(catalogue: Register) -> None:
    """A thief could sell the device to himself, or waive what is owed; before it was revoked that was believed."""
    sale = {"device": DEVICE, "seller": "noordlicht"}
    early = await catalogue.state(f"gateway:{HOME}", "sale", at=NOW, **sale)
    late = await catalogue.state(f"gateway:{HOME}", "sale", at=NOW + 10, transfer="gift", **sale)
    waiver = {
        "seller": "noordlicht",
        "model": MODEL,
        "document_digest": "cc" * 32,
        "accepted_at": "2026-01-01T00:00:00Z",
    }
    deposit = await catalogue.state(f"gateway:{HOME}", "waiver", at=NOW + 10, **waiver)
    await revoked(catalogue, HOME, NOW + 10, NOW + 20)
    ids = {fact["id"] for fact in await told(catalogue, HOME, DEVICE, NOW + 20)}
    assert (early in ids, late in ids, deposit in ids) == (True, False, False)
    ids = {fact["id"] for fact in await told(catalogue, HOME, DEVICE, NOW + 19)}
    assert {early, late, deposit} <= ids
    async with reading(catalogue.engine) as connection:
        row = await views.device(connection, HOME, DEVICE)
    assert row is not None
    assert [fact["id"] for fact in row.naming if fact["kind"] == "sale"] == [early]


async def test_a_second_revocation_only_takes_back_more(catalogue: Register) -> None:
    """Both stay on record, and each knows what it took back."""
    for number in (2, 3):
        await catalogue.report(HOME, number, NOW + number, seen(DEVICE, f"1.{number}.0"))
    believed = await told(catalogue, HOME, DEVICE, NOW + 10)
    await revoked(catalogue, HOME, NOW + 3, NOW + 20)
    first = await told(catalogue, HOME, DEVICE, NOW + 20)
    for at in (NOW + 3, NOW + 4):
        with pytest.raises(ConflictError, match="can only become earlier"):
            await revoked(catalogue, HOME, at, NOW + 30)
    assert await revoked(catalogue, HOME, NOW + 2, NOW + 30) == 2
    kept = await catalogue.rows(sa.select(revocations.c.revoked_at, revocations.c.recorded_at))
    assert sorted(tuple(row.values()) for row in kept) == [(NOW + 2, NOW + 30), (NOW + 3, NOW + 20)]
    assert (await judged(catalogue, DEVICE, NOW + 40))[1] == "1.0.0"
    assert await told(catalogue, HOME, DEVICE, NOW + 10) == believed
    assert await told(catalogue, HOME, DEVICE, NOW + 20) == first
    with pytest.raises(NotFoundError, match="gateways list"):
        await revoked(catalogue, "f0" * 16, NOW, NOW)


@given(sent=steps, place=st.integers(0, 20), off=st.sampled_from([-1, 0, 1]), more=st.integers(0, 40 * DAY))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_recorded_late_it_is_as_if_recorded_in_time(
    catalogue: Register, sent: list[Step], place: int, off: int, more: int
) -> None:
    """Whatever was sent: the verdicts, what is shown, and, without what was rejected, as if it had never come."""
    late = Household(catalogue)
    await late.begin()
    await late.send(sent)
    moments = late.instants
    at, recorded = moments[place % len(moments)] + off, late.now + more
    asked = [known for known in sorted({at - 1, at, moments[0], late.now}) if known < recorded]
    before = {known: await told(catalogue, late.gateway, late.device, known) for known in asked}
    await revoked(catalogue, late.gateway, at, recorded)
    for known, facts in before.items():
        assert await told(catalogue, late.gateway, late.device, known) == facts
    timely, never = Household(catalogue), Household(catalogue)
    for household in (timely, never):
        await household.begin()
    await revoked(catalogue, timely.gateway, at, BEGIN)
    await timely.send(sent)
    await never.send(until(sent, at - BEGIN))

    known = recorded + 40 * DAY
    by_late, by_timely, by_never = [
        parse_facts(await told(catalogue, each.gateway, each.device, known)) for each in (late, timely, never)
    ]
    kept = [fact for fact in by_late if not isinstance(fact, Report) or fact.recorded_at.timestamp() < at]
    for instant in instants_of_ageing(moments):
        assert verdicts(by_late, instant, known) == verdicts(by_timely, instant, known)
        assert verdicts(kept, instant, known) == verdicts(by_never, instant, known)
    if (by_then := await shown(catalogue, timely)) is not None:
        assert await shown(catalogue, late) == by_then
    await look(catalogue, Judge(catalogue.engine, POLICY, lambda: recorded), [late], recorded)


def until(sent: list[Step], end: int) -> list[Step]:
    """Those steps, and repetitions of them, that come less than so many seconds after the beginning."""
    kept: list[Step] = []
    now = 0
    for step in sent:
        for _ in range(step.times):
            now += step.gap
            if now >= end:
                return kept
            kept.append(step._replace(times=1))
    return kept
