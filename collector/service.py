"""The running collector: the only place that wires broker, ingest, judge and pages, and one of two that read the clock.

One TaskGroup, every task with a name. SIGTERM and SIGINT end it in order: no new requests, then the tasks, then the
broker, then the register. What was in the middle of it is not acknowledged, and comes again.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from collector import running, systemd
from collector.appraisal import Policy
from collector.config import Broker, Config, Web
from collector.errors import WebError
from collector.fleets import Fleets
from collector.ingest.access import access
from collector.ingest.broker import embedded_broker
from collector.ingest.clock import Clock
from collector.ingest.crew import Crew
from collector.ingest.health import Health
from collector.ingest.line import Line, Share
from collector.ingest.patience import delays
from collector.judge import Judge
from collector.register import opened
from collector.rounds import make_rounds
from collector.running import Running
from collector.server import Server
from collector.transparency.log import Log
from collector.web.app import create_app

FIRST_DELAY_S: Final = 0.2
LAST_DELAY_S: Final = 30.0
CONNECTED_WITHIN_S: Final = 10.0  # else it is ready without its broker, and says so in its health

logger = logging.getLogger(__name__)


def clock() -> int:
    """Unix seconds, as the clock says; what goes on record asks `Clock`."""
    return int(time.time())


async def serve(config: Config, policy: Policy, ready: Callable[[Running], None]) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        config: Which register, broker and address.
        policy: What verdicts are made under.
        ready: Called with where it answers, once it does.

    Raises:
        CollectorError: It cannot start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        access(config.broker)  # what is wrong with its files now is a fault of the configuration, later a state
        stack.enter_context(running.alone(config.running_path))
        engine, log = await stack.enter_async_context(opened(config, now=clock()))
        broker_port = await stack.enter_async_context(_broker(config.broker))
        believed = await Clock.of_register(engine)
        service = _Service(config, engine, log, broker_port, believed)
        server = Server(service.pages(policy), stack.enter_context(_listen(config.web)))
        await service.run(server, Judge(engine, policy, believed), Fleets(engine, policy, believed), stop, ready)


class _Service:
    """The tasks of one process, and what they share."""

    def __init__(self, config: Config, engine: AsyncEngine, log: Log, broker_port: int, believed: Clock) -> None:
        self._config = config
        self._engine = engine
        self._health = Health(clock)
        self._wake = asyncio.Event()
        self._broker = f"{config.broker.host}:{broker_port}"
        self._ingest: Line | Crew
        if config.workers > 1:
            self._ingest = Crew(config, engine, broker_port, self._health)
        else:
            self._ingest = Line(
                engine,
                log,
                config,
                broker_port=broker_port,
                share=Share(),
                wake=self._wake.set,
                health=self._health,
                clock=believed,
            )

    def pages(self, policy: Policy) -> Litestar:
        """The pages and the API."""
        hosts = (self._config.web.host, "localhost")
        return create_app(self._engine, clock=clock, health=self._health.report, policy=policy, allowed_hosts=hosts)

    async def run(
        self, server: Server, judge: Judge, fleets: Fleets, stop: asyncio.Event, ready: Callable[[Running], None]
    ) -> None:
        """Run every task until `stop` is set; the first one that fails ends them all."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._ingest.run(), name="ingest"),
                group.create_task(make_rounds(judge, "verdicts", self._wake), name="judge"),
                group.create_task(make_rounds(fleets, "findings", asyncio.Event()), name="findings"),
                group.create_task(self._announce(server, ready), name="announce"),
            ]
            pages = group.create_task(server.run_until_stopped(), name="pages")
            await stop.wait()
            logger.info("ending")
            systemd.notify("STOPPING=1")
            server.should_exit = True
            await pages
            for task in tasks:
                task.cancel()

    async def _announce(self, server: Server, ready: Callable[[Running], None]) -> None:
        await server.ready.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                await self._ingest.connected.wait()
        where = Running(web=f"http://{server.address}/", broker=self._broker)
        told = self._is_told(where)
        ready(where)
        systemd.notify("READY=1")
        for wait in delays(FIRST_DELAY_S, LAST_DELAY_S):
            if told:
                break
            await asyncio.sleep(wait)
            told = self._is_told(where)

    def _is_told(self, where: Running) -> bool:
        """Whether commands find this collector now: a disk that is full must not end what it does besides."""
        try:
            running.tell(self._config.running_path, where)
        except OSError as error:
            logger.warning("%s; commands beside do not find this collector yet", error)
            return False
        return True


@asynccontextmanager
async def _broker(config: Broker) -> AsyncIterator[int]:
    if not config.embedded:
        yield config.port
        return
    async with embedded_broker(config.host, config.port) as port:
        yield port


def _listen(config: Web) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family)
    except OSError as error:
        raise WebError(f"the pages cannot be at {config.host}:{config.port}: {error}; choose another port") from error
