"""The judge's worker on a real register: what it takes, what it keeps, and what it never lets happen to others."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from collector.appraisal import policies
from collector.judge import Judge
from collector.judge.worker import BATCH
from collector.rounds import make_rounds
from collector.store import database, judgements, views
from collector.store.database import reading, writing
from collector.store.judgements import Place
from collector.store.schema import cases, devices, judge_queue, statements, verdicts
from tests.collector.register import DAY, DEVICE, HOME, NEIGHBOUR, NEIGHBOURS_DEVICE, NOW, Register, seen
from tests.world.processes import eventually

WITHIN_S = 60.0
POLICY = policies.shipped("2026-11-a")
MODEL = "acme/cam-2"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def judge(register: Register, clock: Clock) -> Judge:
    return Judge(register.engine, POLICY, clock)


async def row_of(register: Register, device: str = DEVICE) -> Any:
    """The row of a device."""
    query = (
        sa.select(devices, cases, verdicts)
        .outerjoin(cases, cases.c.id == devices.c.case_id)
        .outerjoin(verdicts, verdicts.c.id == cases.c.verdict_id)
    )
    (row,) = await register.rows(query.where(devices.c.device == device))
    return row


def again_at(row: Any) -> int:
    """When time alone may change what is said of a device."""
    return min(int(at) for at in (row["judge_again_at"], row["again_at"]) if at is not None)


async def queued(register: Register) -> set[str]:
    """The devices that wait: for themselves, or with their case."""
    waiting = sa.select(devices.c.device).join(cases, cases.c.id == devices.c.case_id)
    rows = await register.rows(sa.select(judge_queue.c.device))
    rows += await register.rows(waiting.where(cases.c.queued_at.is_not(None)))
    return {row["device"] for row in rows}


async def history(register: Register) -> list[tuple[int, str]]:
    """The judged instants and codes of the household's device, on the seller's track."""
    async with reading(register.engine) as connection:
        page = await views.verdicts(connection, HOME, DEVICE, limit=100)
    return [(item.judged_at, item.verdict["S"]["code"]) for item in reversed(page.items)]


async def all_rounds(judge: Judge) -> int:
    """Judge until nothing is due; how many that were."""
    total = 0
    while judged := await judge.round():
        total += judged
    return total


async def release(register: Register, version: str, *, at: int = NOW) -> None:
    """Let the operator put a release on record."""
    await register.state("operator:register", "release", at=at, model=MODEL, version=version)


async def test_what_was_reported_is_judged_and_leaves_the_queue(register: Register, judge: Judge) -> None:
    """Each device gets both verdicts, the columns to search by, its first row of history, and the time of its next."""
    assert await all_rounds(judge) == 2
    row = await row_of(register)
    assert (row["model"], row["judged_at"], row["fault"]) == (MODEL, NOW, None)
    assert (row["code_s"], row["level_s"]) == ("INSUFFICIENT_EVIDENCE", "N")
    assert (row["verdict"]["S"]["code"], row["verdict"]["M"]["code"]) == (row["code_s"], row["code_m"])
    assert again_at(row) > NOW
    assert await history(register) == [(NOW, "INSUFFICIENT_EVIDENCE")]
    assert await register.rows(sa.select(judge_queue)) == []
    assert await judge.round() == 0


async def test_history_holds_a_row_for_each_difference_only(register: Register, judge: Judge, clock: Clock) -> None:
    """Looking at a device that is the same case adds nothing, and judges nothing."""
    await all_rounds(judge)
    sale = {"device": DEVICE, "seller": "noordlicht", "transfer": "gift"}
    for passed, statement in ((60, None), (120, sale), (180, None)):
        clock.now = NOW + passed
        if statement is not None:
            await register.state(f"gateway:{HOME}", "sale", at=clock.now, **statement)
        async with writing(register.engine) as connection:
            await judgements.queue(connection, [(HOME, DEVICE)], at=clock.now)
        await all_rounds(judge)
    assert await history(register) == [(NOW, "INSUFFICIENT_EVIDENCE"), (NOW + 120, "NO_SELLER_DUTY")]
    assert (await row_of(register))["judged_at"] == NOW + 120
    assert judge.appraised == 2


async def test_two_differences_in_one_second_leave_the_last(register: Register, judge: Judge) -> None:
    """The history goes by seconds, and the last verdict of one stands."""
    await all_rounds(judge)
    sale = {"device": DEVICE, "seller": "noordlicht", "transfer": "gift"}
    await register.state(f"gateway:{HOME}", "sale", at=NOW, **sale)
    await all_rounds(judge)
    assert await history(register) == [(NOW, "NO_SELLER_DUTY")]


async def test_time_alone_is_looked_at_when_it_comes_and_not_before(
    register: Register, judge: Judge, clock: Clock
) -> None:
    """A device that goes on being silent is judged again at the second in which its report grows too old."""
    await release(register, "1.0.0", at=NOW - DAY)
    await all_rounds(judge)
    looked_at: list[int] = []
    while (await row_of(register))["code_m"] != "INSUFFICIENT_EVIDENCE":
        clock.now = again_at(await row_of(register)) - 1
        assert await judge.round() == 0
        clock.now += 1
        assert await judge.round() > 0
        looked_at.append(clock.now)
    assert looked_at[-1] == NOW - DAY + POLICY.report_max_age_days.mains * DAY
    assert len(looked_at) < 20


async def test_a_statement_has_the_devices_of_its_model_judged_and_no_others(register: Register, judge: Judge) -> None:
    """A release of a model touches both households that have one; a sale touches one device."""
    await all_rounds(judge)
    await release(register, "1.1.0")
    assert await queued(register) == {DEVICE, NEIGHBOURS_DEVICE}
    await all_rounds(judge)
    await register.state(f"gateway:{NEIGHBOUR}", "sale", device=NEIGHBOURS_DEVICE, seller="noordlicht")
    assert await queued(register) == {NEIGHBOURS_DEVICE}


async def test_what_is_queued_again_while_it_is_judged_is_judged_again(register: Register, judge: Judge) -> None:
    """A fact that came after the facts were read is not lost, even within the same second."""
    await all_rounds(judge)
    case = (await row_of(register))["case_id"]
    async with writing(register.engine) as connection:
        await judgements.queue(connection, [(HOME, DEVICE), (NEIGHBOUR, NEIGHBOURS_DEVICE)], at=NOW)
    async with reading(register.engine) as connection:
        tasks = await judgements.due(connection, now=NOW, limit=BATCH)
    async with writing(register.engine) as connection:
        await judgements.queue(connection, [(HOME, DEVICE)], at=max(task.queued_at or 0 for task in tasks))
    async with writing(register.engine) as connection:
        await judgements.place(connection, [Place(task=task, case_id=case, again_at=None) for task in tasks], now=NOW)
    assert [row["device"] for row in await register.rows(sa.select(judge_queue))] == [DEVICE]


async def test_facts_that_cannot_be_judged_are_shown_and_hold_up_nobody(
    register: Register, judge: Judge, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The device keeps its verdict and shows the fault, the other one is judged; once it is mended it is judged too."""
    await all_rounds(judge)
    before = await row_of(register)
    digest = await register.state(f"gateway:{HOME}", "sale", device=DEVICE, seller="noordlicht")
    this = statements.c.digest == digest
    (whole,) = await register.rows(sa.select(statements.c.fact).where(this))
    await register.execute(statements.update().where(this).values(fact={**whole["fact"], "contract": "soon"}))
    await release(register, "1.1.0")
    clock.now += 60
    with caplog.at_level(logging.CRITICAL):
        assert await all_rounds(judge) == 2
    broken, other = await row_of(register), await row_of(register, NEIGHBOURS_DEVICE)
    assert digest in broken["fault"]
    assert (broken["verdict"], broken["judged_at"], broken["judge_again_at"]) == (before["verdict"], NOW, None)
    assert (other["judged_at"], other["fault"]) == (NOW + 60, None)

    await register.execute(statements.update().where(this).values(fact=whole["fact"]))
    async with writing(register.engine) as connection:
        await judgements.queue(connection, [(HOME, DEVICE)], at=NOW)
    await all_rounds(judge)
    assert (await row_of(register))["fault"] is None


