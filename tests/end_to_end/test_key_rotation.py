"""The gateway's key is replaced, with everything killed in the middle of it: no key and no report is lost."""

import json
from pathlib import Path

from tests.world.collector import Collector
from tests.world.gateway import Gateway
from tests.world.mosquitto import Mosquitto
from tests.world.processes import eventually


def key_now(gateway: Gateway) -> bytes:
    """The seed that the agent signs with."""
    return (gateway.state_dir / "agent.key").read_bytes()


def ended_keys(collector: Collector) -> list[tuple[int, bool]]:
    """Last number and whether it signed its successor, of each key of the gateway that has ended."""
    query = "SELECT last_sequence, successor_signed FROM keys WHERE gateway IS NOT NULL AND ended_at IS NOT NULL"
    return [(row[0], bool(row[1])) for row in collector.rows(query + " ORDER BY last_sequence")]


async def test_a_rotation_survives_whatever_dies_in_it(gateway: Gateway, collector: Collector) -> None:
    """Killed once the succession is signed, once it is receipted, once the old key is noted: it is always finished."""
    gateway.configure(report_every_s=1)
    states = gateway.state_dir
    await collector.start(until_ready=True)
    assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0
    reached = (
        lambda: True,
        lambda: len(list((states / "kept").glob("statement-*.cose"))) >= 3,
        lambda: len(json.loads((states / "agent.keys.json").read_text())) == 3,
    )
    for turn in range(3):
        before, rows = key_now(gateway), len(ended_keys(collector))
        await gateway.start()
        await eventually(gateway.kept)
        code_of, out, err = await gateway.command("rotate-key", "--yes")
        assert code_of == 0, out + err
        await eventually(reached[turn])
        await gateway.kill()
        if turn == 0:
            await collector.kill()
            await collector.start(until_ready=True)
        await gateway.start()
        await eventually(lambda old=before: key_now(gateway) != old)  # type: ignore[misc]
        await eventually(lambda known=rows: len(ended_keys(collector)) > known)  # type: ignore[misc]
        assert not (states / "agent.key.next").exists()
        await gateway.kill()

    await gateway.start()
    last = json.loads((states / "state.json").read_text())["sequence"]
    await eventually(lambda: collector.numbers()[-1] > last)
    assert await gateway.stop() == 0
    signed = json.loads((states / "state.json").read_text())["sequence"]
    on_record = collector.numbers()
    assert set(range(1, signed + 1)) - set(on_record) <= {int(name.split(".")[2]) for name in gateway.waiting()}
    ended = ended_keys(collector)
    assert [by_old for _, by_old in ended] == [True] * 3
    assert sorted(set(ended)) == ended
    status = await collector.status()
    assert status["rejected"] == {}
    assert (await gateway.status())["key_waits"] is False


async def test_a_collector_from_before_the_rotation_learns_of_it_again(
    tmp_path: Path, gateway: Gateway, collector: Collector, broker: Mosquitto
) -> None:
    """Restored from a backup it does not know the new key; the agent says again how it came to it."""
    gateway.configure(report_every_s=1)
    await collector.start(until_ready=True)
    assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0
    await gateway.start()
    await eventually(lambda: len(collector.numbers()) >= 2)
    await collector.command("backup", str(tmp_path / "backup"), "--with-key")
    assert (await gateway.command("rotate-key", "--yes"))[0] == 0
    await eventually(lambda: ended_keys(collector))
    await collector.kill()
    for file in collector.state_dir.iterdir():
        file.unlink()
    await collector.command("restore", str(tmp_path / "backup"))
    await collector.start(until_ready=True)
    assert ended_keys(collector) == []
    await broker.kill()  # a new session, as after any restart of a broker
    await broker.start()
    await eventually(lambda: ended_keys(collector))
    signed = json.loads((gateway.state_dir / "state.json").read_text())["sequence"]
    await eventually(lambda: collector.numbers()[-1] > signed)
