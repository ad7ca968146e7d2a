"""Cases on a real register: devices share them, statements judge them again, and they end with their last device."""

from typing import Any

import sqlalchemy as sa

from collector.appraisal import policies
from collector.catalogue.shelf import Shelf
from collector.judge import Judge
from collector.judge.appraiser import Appraiser
from collector.judge.placing import Placing
from collector.store import judgements, views
from collector.store.database import reading, writing
from collector.store.schema import cases, device_cases, devices, judge_queue, verdicts
from tests.collector.register import DAY, DEVICE, HOME, NEIGHBOUR, NEIGHBOURS_DEVICE, NOW, Register, seen

POLICY = policies.shipped("2026-11-a")
MODEL = "acme/cam-2"


def judge(register: Register, now: int = NOW) -> Judge:
    """A worker at an instant."""
    return Judge(register.engine, POLICY, lambda: now)


async def all_rounds(worker: Judge) -> None:
    """Judge until nothing is due."""
    while await worker.round():
        pass


async def case_of(register: Register, device: str) -> Any:
    """The case of a device, with its verdict."""
    query = sa.select(cases, verdicts.c.code_m, devices.c.case_id).join(cases, cases.c.id == devices.c.case_id)
    query = query.join(verdicts, verdicts.c.id == cases.c.verdict_id).where(devices.c.device == device)
    (row,) = await register.rows(query)
    return row


async def history(register: Register, gateway: str, device: str) -> list[tuple[int, str]]:
    """When which code was said on the maker's track, oldest first."""
    async with reading(register.engine) as connection:
        page = await views.verdicts(connection, gateway, device, limit=100)
    return [(row.judged_at, row.verdict["M"]["code"]) for row in reversed(page.items)]


async def promise(register: Register) -> None:
    """Let the maker say how long it sends updates."""
    await register.state("manufacturer:acme", "window", at=NOW - DAY, model=MODEL, end="2031-03-31")


async def release(register: Register, version: str, at: int) -> None:
    """Put a release on record."""
    await register.state("operator:register", "release", at=at, model=MODEL, version=version)


async def test_what_is_stated_of_a_model_is_judged_once_and_touches_no_device(register: Register) -> None:
    """Two homes with the same camera are one case: their rows stay as they are, and both histories tell the change."""
    await promise(register)
    await all_rounds(judge(register))
    before = await register.rows(sa.select(devices).order_by(devices.c.device))
    await release(register, "1.0.0", NOW + 60)
    assert await register.rows(sa.select(judge_queue)) == []
    worker = judge(register, NOW + 60)
    await all_rounds(worker)
    assert worker.appraised == 1
    assert await register.rows(sa.select(devices).order_by(devices.c.device)) == before
    told = [(NOW, "FIRMWARE_UNKNOWN"), (NOW + 60, "UP_TO_DATE")]
    assert await history(register, HOME, DEVICE) == told
    assert await history(register, NEIGHBOUR, NEIGHBOURS_DEVICE) == told


async def test_a_device_that_moves_takes_its_history_along(register: Register) -> None:
    """What was said of its former case after it left, or of its new one before it came, was not said of it."""
    await promise(register)
    await release(register, "1.0.0", NOW)
    await all_rounds(judge(register))
    await register.report(NEIGHBOUR, 2, NOW + 60, seen(NEIGHBOURS_DEVICE, "1.1.0"))
    await all_rounds(judge(register, NOW + 60))
    await release(register, "1.1.0", NOW + 120)
    await all_rounds(judge(register, NOW + 120))
    await register.report(HOME, 2, NOW + 180, seen(DEVICE, "1.1.0"))
    await all_rounds(judge(register, NOW + 180))
    moves = await register.rows(sa.select(device_cases).where(device_cases.c.device == DEVICE))
    assert [row["since"] for row in moves] == [NOW, NOW + 180]
    assert await history(register, HOME, DEVICE) == [
        (NOW, "UP_TO_DATE"),
        (NOW + 120, "VERSION_NOT_COMPARABLE"),
    ]
    assert await history(register, NEIGHBOUR, NEIGHBOURS_DEVICE) == [
        (NOW, "UP_TO_DATE"),
        (NOW + 60, "FIRMWARE_UNKNOWN"),
        (NOW + 120, "VERSION_NOT_COMPARABLE"),
    ]


async def test_a_case_that_nobody_is_any_more_is_closed_when_it_is_due(register: Register) -> None:
    """It is judged no more; who comes back to the same facts is another case, and is judged by what is known now."""
    await promise(register)
    await all_rounds(judge(register))
    left = (await case_of(register, DEVICE))["id"]
    for gateway, device in ((HOME, DEVICE), (NEIGHBOUR, NEIGHBOURS_DEVICE)):
        await register.state(f"gateway:{gateway}", "sale", at=NOW + 60, device=device, seller="noordlicht")
    await all_rounds(judge(register, NOW + 60))
    await release(register, "1.0.0", NOW + 120)
    await all_rounds(judge(register, NOW + 120))
    (closed,) = await register.rows(sa.select(cases).where(cases.c.id == left))
    assert (closed["key"], closed["facts"], closed["queued_at"], closed["judged_at"]) == (None, None, None, NOW)
    await register.enrol_gateway("c0" * 16)
    await register.report("c0" * 16, 1, NOW - DAY + 1, seen("d9" * 16))
    await all_rounds(judge(register, NOW + 180))
    back = await case_of(register, "d9" * 16)
    assert (back["id"] != left, back["code_m"]) == (True, "UP_TO_DATE")


async def test_what_is_stated_while_a_new_case_is_judged_is_not_lost(register: Register) -> None:
    """The statement cannot queue a case that is not there yet, so its writer does."""
    await promise(register)
    placing = Placing(POLICY, Shelf(POLICY), Appraiser(POLICY))
    async with reading(register.engine) as connection:
        tasks = await judgements.due(connection, now=NOW, limit=10)
        placed = await placing.read(connection, tasks, NOW)
    await release(register, "1.0.0", NOW)
    async with writing(register.engine) as connection:
        await placing.write(connection, placed)
    assert (await case_of(register, DEVICE))["code_m"] == "FIRMWARE_UNKNOWN"
    await all_rounds(judge(register))
    assert (await case_of(register, DEVICE))["code_m"] == "UP_TO_DATE"
    assert await history(register, HOME, DEVICE) == [(NOW, "UP_TO_DATE")]


def test_equal_verdicts_are_remembered_once() -> None:
    """A worker remembers what it said of thousands of cases, and most were told the same."""
    appraiser = Appraiser(POLICY)
    one, other = (appraiser.of_device(name, [], NOW + later) for later, name in enumerate(("one", "other")))
    assert one.said is not None
    assert one.said is other.said


async def test_equal_verdicts_are_kept_once(register: Register) -> None:
    """A sale makes another case, and on a device of an unknown model the same verdict."""
    for sequence, gateway, device in ((2, HOME, DEVICE), (2, NEIGHBOUR, NEIGHBOURS_DEVICE)):
        await register.report(gateway, sequence, NOW, seen(device, ids=("zigbee:Bolder/B-1",)))
    await register.state(f"gateway:{HOME}", "sale", device=DEVICE, seller="noordlicht")
    await all_rounds(judge(register))
    assert (await case_of(register, DEVICE))["id"] != (await case_of(register, NEIGHBOURS_DEVICE))["id"]
    assert len(await register.rows(sa.select(verdicts.c.id))) == 1
