"""One transaction: what was screened becomes reports, statements, leaves of the log, rejections, or waits.

Enrolments come first, then reports, then statements: a household speaks of devices that a report of the same batch may
show for the first time, so what follows from its reports is derived before. Nothing leaves before the commit; what is
to be answered is handed back.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue import own_key, record
from collector.catalogue.door import check_statement
from collector.config import Limits
from collector.errors import RejectedError
from collector.ingest import enrolment
from collector.ingest.derivation import derive_of
from collector.ingest.inbox import Arrival
from collector.ingest.intake import Intake, take_in
from collector.ingest.screen import Screened
from collector.ingest.verify import Message
from collector.store import derived, evidence, gateways, judgements, rejected, statements
from collector.store.rejected import Pending, Rejected
from collector.transparency.log import Batch, Log
from evidence.enrolment import Enrolment
from evidence.ids import parse_topic
from evidence.receipt import Refusal

MAX_TOPIC: Final = 200  # characters of a topic, and of a detail, that are kept
MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be answered once the transaction is committed.

    Attributes:
        batch: Gives the receipts.
        receipts: Gateway and digest of what was accepted, now or before.
        refusals: To whom they are due.
        wanted: Gateways whose inventory nobody has stated yet.
        gaps: Gateways of which numbers may be missing.
        rejected: The reason of each rejection that is a new one.
        derive: Gateways of which something follows from reports.
        enrolled: Somebody was enrolled, so that what he sent before can be judged.
    """

    batch: Batch
    receipts: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)
    gaps: set[str] = field(default_factory=set)
    rejected: list[str] = field(default_factory=list)
    derive: set[str] = field(default_factory=set)
    enrolled: set[str] = field(default_factory=set)


async def settle(
    connection: AsyncConnection,
    log: Log,
    screened: Sequence[Screened],
    *,
    limits: Limits,
    now: int,
    intake: Intake | None = None,
) -> Settled:
    """Store a batch in a transaction of `writing`.

    Args:
        connection: Of that transaction.
        log: The log.
        screened: The batch.
        limits: Bounds of what is kept of messages that are not accepted.
        now: Unix seconds.
        intake: What its reports come to, where that was worked out before; it cannot be used again.

    Raises:
        StoreError: From the database; nothing of the batch is stored then.
        OutdatedError: Somebody has changed meanwhile what the intake was held against.
    """
    work = _Settlement(connection, log, Settled(await log.begin(connection, now)), limits, now)
    for item in screened:
        if item.fault is not None:
            work.reject(item, item.fault)
    ready = [(item, item.message) for item in screened if item.fault is None and item.message is not None]
    await work.enrolments([(item, message, c) for item, message in ready if isinstance(c := item.claims, Enrolment)])
    await work.reports(intake or await take_in(connection, screened, now))
    await work.statements([pair for pair in ready if pair[0].claims is None and not pair[0].held])
    await work.settled.batch.seal()
    await work.hold([pair for pair in ready if pair[0].held])
    await work.release([item.arrival for item in screened if item.arrival.held])
    await work.write_rejections()
    return work.settled


