"""Sends what the spool holds and lets go of it when the collector has answered. A broker's acknowledgement is neither.

In order, a window of messages at a time; what stays unanswered is sent again after a while that doubles, and at once in
a new session, since a broker may have lost its memory. Reconnecting waits a random part of a delay that doubles: the
gateways of a country come back from a power cut within the same second.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from agent.answers import Answer, open_answer
from agent.enrolment import Enrolment
from agent.errors import AgentError, BrokerError, CredentialError, PublishError, SpoolError, StateError, first
from agent.forks import LogWatch
from agent.spool import Entry, Kind, Spool
from agent.state import LastRefusal, Remembered, Trouble
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.receipt import Receipt, Refusal, Request

log = logging.getLogger(__name__)


class Session(Protocol):
    """What the publisher needs of a connection: the seam to MQTT, which only `agent.session` knows."""

    async def send(self, leaf: str, data: bytes) -> None:
        """Publish; returns when the broker has acknowledged, which is not delivery.

        Raises:
            BrokerError: The connection broke.
        """

    def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """What comes for this gateway: leaf of the topic and payload. Raises BrokerError when the connection breaks."""


Connect = Callable[[Enrolment, str], AbstractAsyncContextManager[Session]]


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often things are tried again; seconds.

    Attributes:
        resend_s: Until what is unanswered is sent again the first time.
        resend_most_s: What that grows to.
        reconnect_s: The first delay before a new connection.
        reconnect_most_s: What that grows to.
        look_s: How often the spool is looked at for what another process put there.
    """

    resend_s: float = 5
    resend_most_s: float = 3600
    reconnect_s: float = 1
    reconnect_most_s: float = 300
    look_s: float = 10


_WINDOW = 100  # messages on their way; a default Mosquitto drops what is beyond 1,000 for an absent collector
_REPORTING = frozenset(Kind) - {Kind.ENROLMENT}
_TROUBLES = (BrokerError, PublishError, CredentialError)  # why there may be no session; each may pass
_STEADY_S = 30  # a session that lasted so long was a good one


