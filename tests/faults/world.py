"""The world that faults befall: gateways, a broker that writes its memory down, a collector with workers, and wires.

    device ── agent ── wire ── Mosquitto ── wire ── collector

Every agent and the collector have a clock and a disk of their own, where this machine allows that; what it does not
allow is in `lacking`, and such faults are left out.
"""

import asyncio
import contextlib
import signal
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.gateway import Gateway
from tests.faults.machine import Clock, Disk, find_libfaketime
from tests.faults.proxy import Proxy, Witness
from tests.faults.unit import Unit
from tests.world.mosquitto import Mosquitto
from tests.world.processes import command, eventually

WORKERS = 2
EVERY_S = 1  # a report, at work
SELDOM_S = 3600  # a round, when the world calms down
AGENT_DISK, COLLECTOR_DISK = 2**26, 2**28  # bytes; what 10,000 faults leave behind takes a third of it
DRAINED_WITHIN_S = 180.0
# What may be rejected is what the history is checked against, so all of it is kept.
COLLECTOR = """\
state_dir = "{state}"
workers = {workers}
[broker]
embedded = false
host = "127.0.0.1"
port = {port}
[web]
port = 0
[limits]
rejected_per_gateway = 1000000
"""


class World:
    """Everything that runs.

    Attributes:
        lacking: Why some faults cannot be made on this machine, one sentence each.
        stumbles: What ended otherwise than it should, in words.
    """

    def __init__(self, folder: Path, broker: Mosquitto, wire: Proxy, *, mountable: bool) -> None:
        self.folder = folder
        self.broker = broker
        self.wire = wire
        self.gateways: list[Gateway] = []
        self.lacking: list[str] = []
        self.stumbles: list[str] = []
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._library = find_libfaketime()
        self._mountable = mountable
        if self._library is None:
            self.lacking.append("no clock jumps: libfaketime is not installed (make setup-tests)")
        if not mountable:
            self.lacking.append("no full disks: this machine lets us mount nothing")
        self.clock = self._clock(folder / "collector.clock")
        self.disk = self._disk(folder / "collector", COLLECTOR_DISK)
        self.config = folder / "collector.toml"
        self.config.write_text(COLLECTOR.format(state=folder / "collector", workers=WORKERS, port=wire.port))
        arguments = ("collector", "--config", str(self.config), "run")
        environment = self.clock.environment() if self.clock else {}
        self.collector = Unit(folder / "collector.log", *arguments, environment=environment)

    @property
    def units(self) -> list[Unit]:
        """The programs of ours."""
        return [self.collector, *(gateway.agent for gateway in self.gateways)]

    def lock(self, part: str) -> asyncio.Lock:
        """Held by a fault of one part of the world, so that the next one of that part waits."""
        return self._locks[part]

    def add(self, wire: Proxy) -> Gateway:
        """One more gateway."""
        number = len(self.gateways)
        folder = self.folder / f"gateway-{number}"
        folder.mkdir()
        disk = self._disk(folder / "state", AGENT_DISK)
        gateway = Gateway(folder, number, wire, self._clock(folder / "clock"), disk)
        self.gateways.append(gateway)
        return gateway

    async def begin(self) -> None:
        """Start everything; returns when every gateway is enrolled and reports."""
        await self.collector.start()
        await eventually((self.folder / "collector" / "running.json").exists, within_s=180)
        await asyncio.gather(*map(self._enrol, self.gateways))

    async def calm_down(self) -> None:
        """Let everybody start anew, every agent survey once more and deliver what it has; then end all in order.

        The collector derives what follows from each report before it is told to end. What is still in a spool when the
        time is up stays there, and is counted.
        """
        await asyncio.gather(*map(self._stop, self.units))
        await self.collector.start()
        before = [gateway.answered() for gateway in self.gateways]
        for gateway in self.gateways:
            gateway.configure(SELDOM_S)
            await gateway.agent.start()
        with contextlib.suppress(AssertionError):
            await eventually(lambda: self._is_drained(before), within_s=DRAINED_WITHIN_S)
        await asyncio.gather(*map(self._stop, self.units))

    def _is_drained(self, before: Sequence[int]) -> bool:
        """Whether every gateway has had an answer and waits for none, and the collector has nothing left to derive."""
        return (
            all(
                gateway.waiting() == 0 and gateway.answered() > answered
                for gateway, answered in zip(self.gateways, before, strict=True)
            )
            and self._is_derived()
        )

    def _is_derived(self) -> bool:
        with contextlib.closing(sqlite3.connect(self.folder / "collector" / "register.sqlite")) as register:
            return register.execute("SELECT 1 FROM derive_queue LIMIT 1").fetchone() is None

    def ended(self) -> Iterator[tuple[Unit, int, int]]:
        """Who ended by himself, with which code, and how often."""
        for unit in self.units:
            yield from ((unit, code, count) for code, count in sorted(unit.ended.items()))

    async def _stop(self, unit: Unit) -> None:
        try:
            code = await unit.stop()
            if code not in (0, -signal.SIGTERM):  # who has just been started does not listen for signals yet
                self.stumbles.append(f"{unit.log} was told to end, and ended with {code}")
        except AssertionError as error:
            self.stumbles.append(str(error))

    async def _enrol(self, gateway: Gateway) -> None:
        gateway.configure(EVERY_S)
        gateway.device.plug()
        place = ("--host", "127.0.0.1", "--port", str(gateway.wire.port))
        code = await command("collector", "--config", str(self.config), "gateways", "code", *place)
        await command("agent", "--config", str(gateway.config), "enrol", "--yes", code.split()[-1])
        await gateway.agent.start()
        await eventually(lambda: gateway.answered() > 1, within_s=60)

    def _clock(self, file: Path) -> Clock | None:
        return None if self._library is None else Clock(file, self._library)

    def _disk(self, directory: Path, size: int) -> Disk | None:
        return Disk(directory, size) if self._mountable else None

    def unmount(self) -> None:
        """Leave the files of everybody where they outlive us."""
        for disk in (self.disk, *(gateway.disk for gateway in self.gateways)):
            if disk is not None:
                disk.unmount()


@asynccontextmanager
async def world(folder: Path, gateways: int, witness: Witness, *, mountable: bool) -> AsyncIterator[World]:
    """A world for the length of a block; nothing of it runs any more afterwards."""
    memory = folder / "mosquitto.db"
    config = (
        "allow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 1000\nmax_queued_messages 0\n"
        f"persistence true\npersistence_location {folder}/\npersistence_file {memory.name}\nautosave_interval 5\n"
    )
    async with contextlib.AsyncExitStack() as stack:
        broker = Mosquitto(folder, config)
        await broker.start()
        stack.push_async_callback(broker.kill)
        wire = Proxy(broker.port)
        await stack.enter_async_context(wire.carrying())
        made = World(folder, broker, wire, mountable=mountable)
        stack.callback(made.unmount)
        stack.push_async_callback(made.collector.stop)
        for _ in range(gateways):
            own = Proxy(broker.port, witness)
            await stack.enter_async_context(own.carrying())
            gateway = made.add(own)
            stack.push_async_callback(gateway.device.unplug)
            stack.push_async_callback(gateway.agent.stop)
        await made.begin()
        yield made