async def test_a_model_that_nobody_knows_any_more_is_forgotten_and_an_old_report_is_not(
    register: Register, judge: Judge, clock: Clock
) -> None:
    """A device keeps its model when its evidence grows old, and loses it when its ids match none."""
    await all_rounds(judge)
    clock.now = NOW + 30 * DAY
    await all_rounds(judge)
    assert (await row_of(register))["model"] == MODEL
    await register.report(HOME, 2, clock.now, seen(DEVICE, ids=("zigbee:Bolder/B-1",)))
    await all_rounds(judge)
    row = await row_of(register)
    assert (row["model"], row["code_s"]) == (None, "MODEL_UNKNOWN")


async def test_another_policy_has_everything_judged_again(register: Register, judge: Judge, clock: Clock) -> None:
    """What was judged under one policy is judged under the next, once."""
    await all_rounds(judge)
    await judge.begin()
    assert await judge.round() == 0
    following = Judge(register.engine, msgspec.structs.replace(POLICY, policy_version="next"), clock)
    await following.begin()
    assert await all_rounds(following) == 2
    assert (await row_of(register))["verdict"]["S"]["policy_version"] == "next"
    await following.begin()
    assert await following.round() == 0


@asynccontextmanager
async def working(judge: Judge, wake: asyncio.Event) -> AsyncIterator[None]:
    """The worker beside the test, ended after it."""
    task = asyncio.create_task(make_rounds(judge, "verdicts", wake))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(register: Register, holds: Callable[[Any], bool]) -> None:
    """Wait until the row of the device is as it should be."""
    async with asyncio.timeout(WITHIN_S):
        while not holds(await row_of(register)):  # noqa: ASYNC110  # the database has no event
            await asyncio.sleep(0.02)


async def test_the_worker_sees_what_another_process_queued(register: Register, judge: Judge) -> None:
    """A command beside a live collector wakes nobody, and its work is done all the same."""
    async with working(judge, asyncio.Event()):
        await until(register, lambda row: row["judged_at"] is not None)
        await release(register, "1.0.0")
        await until(register, lambda row: row["code_m"] == "NO_MAKER_DUTY")


async def test_the_worker_goes_on_when_the_store_works_again(
    register: Register, judge: Judge, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register that somebody else holds for too long is no reason to end, and is told."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    async with contextlib.AsyncExitStack() as stack:
        async with writing(register.engine):  # before the worker begins, which would not give up its turn so soon
            await stack.enter_async_context(working(judge, asyncio.Event()))
            await eventually(lambda: "verdicts wait" in caplog.text)
        await until(register, lambda row: row["judged_at"] is not None)
    assert "another process holds the register" in caplog.text
