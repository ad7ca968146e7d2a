"""What a batch was held against may change before it is stored: by a command beside the collector, never unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.ingest.intake import take_in
from collector.ingest.revocation import revoke
from collector.store.database import open_engine, reading, writing
from collector.store.evidence import OutdatedError
from collector.store.schema import leaves, reports
from evidence.ids import topic
from tests.collector.ingest.desk import WITHIN_S, Desk, digest, signed_report
from tests.collector.register import DEVICE, HOME, NOW, seen

FIRST, OTHER = signed_report(1, seen(DEVICE)), signed_report(1, seen(DEVICE, "2.0.0"))
SECOND = signed_report(2, seen(DEVICE, "2.0.0"), previous=FIRST)
READINGS = 2  # of the keys, and of what the batch is held against


class Looks:
    """Counts the transactions of a writer that are over."""

    def __init__(self) -> None:
        self.count = 0

    def at(self, engine: AsyncEngine) -> None:
        """Begin to count."""
        sa.event.listen(engine.sync_engine, "checkin", self._note)

    def _note(self, _connection: object, _record: object) -> None:
        self.count += 1


@asynccontextmanager
async def beside(folder: Path, desk: Desk, looks: Looks, *messages: bytes) -> AsyncIterator[AsyncConnection]:
    """A transaction of somebody else, at whose end the writer has read all that it needs and waits for its turn."""
    other = await open_engine(folder / "register.sqlite")
    try:
        async with writing(other) as connection:
            looks.count = 0
            for message in messages:
                desk.put(topic(HOME, "report"), message)
            async with asyncio.timeout(WITHIN_S):
                while looks.count < READINGS:  # noqa: ASYNC110  # an event of the database, in another thread
                    await asyncio.sleep(0.005)
            yield connection
    finally:
        await other.dispose()


async def acknowledged(desk: Desk, *messages: bytes) -> None:
    """Wait until these are settled."""
    async with asyncio.timeout(WITHIN_S):
        while not set(messages) <= set(desk.acknowledged):  # noqa: ASYNC110  # a list
            await asyncio.sleep(0.005)


async def other_bytes(desk: Desk, connection: AsyncConnection) -> None:
    await desk.settle_in(connection, HOME, "report", OTHER, at=NOW)


async def same_bytes(desk: Desk, connection: AsyncConnection) -> None:
    await desk.settle_in(connection, HOME, "report", FIRST, at=NOW)


async def revoked(_desk: Desk, connection: AsyncConnection) -> None:
    await revoke(connection, HOME, at=NOW - 60, now=NOW)


@pytest.mark.parametrize(
    ("meanwhile", "refused", "on_record"),
    [
        pytest.param(other_bytes, ["sequence"], [OTHER, SECOND], id="the number is used by other bytes meanwhile"),
        pytest.param(same_bytes, [], [FIRST, SECOND], id="the same bytes are stored meanwhile"),
        pytest.param(revoked, ["key", "key"], [], id="the gateway is revoked meanwhile"),
    ],
)
async def test_what_somebody_else_does_meanwhile_counts(
    tmp_path: Path,
    meanwhile: Callable[[Desk, AsyncConnection], Awaitable[None]],
    refused: list[str],
    on_record: list[bytes],
) -> None:
    """Nothing is stored twice, and nothing that may not be any more."""
    looks = Looks()
    async with Desk.open_for_work(tmp_path, prepare=looks.at) as desk:
        await desk.enrol_gateway(HOME)
        await desk.idle()
        async with beside(tmp_path, desk, looks, FIRST, SECOND) as connection:
            await meanwhile(desk, connection)
        await acknowledged(desk, FIRST, SECOND)
        assert [refusal.reason for refusal in desk.refusals()] == refused
        query = (
            sa.select(leaves.c.digest).join(reports, reports.c.leaf == leaves.c["index"]).order_by(leaves.c["index"])
        )
        assert [row["digest"] for row in await desk.rows(query)] == [digest(data) for data in on_record]


async def test_outdated_changes_are_not_stored(desk: Desk) -> None:
    """Who worked them out is told, before anything is written."""
    async with reading(desk.engine) as connection:
        intake = await take_in(connection, await desk.screened(connection, HOME, "report", FIRST), NOW)
    await desk.send_reports(OTHER)
    with pytest.raises(OutdatedError):
        async with writing(desk.engine) as connection:
            await intake.changes.write(connection, 2, NOW)
    assert len(await desk.rows(sa.select(reports))) == 1
