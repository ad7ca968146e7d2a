"""One simulated device of every reader, each a process of its own, and one agent that reads them all."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agent import readers
from agent.recording import toml
from firmware_fixtures.fixture import Fixture, load
from tests.agent.readers.expected import DEVICES, expected
from tests.shared import ROOT
from tests.world.network import the_only_network
from tests.world.processes import running

PATIENT_S = 4.0  # the machine has more to do than this

__all__ = ["the_only_network"]


def chosen() -> list[Fixture]:
    """The first fixture of each reader that is read."""
    folders = sorted(file.parent for file in DEVICES.glob("*/*/device.toml"))
    first = {folder.parent.name: folder for folder in reversed(folders) if expected(folder).good}
    return [load(folder) for _, folder in sorted(first.items())]


@pytest.fixture
async def entries(tmp_path: Path) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """Where each of them is played, as its entry of the configuration."""
    async with AsyncExitStack() as stack:

        async def entry(fixture: Fixture) -> dict[str, Any]:
            if (fixture.folder / "root").exists():
                return {"root": str(fixture.folder / "root")}
            play = ("firmware_fixtures", "play", str(fixture.folder))
            log = tmp_path / f"{fixture.folder.parent.name}.log"
            _, said = await stack.enter_async_context(running(log, *play, until_ready=True))
            if "path" in said:
                return {"port": said["path"], "timeout_s": PATIENT_S}
            return {"port": said["port"]} if "port" in said else {}

        played = {fixture.name: fixture.read[0] | await entry(fixture) for fixture in chosen()}
        yield played


@pytest.mark.usefixtures("the_only_network")
async def test_an_agent_reads_every_simulated_device(entries: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """`play` and `read --json` as anybody would start them: every version that the fixtures state comes out."""
    assert {entry["reader"] for entry in entries.values()} == set(readers.names())
    file = tmp_path / "agent.toml"
    tables = "".join(f"\n[[read]]\n{toml(entry)}" for entry in entries.values())
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n{tables}')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "--config", str(file), "read", "--json"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 150)
    told = json.loads(out)
    assert told["sources"] == []
    found = {device["identity"]: device for device in told["devices"]}
    for name, entry in entries.items():
        for reading in expected(DEVICES / name, str(entry.get("port", ""))).reading:
            device = found[reading.identity]
            assert (device["result"], device["version_raw"]) == ("ok", reading.version_raw), name
            assert set(device["ids"]) >= set(reading.ids), name
