"""The gateway's key is replaced, with everything killed in the middle of it: no key and no report is lost."""

import json
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

from tests.end_to_end.test_nothing_is_lost import collector_config, numbers_on_record
from tests.world.gateway import Gateway
from tests.world.mosquitto import broker as mosquitto
from tests.world.processes import Process, command, eventually


def key_now(gateway: Gateway) -> bytes:
    """The seed that the agent signs with."""
    return (gateway.state_dir / "agent.key").read_bytes()


def ended_keys(folder: Path) -> list[tuple[int, bool]]:
    """Last number and whether it signed its successor, of each key of the gateway that has ended."""
    with sqlite3.connect(f"file:{folder}/collector/register.sqlite?mode=ro", uri=True) as register:
        query = "SELECT last_sequence, successor_signed FROM keys WHERE gateway IS NOT NULL AND ended_at IS NOT NULL"
        return [(row[0], bool(row[1])) for row in register.execute(query + " ORDER BY last_sequence")]


async def test_a_rotation_survives_whatever_dies_in_it(tmp_path: Path) -> None:
    """Killed once the succession is signed, once it is receipted, once the old key is noted: it is always finished."""
    gateway = Gateway(tmp_path)
    gateway.configure(report_every_s=1)
    states = gateway.state_dir
    async with AsyncExitStack() as world:
        broker = await world.enter_async_context(mosquitto())
        config = ("--config", str(collector_config(tmp_path, broker.port)))
        collector = Process(tmp_path / "collector.log", "collector", *config, "run")
        world.push_async_callback(collector.end)
        world.push_async_callback(gateway.kill)
        await collector.start(until_ready=True)
        code = (await command("collector", *config, "gateways", "code")).split()[-1]
        assert (await gateway.command("enrol", "--yes", code))[0] == 0
        reached = (
            lambda: True,
            lambda: len(list((states / "kept").glob("statement-*.cose"))) >= 3,
            lambda: len(json.loads((states / "agent.keys.json").read_text())) == 3,
        )
        for turn in range(3):
            before, rows = key_now(gateway), len(ended_keys(tmp_path))
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
            await eventually(lambda known=rows: len(ended_keys(tmp_path)) > known)  # type: ignore[misc]
            assert not (states / "agent.key.next").exists()
            await gateway.kill()

        await gateway.start()
        last = json.loads((states / "state.json").read_text())["sequence"]
        await eventually(lambda: numbers_on_record(tmp_path)[-1] > last)
        assert await gateway.stop() == 0
        signed = json.loads((states / "state.json").read_text())["sequence"]
        on_record = numbers_on_record(tmp_path)
        assert set(range(1, signed + 1)) - set(on_record) <= {int(name.split(".")[2]) for name in gateway.waiting()}
        ended = ended_keys(tmp_path)
        assert [by_old for _, by_old in ended] == [True] * 3
        assert sorted(set(ended)) == ended
        status = json.loads(await command("collector", *config, "status", "--json"))
        assert status["rejected"] == {}
        assert (await gateway.status())["key_waits"] is False


async def test_a_collector_from_before_the_rotation_learns_of_it_again(tmp_path: Path) -> None:
    """Restored from a backup it does not know the new key; the agent says again how it came to it."""
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
        await eventually(lambda: len(numbers_on_record(tmp_path)) >= 2)
        await command("collector", *config, "backup", str(tmp_path / "backup"), "--with-key")
        assert (await gateway.command("rotate-key", "--yes"))[0] == 0
        await eventually(lambda: ended_keys(tmp_path))
        await collector.kill()
        for file in (tmp_path / "collector").iterdir():
            file.unlink()
        await command("collector", *config, "restore", str(tmp_path / "backup"))
        await collector.start(until_ready=True)
        assert ended_keys(tmp_path) == []
        await broker.kill()  # a new session, as after any restart of a broker
        await broker.start()
        await eventually(lambda: ended_keys(tmp_path))
        signed = json.loads((gateway.state_dir / "state.json").read_text())["sequence"]
        await eventually(lambda: numbers_on_record(tmp_path)[-1] > signed)
