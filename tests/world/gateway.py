"""A gateway of one's own: a state directory, a configuration, scripted devices, and real agent processes on it."""

import asyncio
import json
import sys
from pathlib import Path
from signal import Signals
from typing import Any

from agent.readers import ReadFailure, Reading
from tests.world.processes import READY_WITHIN_S, Process
from tests.world.readers.scripted import Script, write

BULB = Reading(identity="ieee:00158d0001e29ff0", name="Hall", ids=("zigbee:IKEA/E27",), version_raw="2.3.087")


class Gateway:
    """One gateway in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.config = directory / "agent.toml"
        self.script = directory / "devices.json"
        self._service = Process(directory / "agent.log", "tests.world.agent", "--config", str(self.config), "run")
        self.finds(BULB)
        self.configure()

    def configure(self, more: str = "", interval_s: int = 1, report_every_s: int = 3600) -> None:
        """Write the configuration."""
        self.config.write_text(
            f"""
            state_dir = "{self.state_dir}"
            survey = {{ interval_s = {interval_s}, report_every_s = {report_every_s} }}
            [[read]]
            reader = "scripted"
            script = "{self.script}"
            {more}
            """
        )

    def finds(self, *outcomes: Reading | ReadFailure, **more: Any) -> None:
        """Say what the devices answer from now on."""
        readings = tuple(item for item in outcomes if isinstance(item, Reading))
        failures = tuple(item for item in outcomes if isinstance(item, ReadFailure))
        write(self.script, Script(readings=readings, failures=failures, **more))

    async def start(self) -> None:
        """Start the service."""
        await self._service.start()

    async def stop(self, number: Signals = Signals.SIGTERM) -> int:
        """End it as systemd does; its exit code."""
        return await self._service.end(number)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._service.end(Signals.SIGKILL)

    def log(self) -> str:
        """What the service has logged."""
        return self._service.output()

    def rounds(self) -> int:
        """How many rounds it has ended."""
        return self.log().count(" round devices=")

    async def command(self, *arguments: str, typed: str = "") -> tuple[int, str, str]:
        """Run one command beside it: exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.world.agent", "--config", str(self.config), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), READY_WITHIN_S)
        return process.returncode or 0, out.decode(), err.decode()

    async def status(self) -> dict[str, Any]:
        """What `status --json` says."""
        code, out, err = await self.command("status", "--json")
        assert code == 0, err
        return dict(json.loads(out))

    @property
    def name(self) -> str:
        """Gateway id."""
        return (self.state_dir / "gateway.id").read_text().strip()

    def files(self) -> dict[str, bytes]:
        """Every file of its state, the lock apart."""
        files = [path for path in self.state_dir.rglob("*") if path.is_file() and path.name != "lock"]
        return {str(path.relative_to(self.state_dir)): path.read_bytes() for path in files}

    def waiting(self) -> list[str]:
        """Names of the files in the spool."""
        return sorted(path.name for path in (self.state_dir / "spool").glob("0*"))

    def kept(self) -> list[str]:
        """Names of the buyer's copies of reports."""
        return sorted(path.name for path in (self.state_dir / "kept").glob("report-*.cose"))
