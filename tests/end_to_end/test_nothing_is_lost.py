"""The whole path with a real broker, each part of it killed in between: what was signed is on record."""

import json
import random
from contextlib import AsyncExitStack
from pathlib import Path

from tests.shared import ROOT
from tests.world.collector import Collector
from tests.world.mosquitto import Mosquitto
from tests.world.processes import Process, command, eventually, running

ROUNDS = 3
THERMOSTAT = ROOT / "firmware_fixtures/devices/modbus_device_id/zonneveld_zt3_2.4.1"
HOUSE = ROOT / "firmware_fixtures/house"


def agent_config(folder: Path, house_port: int) -> Path:
    """An agent that reads the machine, the thermostat and the house, and reports each second."""
    file = folder / "agent.toml"
    mqtt = f'host = "127.0.0.1"\nport = {house_port}\n'
    file.write_text(
        f'state_dir = "{folder}/agent"\n[survey]\ninterval_s = 1\nreport_every_s = 1\n'
        '[[read]]\nreader = "gateway"\n'
        f'[[read]]\nreader = "modbus_device_id"\nport = "{folder}/thermostat"\nunits = [1]\n'
        f'[[read]]\nreader = "zigbee2mqtt"\n{mqtt}[[read]]\nreader = "home_assistant"\n{mqtt}'
    )
    return file


def last_signed(folder: Path) -> int:
    """The highest number that the agent has signed, by its own files."""
    return int(json.loads((folder / "agent" / "state.json").read_text())["sequence"])


async def test_what_was_signed_is_on_record_whatever_was_killed(
    tmp_path: Path, broker: Mosquitto, collector: Collector
) -> None:
    """After kill -9 of agent, collector and broker, in turn and at random moments, no number is missing or twice."""
    chance = random.Random(7)
    async with AsyncExitStack() as world:
        play = ("firmware_fixtures", "play")
        _, house = await world.enter_async_context(running(tmp_path / "house.log", *play, str(HOUSE), until_ready=True))
        await world.enter_async_context(
            running(tmp_path / "line.log", *play, str(THERMOSTAT), "--link", f"{tmp_path}/thermostat", until_ready=True)
        )
        agent_toml = str(agent_config(tmp_path, house["port"]))
        agent = Process(tmp_path / "agent.log", "agent", "--config", agent_toml, "run")
        world.push_async_callback(agent.end)

        await collector.start(until_ready=True)
        await command("agent", "--config", agent_toml, "enrol", "--yes", await collector.code())
        await agent.start()
        await eventually(lambda: len(collector.numbers()) >= 2)

        for _ in range(ROUNDS):
            victims: list[Process | Mosquitto] = [agent, collector, broker]
            for victim in chance.sample(victims, len(victims)):
                before = last_signed(tmp_path)
                await victim.kill()
                await victim.start()
                await eventually(lambda before=before: last_signed(tmp_path) > before)  # type: ignore[misc]
        await agent.end()
        signed = last_signed(tmp_path)
        await agent.start()
        await eventually(lambda: collector.numbers()[:signed] == list(range(1, signed + 1)), within_s=120)
        await eventually(lambda: last_signed(tmp_path) > signed)

        assert await agent.end() == 0
        assert await collector.end() == 0
    for log in ("agent.log", "collector.log"):
        assert "Traceback" not in (tmp_path / log).read_text()
