"""A Mosquitto as it comes drops what is beyond 1,000 messages for a collector that is away; the spools carry that."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import keys
from agent.config import BrokerSettings
from agent.enrolment import Enrolment
from agent.publisher import Pace, Publisher
from agent.service import connector
from agent.spool import Kind
from agent.state import Remembered
from collector.__main__ import main
from collector.config import load
from collector.register import opened
from evidence import report
from evidence.report import Report
from tests.world.collector import Collector
from tests.world.disks import open_spool
from tests.world.mosquitto import Mosquitto
from tests.world.processes import eventually

GATEWAYS, REPORTS = 11, 100  # what one agent has on the way, and enough of them to be more than the broker keeps
PACE = Pace(resend_s=2, resend_most_s=4)


class Sender:
    """A gateway that is known to the collector and has a spool full of reports."""

    def __init__(self, folder: Path, collector_toml: Path) -> None:
        identity = keys.load_or_create(folder)
        self.gateway = identity.gateway
        self.spool = open_spool(folder)
        now = int(time.time())
        for number in range(1, REPORTS + 1):
            made = Report(gateway=self.gateway, sequence=number, issued_at=now, inventory=bytes(32))
            self.spool.put(Kind.UNCHANGED, report.sign(made, identity.key), now=now, sequence=number)
        enrol = ("gateways", "enrol", self.gateway, identity.key.public.data.hex())
        assert main(["--config", str(collector_toml), *enrol]) == 0
        settings = BrokerSettings()
        self.publisher = Publisher(self.gateway, self.spool, Remembered(folder), connect=connector(settings), pace=PACE)

    def is_empty(self) -> bool:
        """Whether all was answered."""
        return not self.spool.entries()


async def enrolment(config: Path, port: int) -> Enrolment:
    """What every sender knows of the collector."""
    async with opened(load(str(config)), now=0) as (_, log):
        key = log.key.public.data.hex()
        return Enrolment(host="127.0.0.1", port=port, tls=False, log=log.id, collector=key, enrolled_at=0)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """One that says what it drops."""
    made = Mosquitto(tmp_path, f"allow_anonymous true\nlog_dest file {tmp_path}/mosquitto.log\n")
    await made.start()
    yield made
    await made.kill()


async def test_what_a_default_broker_drops_is_sent_again(
    tmp_path: Path, broker: Mosquitto, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the collector is back, all is on record and receipted, though the broker had acknowledged all of it."""
    # Eleven agents share one event loop here, and none of them loses power.
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    said = tmp_path / "mosquitto.log"
    await collector.start(until_ready=True)
    await collector.kill()
    senders = [await asyncio.to_thread(Sender, tmp_path / str(number), collector.config) for number in range(GATEWAYS)]
    known = await enrolment(collector.config, broker.port)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sender.publisher.run(known)) for sender in senders]

        dropped = f"Outgoing messages are being dropped for client updateplicht-{known.log}"
        await eventually(lambda: dropped in said.read_text())
        await collector.start()
        await eventually(lambda: all(sender.is_empty() for sender in senders), within_s=150)
        for task in tasks:
            task.cancel()
    on_record = collector.rows("SELECT lower(hex(gateway)), sequence FROM reports ORDER BY 1, 2")
    assert on_record == sorted((sender.gateway, n) for sender in senders for n in range(1, REPORTS + 1))
    assert all(len(list(sender.spool.kept.answered())) == REPORTS for sender in senders)
