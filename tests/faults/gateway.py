"""A gateway of the faulty world: a real agent, a simulated device on a serial line, and its own wire to the broker."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from agent import archive, spool
from firmware_fixtures.fixture import Fixture, load
from firmware_fixtures.simulator import modbus
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import play
from tests.faults.machine import Clock, Disk
from tests.faults.proxy import Proxy
from tests.faults.unit import Unit
from tests.shared import ROOT

DEVICES = ROOT / "firmware_fixtures/devices"
SERIAL = (
    "modbus_device_id/zonneveld_zt3_2.4.1",
    "otgw/otgw_pic_6.6",
    "line/zonneveld_wm1_2.1.0",
    "modbus_device_id/lumenta_em9_01.02.17",
    "smp/zonneveld_th4_1.4.2.7",
    "modbus_registers/aquila_si5_2.11.3",
)
HOST = "gateway/zonneveld_hub2_12"


class Device:
    """A simulated device that can be unplugged and plugged in again."""

    def __init__(self, fixture: Fixture, path: Path) -> None:
        self._fixture = fixture
        self._path = path
        self._line: Line | None = None
        self._playing: asyncio.Task[None] | None = None

    def plug(self) -> None:
        """Be there, and answer."""
        self._line = Line(self._path)
        if self._fixture.identification or self._fixture.registers:
            device = modbus.serve(self._line, self._fixture.identification, self._fixture.registers)
        else:
            device = play(self._line, self._fixture.transcript)
        self._playing = asyncio.create_task(device, name=f"device {self._fixture.name}")

    async def unplug(self) -> None:
        """Be gone: whoever has the port open sees it hang up."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
        if self._line is not None:
            self._line.unplug()


class Gateway:
    """One gateway in a folder.

    Args:
        folder: For everything of it.
        number: Which of the world's.
        wire: To the broker.
        clock: Its time of day, where that can be changed.
        disk: What its state is on, where that can be filled.
    """

    def __init__(self, folder: Path, number: int, wire: Proxy, clock: Clock | None, disk: Disk | None) -> None:
        self.wire = wire
        self.clock = clock
        self.disk = disk
        self.state_dir = folder / "state"
        self.config = folder / "agent.toml"
        fixture = load(DEVICES / SERIAL[number % len(SERIAL)])
        self.device = Device(fixture, folder / "line")
        self._entries = [
            *({**entry, "port": str(folder / "line")} for entry in fixture.read),
            *({**entry, "root": str(DEVICES / HOST / "root")} for entry in load(DEVICES / HOST).read),
        ]
        arguments = ("tests.faults.agent", "--config", str(self.config), "run")
        self.agent = Unit(folder / "agent.log", *arguments, environment=clock.environment() if clock else {})

    def configure(self, every_s: int) -> None:
        """Survey and report so often."""
        self.config.write_text(
            f'state_dir = "{self.state_dir}"\nsurvey = {{ interval_s = {every_s}, report_every_s = {every_s} }}\n'
            + "".join(f"[[read]]\n{_toml(entry)}" for entry in self._entries)
        )

    @property
    def name(self) -> str:
        """Gateway id."""
        return (self.state_dir / "gateway.id").read_text().strip()

    def waiting(self) -> int:
        """How many messages wait in its spool."""
        return len(spool.waiting(self.state_dir))

    def has_ballast(self) -> bool:
        """Whether its spool has room to give up on a full disk."""
        return (self.state_dir / "spool" / "ballast").exists()

    def answered(self) -> int:
        """How many were answered, as far as it keeps them."""
        return sum(1 for box in (spool.KEPT, spool.REFUSED) for _ in archive.answered(self.state_dir / box))


def _toml(entry: dict[str, Any]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
