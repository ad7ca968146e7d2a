"""The example broker of collector/mosquitto/, as an operator would set it up: only ports and folders are others."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.shared import ROOT
from tests.world.mosquitto import Mosquitto, free_port

EXAMPLE = ROOT / "collector/mosquitto"
HOST = "127.0.0.1"
COLLECTOR = "collector"


class Guarded(Mosquitto):
    """A broker that knows its clients by their certificates.

    Attributes:
        certificates: Holds the authority and what it has signed.
        collectors_port: Where the collector has a listener of its own.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.certificates = directory / "certificates"
        self.collectors_port = 0

    async def prepare(self) -> None:
        """Make the authorities, the broker's certificate and the collector's."""
        await certify(self.certificates, "ca")
        await certify(self.certificates, "server", HOST)
        await certify(self.certificates / COLLECTOR, "ca")
        await certify(self.certificates / COLLECTOR, "client", COLLECTOR)

    def certificate(self, name: str) -> str:
        """TOML that names the broker's authority, and the certificate and key of a client."""
        own = f"{COLLECTOR}/{COLLECTOR}" if name == COLLECTOR else name
        keys = {"ca_file": "ca.crt", "certificate": f"{own}.crt", "key": f"{own}.key"}
        return "".join(f'{key} = "{self.certificates / file}"\n' for key, file in keys.items())

    def text(self, port: int) -> str:
        """The example with our ports and folders."""
        self.collectors_port = self.collectors_port or free_port()
        text = (EXAMPLE / "mosquitto.conf").read_text() + "user root\n"
        for theirs, ours in {
            "listener 8883": f"listener {port} {HOST}",
            "listener 8884": f"listener {self.collectors_port} {HOST}",
            "/etc/mosquitto/certs/server": str(self.certificates / HOST),
            "/etc/mosquitto/certs": str(self.certificates),
            "/etc/mosquitto": str(EXAMPLE),
            "/var/lib/mosquitto": str(self.certificates),
        }.items():
            assert theirs in text
            text = text.replace(theirs, ours)
        return text


async def certify(folder: Path, what: str, *name: str, days: int = 1) -> None:
    """Run collector/mosquitto/certificates: `ca`, `server NAME` or `client NAME`."""
    await run(EXAMPLE / "certificates", what, folder, *name, DAYS=str(days))


async def run(program: str | Path, *arguments: str | Path, **environment: str) -> None:
    """Run a program of the operator's to its successful end."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    """The example broker for the length of a block."""
    with tempfile.TemporaryDirectory() as directory:
        broker = Guarded(Path(directory))
        await broker.prepare()
        try:
            await broker.start()
            yield broker
        finally:
            await broker.kill()
