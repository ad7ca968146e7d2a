"""The writer commits what has arrived and only then acknowledges; a fault of the store is never a message's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.errors import RejectedError, StoreFault
from collector.ingest import derivation
from collector.ingest.clock import Clock
from collector.ingest.ledger import Ledger
from collector.ingest.verify import Message
from collector.store import database, judgements
from collector.store.database import open_engine, reading, writing
from collector.store.derived import Reading
from collector.store.schema import devices, reports
from evidence.ids import topic
from evidence.report import DeviceReport, Outline
from tests.collector.ingest.desk import WITHIN_S, Desk, signed_report
from tests.collector.register import DEVICE, HOME, NEW_DEVICE, NOW, Register, seen


async def until(desk: Desk, part: str, state: str) -> None:
    """Wait until the health shows a state of a part."""
    async with asyncio.timeout(WITHIN_S):
        while desk.health.report()[part]["state"] != state:  # type: ignore[index]  # noqa: ASYNC110  # a map of maps
            await asyncio.sleep(0.01)


async def stored(desk: Desk) -> list[int]:
    return [row["sequence"] for row in await desk.rows(sa.select(reports.c.sequence).order_by(reports.c.sequence))]


class Disk:
    """The disk under a register, which can be full: then the file may not grow by a page."""

    def __init__(self) -> None:
        self.pages = 1_000_000

    def under(self, engine: AsyncEngine) -> None:
        """Bound every transaction."""
        sa.event.listen(engine.sync_engine, "begin", self._bound)

    def _bound(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self.pages}")


@asynccontextmanager
async def locked(folder: Path, _disk: Disk) -> AsyncIterator[None]:
    """Somebody holds the register and does not let go."""
    other = await open_engine(folder / "register.sqlite")
    async with writing(other):
        yield
    await other.dispose()


@asynccontextmanager
async def full(_folder: Path, disk: Disk) -> AsyncIterator[None]:
    """There is no room for another page."""
    disk.pages, room = 1, disk.pages
    yield
    disk.pages = room


@pytest.mark.parametrize(("fault", "state"), [(locked, "locked"), (full, "full")], ids=["locked", "full"])
async def test_a_fault_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, state: str) -> None:
    """It is shown, nothing is acknowledged, answered or blamed, and the work goes on when it ends."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    disk = Disk()
    async with Desk.open_for_work(tmp_path, prepare=disk.under) as desk:
        await desk.enrol_gateway(HOME)
        # More than the pages that the file has already can take.
        found = [seen(f"{number:032x}", "v" * 500) for number in range(200)]
        data = signed_report(1, *found)
        async with fault(tmp_path, disk):
            desk.put(topic(HOME, "report"), data)
            await until(desk, "store", state)
            assert (desk.acknowledged, desk.answers) == ([], [])
            assert desk.health.report()["ok"] is False
        await until(desk, "store", "ok")
        await desk.send_reports(signed_report(2, *found, same=True))
        assert desk.acknowledged[0] == data
        assert desk.receipted(data)
        assert await desk.counted() == {}


@pytest.mark.parametrize("years", [10, -10])
async def test_a_clock_that_jumps(tmp_path: Path, years: int) -> None:
    """It is shown, nothing is recorded under the wrong instant or refused, and the work goes on when it is back."""
    async with Desk.open_for_work(tmp_path) as desk:
        await desk.enrol_gateway(HOME)
        desk.clock = Clock(NOW, wall=lambda: desk.now, steady=lambda: 0)
        await desk.send_reports(signed_report(1, seen(DEVICE)))
        desk.now += years * 365 * 86_400
        desk.put(topic(HOME, "report"), waiting := signed_report(2, seen(DEVICE)))
        await until(desk, "clock", "set")
        assert len(desk.acknowledged) == 1
        assert desk.health.report()["ok"] is False
        desk.now = NOW + 60
        await until(desk, "clock", "ok")
        await desk.send_reports(waiting)
        assert await desk.rows(sa.select(reports.c.sequence, reports.c.received_at)) == [
            {"sequence": 1, "received_at": NOW},
            {"sequence": 2, "received_at": NOW + 60},
        ]
        assert await desk.counted() == {}


async def test_a_message_that_breaks_the_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found out among its batch, kept as `internal` alone, and the others are stored, in order."""
    true_accept = Ledger.accept

    def accept(self: Ledger, report: Outline, message: Message, signature: bytes | None) -> None:
        if report.sequence == 2:
            raise ZeroDivisionError
        true_accept(self, report, message, signature)

    monkeypatch.setattr(Ledger, "accept", accept)
    messages = [
        signed_report(1, seen(DEVICE)),
        signed_report(2, seen(DEVICE, "poison")),
        signed_report(3, seen(DEVICE), seen(NEW_DEVICE)),
    ]
    await desk.send_reports(*messages)
    assert desk.acknowledged == messages
    assert await stored(desk) == [1, 3]
    assert [(row["reason"], row["detail"]) for row in await desk.rejected()] == [
        ("internal", "ZeroDivisionError; see the collector's log")
    ]


async def test_a_report_from_which_nothing_can_be_derived(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is receipted and on record; what follows from the others is derived, whatever came in between."""
    true_reading = derivation.reading

    def reading(device: DeviceReport) -> Reading:
        if device.version_raw == "poison":
            raise ZeroDivisionError
        return true_reading(device)

    monkeypatch.setattr(derivation, "reading", reading)
    messages = [
        signed_report(1, seen(DEVICE)),
        signed_report(2, seen(DEVICE, "poison")),
        signed_report(3, seen(DEVICE), seen(NEW_DEVICE)),
    ]
    await desk.send_reports(*messages)
    assert desk.receipted(*messages)
    assert await stored(desk) == [1, 2, 3]
    names = [row["device"] for row in await desk.rows(sa.select(devices.c.device).order_by(devices.c.device))]
    assert names == [DEVICE, NEW_DEVICE]


async def test_what_was_not_derived_when_a_collector_ended(tmp_path: Path) -> None:
    """The next one does it, and until then the judge leaves the gateway's devices alone."""
    async with Register.opened(tmp_path) as register:
        await register.enrol_gateway(HOME)
        await register.receive(HOME, "report", signed_report(1, seen(DEVICE)), at=NOW)
        async with writing(register.engine) as connection:
            data = signed_report(2, seen(DEVICE), seen(NEW_DEVICE))
            await register.settle_in(connection, HOME, "report", data, at=NOW, derived=False)
            assert await judgements.due(connection, now=NOW, limit=9) == []
    async with Desk.open_for_work(tmp_path) as desk:
        await desk.send_reports(signed_report(3, seen(DEVICE), seen(NEW_DEVICE), same=True))
        names = [row["device"] for row in await desk.rows(sa.select(devices.c.device).order_by(devices.c.device))]
        assert names == [DEVICE, NEW_DEVICE]
        async with reading(desk.engine) as connection:
            assert len(await judgements.due(connection, now=NOW, limit=9)) == 2


async def test_messages_are_acknowledged_in_the_order_of_their_arrival(desk: Desk) -> None:
    """Good and bad alike, more than one batch of them."""
    messages = [signed_report(number, seen(DEVICE)) if number % 3 else b"bad %d" % number for number in range(1, 700)]
    await desk.send_reports(*messages)
    assert desk.acknowledged == messages


def test_a_rejection_keeps_plain_words() -> None:
    """Whatever kind of word a room gives as its reason, it can be signed and stored."""
    assert type(RejectedError(StoreFault.FULL, "").reason) is str
