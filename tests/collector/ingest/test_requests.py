"""Numbers that never came are asked for: after a while, from time to time, and not if they were refused."""

from collections.abc import AsyncIterator

import pytest_asyncio

from collector.ingest.requests import MISSING_AFTER_S, MISSING_EVERY_S, Requests
from collector.store import evidence
from collector.store.database import reading
from evidence import receipt
from evidence.receipt import Request
from tests.collector.ingest.desk import Desk, signed_report
from tests.collector.register import DEVICE, HOME, NOW, seen


class Reminders:
    """Requests with a clock that is moved by hand."""

    def __init__(self, desk: Desk) -> None:
        self.now = 0.0
        self._key = desk.log.key.public
        self._sent: list[bytes] = []
        self.requests = Requests(
            desk.engine,
            desk.log,
            lambda _to, data: self._sent.append(data),
            monotonic=lambda: self.now,
            clock=lambda: NOW,
        )

    async def after(self, seconds: float) -> list[Request]:
        """What is sent when so much time has gone by."""
        self.now += seconds
        self._sent.clear()
        await self.requests.send_due()
        return [receipt.open_request(data, self._key) for data in self._sent]


@pytest_asyncio.fixture
async def reminders(desk: Desk) -> AsyncIterator[Reminders]:
    yield Reminders(desk)


async def test_gaps_are_asked_for_once_they_have_lasted(desk: Desk, reminders: Reminders) -> None:
    """In ranges, after a minute, and again an hour later, until they are filled."""
    await desk.send_reports(*(signed_report(number, seen(DEVICE)) for number in (2, 5, 6, 9)))
    reminders.requests.missing([HOME])
    assert await reminders.after(MISSING_AFTER_S / 2) == []
    (request,) = await reminders.after(MISSING_AFTER_S / 2)
    assert (request.gateway, request.whole, request.missing) == (HOME, False, ((1, 1), (3, 4), (7, 8)))
    reminders.requests.missing([HOME])
    assert await reminders.after(MISSING_AFTER_S) == []
    await desk.send_reports(*(signed_report(number, seen(DEVICE)) for number in (1, 3, 4)))
    (again,) = await reminders.after(MISSING_EVERY_S)
    assert again.missing == ((7, 8),)


async def test_what_came_in_time_is_not_asked_for(desk: Desk, reminders: Reminders) -> None:
    """Most gaps close by themselves."""
    await desk.send_reports(signed_report(2, seen(DEVICE)))
    reminders.requests.missing([HOME])
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    assert await reminders.after(MISSING_AFTER_S) == []


async def test_a_refused_number_is_not_missing(desk: Desk) -> None:
    """It came, and its sender knows what became of it."""
    ahead = [signed_report(number, seen(DEVICE), issued_at=NOW + 1000) for number in (2, 4)]
    await desk.send_reports(*ahead, signed_report(6, seen(DEVICE)))
    async with reading(desk.engine) as connection:
        assert await evidence.missing(connection, HOME, 64) == [(1, 1), (3, 3), (5, 5)]
        assert await evidence.missing(connection, HOME, 2) == [(1, 1), (3, 3)]
