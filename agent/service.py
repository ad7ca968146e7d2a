"""The agent at work: the only place that wires survey, reporter, spool and publisher, and that reads the clock.

Two loops, each a named task: `survey` reads, signs and spools; `publisher` sends. SIGTERM and SIGINT end both; what is
on the disk goes on with the next start. systemd's watchdog is fed only when both have moved since it was fed last.
"""

import asyncio
import functools
import logging
import random
import signal
import time

from agent import enrolment, keys, reporter, rotation, systemd
from agent.config import BrokerSettings, Config
from agent.enrolment import Enrolment
from agent.errors import AgentError, first
from agent.publisher import Connect, Pace, Publisher
from agent.reporter import Reporter
from agent.sales import spool_sales
from agent.spool import Kind, Spool
from agent.state import Remembered, locked
from agent.survey import Round, survey
from evidence.report import DeviceReport

log = logging.getLogger(__name__)

_DAY_S = 86_400
_LOOK_S = 2.0  # seconds; how soon an enrolment is noticed, and how often a waiting loop moves
_WANTED_PAUSE_S = 60  # seconds between two reports that the collector wanted, so that it cannot wear out a gateway


def clock() -> int:
    """Unix seconds."""
    return int(time.time())


def open_spool(config: Config) -> Spool:
    """The spool of this configuration.

    Raises:
        SpoolError: It cannot be made or read.
    """
    return Spool(config.state_dir, max_bytes=config.spool.max_bytes, max_age_s=config.spool.max_age_days * _DAY_S)


def connector(settings: BrokerSettings, *, passing: bool = False) -> Connect:
    """How to reach the collector's broker; loads the MQTT library, which only those who send need."""
    from agent.session import open_session  # noqa: PLC0415

    return functools.partial(open_session, settings, passing=passing)


def enroller(settings: BrokerSettings, gateway: str, spool: Spool, remembered: Remembered) -> Publisher:
    """A publisher that delivers an enrolment and nothing else."""
    connect = connector(settings, passing=True)
    return Publisher(gateway, spool, remembered, connect=connect, kinds={Kind.ENROLMENT})


