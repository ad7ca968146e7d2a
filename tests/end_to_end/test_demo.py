"""`make run` as a newcomer meets it: from nothing to verdicts, through a kill and a second run, to a clean end."""

import json
import os
import signal
import sqlite3
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_fixtures.demo.stage import Stage
from tests.world.mosquitto import free_port
from tests.world.processes import Process, eventually

PROMISED = {
    "zonneveld/zt-3": {"S": "UPDATE_PENDING", "M": "UPDATE_PENDING"},
    "lumenta/lb-980": {"S": "UP_TO_DATE", "M": "UP_TO_DATE"},
    "lumenta/sp-1": {"S": "UP_TO_DATE", "M": "SUPPORT_ENDED"},
    "aquila/ws-2": {"S": "UP_TO_DATE", "M": "NO_MAKER_DUTY"},
    "bolder/trv-1": {"S": "VERSION_NOT_COMPARABLE", "M": "VERSION_NOT_COMPARABLE"},
    "kust/boiler-link": {"S": "SUPPORT_ENDED", "M": "SUPPORT_ENDED"},
}
THIS_MACHINE = {"os:debian": {"S": "MODEL_UNKNOWN", "M": "MODEL_UNKNOWN"}}
OF_ONE_HOME = dict.fromkeys(PROMISED, ("FLEET_TOO_SMALL", None))


def fetch(address: str) -> Any:
    """What the collector answers; nothing where it is not there."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def verdicts(page: str) -> dict[str, dict[str, str]]:
    """The codes of each device that is judged, by model; those of no known model under their first id."""
    answer = fetch(f"{page}/api/v1/devices?limit=100") or {"items": []}
    return {
        item["model"] or next(iter(item["ids"]), "?"): {track: side["code"] for track, side in item["verdict"].items()}
        for item in answer["items"]
        if item["verdict"]
    }


def found(page: str) -> dict[str, tuple[str, int | None]]:
    """What is found of each model, and of how many homes: of one there is nothing to say, and that is said."""
    answer = fetch(f"{page}/api/v1/findings?limit=100") or {"items": []}
    return {item["model"]: (item["code"], item["of"]) for item in answer["items"]}


def programs(demo: Process) -> dict[str, int]:
    """The processes that the demo has started, by what they are."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            words = (entry.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if parent == demo.pid and b"-m" in words:
            name = words[words.index(b"-m") + 1].decode()
            found["house" if b"--port" in words else "line" if b"--link" in words else name] = int(entry.parent.name)
    return found


def restarted(demo: Process, before: dict[str, int]) -> bool:
    """Whether the same programs run, each as another process than before."""
    now = programs(demo)
    return now.keys() == before.keys() and not set(now.values()) & set(before.values())


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def own(page: str) -> dict[str, Any]:
    """The gateway of this machine: the second house has one device, this one many."""
    answer = fetch(f"{page}/api/v1/gateways") or {"items": []}
    return max(answer["items"], key=lambda item: int(item["devices"]), default={"gateway": "", "last_sequence": 0})


def last_number(page: str) -> int:
    """The highest number of this machine's gateway."""
    return int(own(page)["last_sequence"])


def numbers_on_record(state: Path, gateway: str) -> list[int]:
    """Every number of a gateway that the register holds, in order."""
    with sqlite3.connect(f"file:{state}/collector/register.sqlite?mode=ro", uri=True) as register:
        found = register.execute(
            "SELECT sequence FROM reports WHERE gateway = ? ORDER BY sequence", [bytes.fromhex(gateway)]
        )
        return [row[0] for row in found]


def replayed(page: str, first_run: datetime, day: int) -> dict[str, Any]:
    """The verdict on the second house's bulb on a day, by what was known on it; days count from the first run."""
    devices = fetch(f"{page}/api/v1/devices?limit=100")["items"]
    bulb = next(i for i in devices if i["model"] == "lumenta/lb-980" and i["gateway"] != own(page)["gateway"])
    asked = (first_run + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
    address = f"{page}/api/v1/devices/{bulb['gateway']}/{bulb['device']}/verdict?at={asked}&known={asked}"
    return dict(fetch(address)["verdict"])


@pytest.mark.timeout(900)  # a minute where nothing else runs
async def test_a_newcomer_sees_verdicts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every promised verdict comes; what was killed is started again; Ctrl-C ends all; a second run goes on."""
    state, port = tmp_path / "var", free_port()
    page = f"http://127.0.0.1:{port}"
    demo = Process(tmp_path / "demo.log", "firmware_fixtures.demo", "--state", str(state), "--port", str(port))
    await demo.start()
    try:
        await eventually(lambda: (PROMISED | THIS_MACHINE).items() <= verdicts(page).items(), within_s=300)
        sensor = next(i for i in fetch(f"{page}/api/v1/devices?limit=100")["items"] if i["model"] == "aquila/ws-2")
        assert sensor["verdict"]["M"]["window_finding"]["code"] == "WINDOW_MISSING"

        await eventually(lambda: found(page) == OF_ONE_HOME)

        first_run = datetime.fromisoformat(json.loads((state / "demo.json").read_text())["first_run"])
        before, after = replayed(page, first_run, -101), replayed(page, first_run, -99)
        for track in ("S", "M"):
            assert (before[track]["code"], after[track]["code"]) == ("UP_TO_DATE", "UP_TO_DATE")
            assert (before[track]["flags"], after[track]["flags"]) == ([], ["WINDOW_SHORTENED_LATER"])
            assert before[track]["window"] == after[track]["window"]

        gateway = own(page)
        first = programs(demo)
        assert set(first) == {"house", "line", "collector", "agent"}
        for pid in first.values():
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: restarted(demo, first), within_s=180)
        await eventually(lambda: last_number(page) > gateway["last_sequence"], within_s=180)
        assert restarted(demo, first)
        again = programs(demo)
        assert await demo.end(signal.SIGINT) == 0
        assert not any(map(alive, again.values()))

        last_before = max(numbers_on_record(state, gateway["gateway"]))
        await demo.start()
        await eventually(lambda: last_number(page) > last_before, within_s=180)
        numbers = numbers_on_record(state, gateway["gateway"])
        assert numbers == list(range(1, max(numbers) + 1))
        last = programs(demo).values()
        assert len(last) == 4
        assert await demo.end(signal.SIGINT) == 0
        assert not any(map(alive, last))
    finally:
        await demo.end()
    for log in [tmp_path / "demo.log", *(state / "log").glob("*.log")]:
        assert "Traceback" not in log.read_text(), log
    assert "UPDATE_PENDING" in demo.output()


async def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    """The second says so and changes nothing; a directory that cannot be one is told in a line."""
    state = tmp_path / "var"
    command = ("firmware_fixtures.demo", "--port", str(free_port()), "--state")
    with Stage(state, free_port(), print):
        before = (state / "demo.json").read_bytes()
        second = Process(tmp_path / "second.log", *command, str(state))
        await second.start()
        assert await second.wait() == 70
        assert "in use by another run" in second.output()
        assert (state / "demo.json").read_bytes() == before
    (tmp_path / "file").touch()
    third = Process(tmp_path / "third.log", *command, str(tmp_path / "file"))
    await third.start()
    assert await third.wait() == 70
    assert "cannot be used" in third.output()
    assert "Traceback" not in second.output() + third.output()