class _Settlement:
    def __init__(self, connection: AsyncConnection, log: Log, settled: Settled, limits: Limits, now: int) -> None:
        self.settled = settled
        self._connection = connection
        self._log = log
        self._limits = limits
        self._now = now
        self._rejections: list[tuple[Screened, RejectedError]] = []

    def reject(self, item: Screened, error: RejectedError) -> None:
        """Note a rejection, to be written with the others."""
        self._rejections.append((item, error))

    async def enrolments(self, items: Sequence[tuple[Screened, Message, Enrolment]]) -> None:
        """Make gateways known."""
        for item, message, wish in items:
            is_recorded = await statements.recorded(self._connection, message.digest) is not None
            try:
                if not is_recorded:
                    await enrolment.admit(self._connection, message, wish, self._now)
            except RejectedError as error:
                self.reject(item, error)
                continue
            leaf = await self._append(message)
            if not is_recorded:
                await enrolment.record(self._connection, message, leaf, self._now)
                self.settled.enrolled.add(message.gateway)

    async def reports(self, intake: Intake) -> None:
        """Store what is new among reports, and what it says of devices."""
        self._rejections.extend(intake.rejected)
        self.settled.receipts.extend(intake.receipts)
        batch = self.settled.batch
        for digest, head in intake.heads.items():
            batch.compare(digest, head)
        leaf = batch.append(intake.leaves)
        await batch.add(digest for _, digest in intake.receipts)
        await intake.changes.write(self._connection, leaf, self._now)
        self.settled.wanted.update(intake.wanted)
        self.settled.gaps.update(intake.gaps)
        self.settled.derive.update(intake.derive)
        for old, first in intake.ended.items():
            await gateways.end_replaced(self._connection, old, first=first, now=self._now)

    async def statements(self, items: Sequence[tuple[Screened, Message]]) -> None:
        """Put on record what the catalogue's door lets in."""
        if items:
            await derive_of(self._connection, {message.gateway for _, message in items})
        for item, message in items:
            try:
                checked = await check_statement(
                    self._connection, message.body, gateway=message.gateway, recorded_at=self._now
                )
            except RejectedError as error:
                self.reject(item, error)
                continue
            await record.insert(self._connection, checked, await self._append(message))
            if checked.kind == own_key.KIND and checked.leaf is None:
                await own_key.carry_out(
                    self._connection, checked.fact, gateway=message.gateway, old=message.key_id, now=self._now
                )
                self.settled.enrolled.add(message.gateway)

    async def hold(self, items: Sequence[tuple[Screened, Message]]) -> None:
        """Keep what came under unknown keys, as far as there is room."""
        waiting = [
            Pending(
                gateway=message.gateway,
                digest=message.digest,
                leaf_topic=message.leaf_topic,
                key_id=message.key_id,
                received_at=self._now,
                body=message.body,
            )
            for _, message in items
        ]
        left_out = {pending.digest for pending in await rejected.hold(self._connection, waiting, self._limits)}
        for item, message in items:
            if message.digest in left_out:
                detail = "nobody knows this key, and no room is left for messages that wait for an enrolment"
                self.reject(item, RejectedError("key", detail, key_id=message.key_id))

    async def release(self, arrivals: Sequence[Arrival]) -> None:
        """Let go of what waited and was judged in this batch."""
        if done := [(topic[0], _digest(a)) for a in arrivals if (topic := parse_topic(a.topic)) is not None]:
            await rejected.release(self._connection, done)

    async def write_rejections(self) -> None:
        """Keep, count and answer what was rejected; what was rejected before is answered again, and no more."""
        if not self._rejections:
            return
        rows = [(_row(item, error, self._now), error) for item, error in self._rejections]
        gateways = {row.gateway for row, _ in rows if row.gateway is not None}
        before = await rejected.known(self._connection, gateways, {row.digest for row, _ in rows})
        if new := [row for row, _ in rows if row.digest not in before]:
            await rejected.insert(self._connection, new, self._limits)
            self.settled.rejected.extend(row.reason for row in new)
        states = await evidence.states(self._connection, gateways)
        for row, error in rows:
            if row.gateway is not None and (row.verified or error.reason == enrolment.REASON):
                state = states.get(row.gateway)
                self.settled.refusals.append(self._refusal(row, row.gateway, state.last_sequence if state else 0))
        doubtful = {row.gateway for row in new if row.gateway is not None and row.verified}
        await self._judge_again(await derived.every_device(self._connection, doubtful))

    async def _append(self, message: Message) -> int:
        await self.settled.batch.add([message.digest])
        self.settled.receipts.append((message.gateway, message.digest))
        return self.settled.batch.leaf(message.digest)

    async def _judge_again(self, devices: Iterable[tuple[str, str]]) -> None:
        await judgements.queue(self._connection, devices, at=self._now)

    def _refusal(self, row: Rejected, gateway: str, last_sequence: int) -> Refusal:
        return Refusal(
            log=self._log.id,
            gateway=gateway,
            digest=bytes.fromhex(row.digest),
            reason=row.reason,
            last_sequence=last_sequence,
            refused_at=self._now,
        )


def _row(item: Screened, error: RejectedError, now: int) -> Rejected:
    arrival = item.arrival
    topic = parse_topic(arrival.topic)
    return Rejected(
        received_at=now,
        topic=arrival.topic[:MAX_TOPIC],
        gateway=topic[0] if topic else None,
        key_id=error.key_id,
        sequence=error.sequence,
        reason=error.reason,
        detail=error.detail[:MAX_DETAIL],
        digest=_digest(arrival),
        size=len(arrival.payload),
        verified=error.verified,
        body=arrival.payload,
    )


def _digest(arrival: Arrival) -> str:
    return hashlib.sha256(arrival.payload).hexdigest()