class Service:
    """Everything that runs, wired.

    Args:
        config: What to do.
        connect: Opens a session with the collector's broker.
        pace: How often the publisher tries again.

    Raises:
        AgentError: The state directory cannot be used.
    """

    def __init__(self, config: Config, connect: Connect, pace: Pace = Pace()) -> None:  # noqa: B008  # frozen
        self._config = config
        self._identity = keys.load_or_create(config.state_dir)
        self._remembered = Remembered(config.state_dir)
        self._spool = open_spool(config)
        self._remembered.recover(*self._spool.last_signed())
        self._reporter = Reporter(
            self._identity,
            self._remembered,
            report_every_s=config.survey.report_every_s,
            interval_s=config.survey.interval_s,
        )
        self._served: Enrolment | None = None  # whose publisher runs: what is signed goes there
        self._moved: set[str] = set()
        self._wanted = asyncio.Event()
        self._not_wanted_before = 0.0  # loop time
        self._publisher = Publisher(
            self._identity.gateway,
            self._spool,
            self._remembered,
            connect=rotation.introduced(connect, self._spool, self._identity, clock),
            pace=pace,
            on_wanted=self._wanted.set,
            progress=lambda: self._moved.add("publisher"),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, or the key was replaced: then another service goes on under the new one."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._survey(), name="survey"),
                group.create_task(self._publish(), name="publisher"),
                group.create_task(self._watchdog(), name="watchdog"),
            ]
            ends = [
                group.create_task(stop.wait(), name="stop"),
                group.create_task(self._until_rotated(), name="rotation"),
            ]
            systemd.notify("READY=1")
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                systemd.notify("STOPPING=1")
            for task in (*tasks, *ends):
                task.cancel()

    async def _survey(self) -> None:
        while True:
            self._wanted.clear()
            found = await survey(
                self._config.sources, self._remembered.state.known, clock, lambda: self._moved.add("survey")
            )
            enrolled = self._served
            try:
                self._take(found, clock(), enrolled)
            except AgentError as error:  # a full disk must not end the reading; the next round tries again
                log.error("round_failed code=%s error=%s", error.code, error)  # noqa: TRY400
            self._publisher.wake()
            await self._until_next_round(enrolled)

    def _take(self, found: Round, now: int, enrolled: Enrolment | None) -> None:
        devices = reporter.device_reports(found.devices, self._identity.secret)
        number, waiting_sales = 0, 0
        if enrolled is not None:
            if self._remembered.state.reports_to != enrolled.log:
                self._remembered.update(reports_to=enrolled.log, inventory=None)
            # The report first: what else may find no room must not keep it from the spool.
            number = self._report(devices, now)
            seen = {item.outcome.identity for item in found.devices}
            waiting_sales = spool_sales(self._config.sales, seen, self._identity, self._spool, now)
            self._spool.trim(now)
        if found.known != self._remembered.state.known:
            self._remembered.update(known=found.known)
        log.info(
            "round devices=%d failed=%d sources_failed=%d report=%s spooled=%d sales_waiting=%d",
            len(devices),
            sum(device.reason is not None for device in devices),
            len(found.failures),
            number or "-",
            len(self._spool.entries()),
            waiting_sales,
        )
        for failure in found.failures:
            log.warning("source_failed source=%s reader=%s reason=%s", failure.source, failure.reader, failure.reason)

    def _report(self, devices: tuple[DeviceReport, ...], now: int) -> int:
        if not self._reporter.is_due(devices, now):
            return 0
        unanswered = {entry.sequence for entry in self._spool.entries() if entry.leaf == "report"}
        signed = self._reporter.next(devices, now, unanswered)
        self._reporter.put(signed, self._spool, now)
        return signed.report.sequence

    async def _until_next_round(self, enrolled: Enrolment | None) -> None:
        began = asyncio.get_running_loop().time()
        interval = self._config.survey.interval_s * random.uniform(0.9, 1)  # noqa: S311  # spreads load
        while (now := asyncio.get_running_loop().time()) < began + interval:
            self._moved.add("survey")
            if self._served != enrolled:
                return
            if now < self._not_wanted_before:
                await asyncio.sleep(_LOOK_S)
            elif await _is_set_within(self._wanted, min(_LOOK_S, began + interval - now)):
                self._not_wanted_before = now + _WANTED_PAUSE_S
                return

    async def _publish(self) -> None:
        while True:
            current, pending = self._enrolments()
            self._served = current
            async with asyncio.TaskGroup() as group:
                tasks = []
                if current is not None:
                    tasks.append(group.create_task(self._publisher.run(current), name="publisher.run"))
                if pending is not None:
                    delivery = enroller(self._config.broker, self._identity.gateway, self._spool, self._remembered)
                    tasks.append(group.create_task(delivery.run(pending), name="publisher.enrol"))
                await self._until_enrolments_change(current, pending)
                for task in tasks:
                    task.cancel()

    async def _until_enrolments_change(self, current: Enrolment | None, pending: Enrolment | None) -> None:
        while self._enrolments() == (current, pending):
            if current is None:
                self._moved.add("publisher")
            await asyncio.sleep(_LOOK_S)

    def _enrolments(self) -> tuple[Enrolment | None, Enrolment | None]:
        """The collector reported to, and the one that was asked and has not answered."""
        enrolment.settle(self._config.state_dir, self._spool)
        return enrolment.load(self._config.state_dir), enrolment.pending(self._config.state_dir)

    async def _until_rotated(self) -> None:
        while not self._has_rotated():  # noqa: ASYNC110  # another process puts the new key there
            await asyncio.sleep(_LOOK_S)

    def _has_rotated(self) -> bool:
        try:
            return rotation.settle(self._config.state_dir, self._spool, self._identity)
        except AgentError as error:  # the present key goes on; the next look tries again
            log.error("key_not_replaced code=%s error=%s", error.code, error)  # noqa: TRY400
            return False

    async def _watchdog(self) -> None:
        limit_s = systemd.watchdog_s()
        while limit_s is not None:
            await asyncio.sleep(limit_s / 3)
            if self._moved >= {"survey", "publisher"}:
                systemd.notify("WATCHDOG=1")
                self._moved.clear()


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _serve(config: Config, pace: Pace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        await Service(config, connector(config.broker), pace).run(stop)


def run(config: Config, pace: Pace = Pace()) -> None:  # noqa: B008  # frozen
    """Run until a signal comes.

    Args:
        config: What to do.
        pace: How often the publisher tries again.

    Raises:
        AgentError: The state directory cannot be used, or another agent uses it.
    """
    keys.load_or_create(config.state_dir)
    try:
        with locked(config.state_dir):
            asyncio.run(_serve(config, pace))
    except BaseExceptionGroup as errors:
        ours, others = errors.split(AgentError)
        if others is not None or ours is None:
            raise
        raise first(ours) from None


__all__ = ["Service", "clock", "connector", "open_spool", "run"]
