"""A collector of one's own: a directory, a configuration, a real process on it, and its operator's commands."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.world.processes import Process, command

EMBEDDED = "port = 0\n"
"""A broker in its own process."""


def beside(port: int, host: str = "127.0.0.1") -> str:
    """A broker that is not its own."""
    return f'embedded = false\nhost = "{host}"\nport = {port}\n'


def is_at_rest(status: Mapping[str, Any]) -> bool:
    """Whether all has followed from what a collector took, by its `status`; it counts a model once a minute."""
    return not any(status[waiting] for waiting in ("to_derive", "to_judge", "to_count"))


class Collector(Process):
    """One collector in a directory.

    Args:
        directory: Holds all that it needs.
        broker: The settings of its broker.
        name: Of its files, where there are several.
    """

    def __init__(self, directory: Path, broker: str = EMBEDDED, name: str = "collector") -> None:
        self.state_dir = directory / name
        self.config = directory / f"{name}.toml"
        self.config.write_text(f'state_dir = "{self.state_dir}"\n[web]\nport = 0\n[broker]\n{broker}')
        super().__init__(directory / f"{name}.log", "collector", "--config", str(self.config), "run")

    async def command(self, *arguments: str) -> str:
        """Run one command beside it; what it printed."""
        return await command("collector", "--config", str(self.config), *arguments)

    async def code(self, *options: str) -> str:
        """An enrolment code, as the operator hands it out."""
        return (await self.command("gateways", "code", *options)).split()[-1]

    async def status(self) -> dict[str, Any]:
        """What the operator is shown; of a collector that is well."""
        return dict(json.loads(await self.command("status", "--json")))

    def numbers(self) -> list[int]:
        """The sequence numbers that the register holds."""
        return [row[0] for row in self.rows("SELECT sequence FROM reports ORDER BY sequence")]

    def rows(self, query: str) -> list[Any]:
        """What the register answers, read beside the process."""
        with sqlite3.connect(f"file:{self.state_dir}/register.sqlite?mode=ro", uri=True) as register:
            return register.execute(query).fetchall()
