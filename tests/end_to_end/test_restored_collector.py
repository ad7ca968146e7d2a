"""A collector that was put back from a backup is a fork of its log: its gateways notice, say so, and lose nothing."""

import json
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.end_to_end.test_nothing_is_lost import collector_config, numbers_on_record
from tests.world.gateway import Gateway
from tests.world.mosquitto import broker as mosquitto
from tests.world.processes import Process, command, eventually


def remembered(gateway: Gateway) -> dict[str, object]:
    """What the agent keeps in mind."""
    return dict(json.loads((gateway.state_dir / "state.json").read_text()))


async def test_a_restored_collector_is_found_out_and_gets_back_what_it_lost(tmp_path: Path) -> None:
    """Backup while it runs, more reports, kill, restore: the fork is told, audited and healed."""
    gateway = Gateway(tmp_path)
    gateway.configure(report_every_s=1)
    async with AsyncExitStack() as world:
        broker = await world.enter_async_context(mosquitto())
        config = ("--config", str(collector_config(tmp_path, broker.port)))
        collector = Process(tmp_path / "collector.log", "collector", *config, "run")
        world.push_async_callback(collector.end)
        world.push_async_callback(gateway.kill)
        await collector.start(until_ready=True)
        code = (await command("collector", *config, "gateways", "code")).split()[-1]
        assert (await gateway.command("enrol", "--yes", code))[0] == 0
        await gateway.start()
        await eventually(lambda: len(numbers_on_record(tmp_path)) >= 3)
        backup = tmp_path / "backup"
        await command("collector", *config, "backup", str(backup), "--with-key")
        known = len(numbers_on_record(tmp_path))
        await eventually(lambda: len(gateway.kept()) >= known + 4)
        await collector.kill()
        shutil.rmtree(tmp_path / "collector")

        await command("collector", *config, "restore", str(backup))
        await collector.start(until_ready=True)
        await eventually(lambda: remembered(gateway).get("fork") and not remembered(gateway).get("doubt"))
        signed = int(str(remembered(gateway)["sequence"]))
        # Where what waited carried the new log past the lost head, the collector asks for the rest, after a minute.
        await eventually(lambda: numbers_on_record(tmp_path)[:signed] == list(range(1, signed + 1)), 120)

        said = await gateway.status()
        assert (said["forks"], said["doubt"]) == (1, None)
        assert said["fork"]["sequence"] > 0
        assert "another head" in (await gateway.command("status"))[1]
        assert "log_forked" in gateway.log()
        assert list((gateway.state_dir / "kept").glob("*.earlier-receipt"))
        status = json.loads(await command("collector", *config, "status", "--json"))
        assert len(status["restored_at"]) == 1
        with pytest.raises(AssertionError, match="ended with 65"):
            await command("collector", *config, "audit")
        assert "log_forked" in collector.output()
        assert await gateway.stop() == 0
        assert await collector.end() == 0
