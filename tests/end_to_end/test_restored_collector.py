"""A collector that was put back from a backup is a fork of its log: its gateways notice, say so, and lose nothing."""

import json
import shutil
from pathlib import Path

import pytest

from tests.world.collector import Collector
from tests.world.gateway import Gateway
from tests.world.processes import eventually


def remembered(gateway: Gateway) -> dict[str, object]:
    """What the agent keeps in mind."""
    return dict(json.loads((gateway.state_dir / "state.json").read_text()))


async def test_a_restored_collector_is_found_out_and_gets_back_what_it_lost(
    tmp_path: Path, gateway: Gateway, collector: Collector
) -> None:
    """Backup while it runs, more reports, kill, restore: the fork is told, audited and healed."""
    gateway.configure(report_every_s=1)
    await collector.start(until_ready=True)
    assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0
    await gateway.start()
    await eventually(lambda: len(collector.numbers()) >= 3)
    backup = tmp_path / "backup"
    await collector.command("backup", str(backup), "--with-key")
    known = len(collector.numbers())
    await eventually(lambda: len(gateway.kept()) >= known + 4)
    await collector.kill()
    shutil.rmtree(collector.state_dir)

    await collector.command("restore", str(backup))
    await collector.start(until_ready=True)
    await eventually(lambda: remembered(gateway).get("fork") and not remembered(gateway).get("doubt"))
    signed = int(str(remembered(gateway)["sequence"]))
    # Where what waited carried the new log past the lost head, the collector asks for the rest, after a minute.
    await eventually(lambda: collector.numbers()[:signed] == list(range(1, signed + 1)), within_s=180)
    await eventually(lambda: not remembered(gateway).get("doubt"))  # which a collector that asks has brought back

    said = await gateway.status()
    assert (said["forks"], said["doubt"]) == (1, None)
    assert said["fork"]["sequence"] > 0
    assert "another head" in (await gateway.command("status"))[1]
    assert "log_forked" in gateway.log()
    assert list((gateway.state_dir / "kept").glob("*.earlier-receipt"))
    status = await collector.status()
    assert len(status["restored_at"]) == 1
    with pytest.raises(AssertionError, match="ended with 65"):
        await collector.command("audit")
    assert "log_forked" in collector.output()
    assert await gateway.stop() == 0
    assert await collector.end() == 0
