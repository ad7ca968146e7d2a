"""A publisher with what it needs, for a gateway that the collector knows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent import keys
from agent.config import BrokerSettings
from agent.enrolment import Enrolment
from agent.publisher import Connect, Pace, Publisher
from agent.service import connector
from agent.spool import Kind
from agent.state import Remembered
from evidence import enrolment as evidence_enrolment
from evidence import report
from evidence.report import Report
from tests.world.disks import open_spool
from tests.world.witness import Witness

NOW = 1_800_000_000
QUICK = Pace(resend_s=0.2, resend_most_s=0.4, reconnect_s=0.1, reconnect_most_s=0.2, look_s=0.1)
PATIENT = Pace(resend_s=600, reconnect_s=0.1, reconnect_most_s=0.2, look_s=0.1)
TO_BROKERS = connector(BrokerSettings())


class Post:
    """A publisher and its spool."""

    def __init__(self, directory: Path, collector: Witness, pace: Pace = QUICK, connect: Connect = TO_BROKERS) -> None:
        self.identity = keys.load_or_create(directory)
        self.gateway = self.identity.gateway
        self.spool = open_spool(directory)
        self.remembered = Remembered(directory)
        self.wanted = asyncio.Event()
        self.publisher = Publisher(
            self.gateway,
            self.spool,
            self.remembered,
            connect=connect,
            pace=pace,
            on_wanted=self.wanted.set,
        )
        self.enrolment = Enrolment(
            host="127.0.0.1",
            port=collector.port,
            tls=False,
            log=collector.log,
            collector=collector.key.public.data.hex(),
            enrolled_at=NOW,
        )
        key = self.identity.key.public.data
        collector.enrolment = evidence_enrolment.Enrolment(gateway=self.gateway, key=key, code="", proof=b"")

    def put(self, *numbers: int) -> list[bytes]:
        """Sign and spool reports of these numbers."""
        made = [Report(gateway=self.gateway, sequence=number, issued_at=NOW, inventory=bytes(32)) for number in numbers]
        signed = [report.sign(one, self.identity.key) for one in made]
        for number, data in zip(numbers, signed, strict=True):
            self.spool.put(Kind.UNCHANGED, data, now=NOW, sequence=number)
        self.publisher.wake()
        return signed

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Publish for the length of a block."""
        task = asyncio.create_task(self.publisher.run(self.enrolment))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self.spool.entries()

    def junk(self) -> int:
        """How much of what came was nobody's word."""
        return self.remembered.state.counts.get("junk", 0)
