"""A writer at its register: messages go into its inbox, answers and acknowledgements are collected."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Limits
from collector.ingest.health import Health
from collector.ingest.inbox import Arrival, Inbox
from collector.ingest.writer import Writer
from collector.store import rejected as rejected_rows
from collector.store.database import reading
from collector.store.schema import derive_queue, rejected, rejections
from evidence import receipt
from evidence.errors import EvidenceError
from evidence.ids import topic
from evidence.receipt import Receipt, Refusal, Request
from evidence.report import DeviceReport, Report, inventory_digest, sign
from tests.collector.register import HOME, NOW, Register, key_of

WITHIN_S = 60.0


def signed_report(
    sequence: int,
    *found: DeviceReport,
    gateway: str = HOME,
    same: bool = False,
    issued_at: int = NOW,
    by: str | None = None,
    previous: bytes | None = None,
) -> bytes:
    """A report as a gateway signs it; with `same` it does not say again what it found."""
    devices = tuple(sorted(found, key=lambda device: device.device))
    claims = Report(
        gateway=gateway,
        sequence=sequence,
        issued_at=issued_at,
        inventory=inventory_digest(devices),
        previous=None if previous is None else hashlib.sha256(previous).digest(),
        devices=None if same else devices,
    )
    return sign(claims, key_of(by or f"gateway:{gateway}"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Desk(Register):
    """A register at which a writer works.

    Attributes:
        now: What the writer's clock says, unless `clock` is another.
        answers: Topic and bytes, as they went out.
        acknowledged: Payloads, in the order of their acknowledgement.
    """

    now: int
    clock: Callable[[], int]
    answers: list[tuple[str, bytes]]
    acknowledged: list[bytes]
    health: Health
    inbox: Inbox
    _changed: asyncio.Event

    @classmethod
    @asynccontextmanager
    async def open_for_work(
        cls, folder: Path, limits: Limits | None = None, prepare: Callable[[AsyncEngine], None] | None = None
    ) -> AsyncIterator[Self]:
        """A desk in a folder, with the writer at work; `prepare` is for whoever wants to trouble its register."""
        async with cls.opened(folder) as desk:
            if prepare is not None:
                prepare(desk.engine)
            desk.now = NOW
            desk.clock = lambda: desk.now
            desk.answers = []
            desk.acknowledged = []
            desk.health = Health(lambda: desk.now)
            desk.inbox = Inbox()
            desk._changed = asyncio.Event()
            writer = Writer(
                desk.engine,
                desk.log,
                limits or Limits(),
                desk.inbox,
                publish=lambda to, data: desk.answers.append((to, data)),
                wake=lambda: None,
                health=desk.health,
                clock=lambda: desk.clock(),  # noqa: PLW0108  # a test may put another in its place
            )
            work = asyncio.create_task(writer.run(), name="writer")
            try:
                yield desk
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work

    def put(self, to: str, data: bytes) -> None:
        """Let a message arrive."""

        def acknowledge() -> None:
            self.acknowledged.append(data)
            self._changed.set()

        self.inbox.put(Arrival(to, data, acknowledge))

    async def send(self, *messages: tuple[str, bytes]) -> None:
        """Let messages arrive together, and wait until all are acknowledged and what follows is derived."""
        wanted = len(self.acknowledged) + len(messages)
        for to, data in messages:
            self.put(to, data)
        async with asyncio.timeout(WITHIN_S):
            while len(self.acknowledged) < wanted:
                self._changed.clear()
                await self._changed.wait()
            while await self.rows(sa.select(derive_queue)):  # noqa: ASYNC110  # the database has no event
                await asyncio.sleep(0.005)

    async def send_reports(self, *reports: bytes, gateway: str = HOME) -> None:
        """Let reports of one gateway arrive together."""
        await self.send(*((topic(gateway, "report"), data) for data in reports))

    async def idle(self) -> None:
        """Wait until nothing waits whose gateway is known."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with reading(self.engine) as connection:
                    if not await rejected_rows.due(connection, 1):
                        return
                await asyncio.sleep(0.02)

    async def receives(self, *messages: bytes) -> None:
        """Wait until each of these messages has its receipt, which follows upon what is stored."""
        async with asyncio.timeout(WITHIN_S):
            while not self.receipted(*messages):  # noqa: ASYNC110  # a list
                await asyncio.sleep(0.005)

    def receipts(self) -> list[Receipt]:
        """Every receipt that went out, checked."""
        return [
            receipt.open_receipt(data, self.log.key.public)
            for to, data in self.answers
            if to.endswith("/receipt") and not self._is_refusal(data)
        ]

    def receipted(self, *messages: bytes) -> bool:
        """Whether each of these messages has a receipt."""
        return {digest(data) for data in messages} <= {item.digest.hex() for item in self.receipts()}

    def refusals(self) -> list[Refusal]:
        """Every refusal that went out, checked."""
        found = (data for to, data in self.answers if to.endswith("/receipt") and self._is_refusal(data))
        return [receipt.open_refusal(data, self.log.key.public) for data in found]

    def requests(self) -> list[Request]:
        """Every request that went out, checked."""
        return [receipt.open_request(data, self.log.key.public) for to, data in self.answers if to.endswith("/request")]

    async def rejected(self) -> list[Mapping[str, Any]]:
        """The rejections that are kept, oldest first."""
        return await self.rows(sa.select(rejected).order_by(rejected.c.id))

    async def counted(self) -> dict[str, int]:
        """How often each reason was met."""
        return {row["reason"]: row["count"] for row in await self.rows(sa.select(rejections))}

    def _is_refusal(self, data: bytes) -> bool:
        try:
            receipt.open_refusal(data, self.log.key.public)
        except EvidenceError:
            return False
        return True