class Publisher:
    """The way out.

    Args:
        gateway: Gateway id.
        spool: What is to be sent.
        remembered: Where heads, counts and the number of a refusal go.
        connect: Opens a session.
        kinds: Which messages of the spool it sends and lets go of; by default all that go to the collector reported to.
        pace: How often things are tried again.
        on_wanted: Called when the collector wants a report now.
        progress: Called whenever the publisher has moved.
    """

    def __init__(
        self,
        gateway: str,
        spool: Spool,
        remembered: Remembered,
        *,
        connect: Connect,
        kinds: Collection[Kind] = _REPORTING,
        pace: Pace = Pace(),  # noqa: B008  # frozen
        on_wanted: Callable[[], None] = lambda: None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._gateway = gateway
        self._spool = spool
        self._remembered = remembered
        self._watch = LogWatch(spool, remembered, on_wanted)
        self._connect = connect
        self._kinds = kinds
        self._pace = pace
        self._on_wanted = on_wanted
        self._progress = progress
        self.trouble: Trouble | None = None  # why there is no session, for whoever waits for one
        self._wake = asyncio.Event()
        self._sent: dict[str, tuple[int, float]] = {}  # digest → how often, and when again (loop time)

    def wake(self) -> None:
        """Say that there is something new in the spool."""
        self._wake.set()

    async def run(self, enrolment: Enrolment) -> None:
        """Publish for ever; broken connections are opened anew."""
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                async with self._connect(enrolment, self._gateway) as session:
                    self._tell(None)
                    log.log(logging.WARNING if attempt else logging.INFO, "broker_connected host=%s", enrolment.host)
                    # In a task of its own: a TaskGroup that fails leaves its task counted as cancelled before
                    # Python 3.13, and then a broken connection would look like the end that was asked for.
                    await asyncio.create_task(self._serve(session, enrolment), name="publisher.session")
            except _TROUBLES as error:
                _end_if_cancelled(error)
                if asyncio.get_running_loop().time() - began > _STEADY_S:
                    attempt = 0
                level = logging.WARNING if self._tell(error) else logging.DEBUG
                log.log(
                    level,
                    "broker_away host=%s port=%d code=%s error=%s",
                    *(enrolment.host, enrolment.port, error.code, error),
                )
            attempt += 1
            await self._pause(attempt)

    def _tell(self, error: AgentError | None) -> bool:
        """Show why there is no session, or that there is one; whether that is news."""
        trouble = None if error is None else Trouble(code=error.code, detail=str(error))
        is_news, self.trouble = trouble != self.trouble, trouble
        # Whoever enrols, perhaps at another broker, is told by the command.
        if self._kinds is _REPORTING and trouble != self._remembered.state.trouble:
            with contextlib.suppress(StateError):  # a full disk: `status` shows what it showed before
                self._remembered.update(trouble=trouble)
        return is_news

    async def _serve(self, session: Session, enrolment: Enrolment) -> None:
        self._sent.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(session), name="publisher.send")
                group.create_task(self._receive(session, enrolment), name="publisher.receive")
        except BaseExceptionGroup as errors:
            # Not `except*`: before Python 3.11.4 what is raised there leaves in a group of its own.
            broken, others = errors.split(_TROUBLES)
            if others is not None or broken is None:
                raise
            raise first(broken) from None

    async def _send(self, session: Session) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            self._wake.clear()
            for entry in self._due(clock()):
                data = self._spool.read(entry)
                if data is not None:
                    await session.send(entry.leaf, data)
                self._again_later(entry.digest, clock())
                self._progress()
            self._progress()
            await self._sleep(clock())

    def _due(self, now: float) -> list[Entry]:
        entries = self._entries()
        waiting = {entry.digest for entry in entries}
        self._sent = {digest: sent for digest, sent in self._sent.items() if digest in waiting}
        on_the_way = sum(again > now for _, again in self._sent.values())
        due = [entry for entry in entries if self._sent.get(entry.digest, (0, now))[1] <= now]
        return due[: max(0, _WINDOW - on_the_way)]

    def _again_later(self, digest: str, now: float) -> None:
        times, _ = self._sent.get(digest, (0, now))
        delay = min(self._pace.resend_most_s, self._pace.resend_s * 2 ** min(times, 20))
        self._sent[digest] = (times + 1, now + delay * random.uniform(0.5, 1))  # noqa: S311

    async def _sleep(self, now: float) -> None:
        again = min((again for _, again in self._sent.values()), default=now + self._pace.look_s)
        try:
            async with asyncio.timeout(max(0.0, min(self._pace.look_s, again - now))):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _pause(self, attempt: int) -> None:
        most = min(self._pace.reconnect_most_s, self._pace.reconnect_s * 2 ** min(attempt, 20))
        left = random.uniform(0, most)  # noqa: S311
        while left > 0:
            self._progress()
            await asyncio.sleep(min(left, self._pace.look_s))
            left -= self._pace.look_s

    async def _receive(self, session: Session, enrolment: Enrolment) -> None:
        async for leaf, data in session.received():
            self._progress()
            try:
                answer = open_answer(leaf, data, key=enrolment.key, log=enrolment.log, gateway=self._gateway)
            except EvidenceError as error:
                self._remembered.count("junk")
                log.debug("junk leaf=%s bytes=%d code=%s", leaf, len(data), error.code)
                continue
            try:
                await self._take(answer, data, session, enrolment.key)
            except (SpoolError, StateError) as error:
                log.error("answer_not_filed error=%s", error)  # noqa: TRY400  # it comes again; the message says all
            self._wake.set()

    async def _take(self, answer: Answer, data: bytes, session: Session, key: PublicKey) -> None:
        match answer:
            case Receipt():
                self._take_receipt(answer, data, key)
            case Refusal():
                self._take_refusal(answer, data)
            case Request():
                await self._take_request(answer, session)

    def _take_receipt(self, receipt: Receipt, data: bytes, key: PublicKey) -> None:
        entry = self._find(receipt.digest)
        if entry is None:
            return
        answered = self._spool.read(entry)
        self._spool.keep(entry, data)
        self._remembered.count("receipts")
        self._watch.take(receipt, answered, key)

    def _take_refusal(self, refusal: Refusal, data: bytes) -> None:
        entry = self._find(refusal.digest)
        if entry is None:
            return
        log.warning("refused kind=%s sequence=%d reason=%s", entry.kind, entry.sequence, refusal.reason)
        self._spool.refuse(entry, data)
        self._remembered.count(f"refused_{refusal.reason}")
        last = LastRefusal(kind=entry.leaf, reason=refusal.reason, refused_at=refusal.refused_at)
        # An agent that was restored from an old card goes on from the collector's number.
        sequence = max(self._remembered.state.sequence, refusal.last_sequence)
        if entry.kind is Kind.ENROLMENT:  # by a collector that will not be ours: its number is none of ours
            self._remembered.update(refusal=last)
        elif entry.leaf == "statement":
            self._remembered.update(refusal=last, sequence=sequence)
        else:
            if refusal.reason != "key":  # what is read again would be signed with the same key
                self._on_wanted()
            self._remembered.update(refusal=last, sequence=sequence, inventory=None)

    async def _take_request(self, request: Request, session: Session) -> None:
        log.info("requested whole=%s missing=%s", request.whole, request.missing)
        if request.whole:
            self._on_wanted()
            self._remembered.update(inventory=None)
        kept = sorted(self._spool.kept.reports(request.missing), key=lambda item: item.sequence)
        if kept:
            self._watch.doubt("asked_again")
        for item in kept[:_WINDOW]:
            data = self._spool.kept.read(item)
            if data is not None:
                await session.send("report", data)

    def _find(self, digest: bytes) -> Entry | None:
        return next((entry for entry in self._entries() if entry.digest == digest.hex()), None)

    def _entries(self) -> list[Entry]:
        return [entry for entry in self._spool.entries() if entry.kind in self._kinds]


def _end_if_cancelled(error: Exception) -> None:
    # A connection that breaks while it is left raises too, and that error takes the place of the cancellation.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
