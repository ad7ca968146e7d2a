"""`make run` as a newcomer meets it: from nothing to verdicts, through a kill and a second run, to a clean end."""

import json
import os
import signal
import sqlite3
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from firmware_fixtures.demo.stage import free_port
from tests.world.processes import Process, eventually

PROMISED = {
    "zonneveld/zt-3": {"S": "UPDATE_PENDING", "M": "UPDATE_PENDING"},
    "lumenta/lb-980": {"S": "UP_TO_DATE", "M": "UP_TO_DATE"},
    "lumenta/sp-1": {"S": "UP_TO_DATE", "M": "SUPPORT_ENDED"},
    "aquila/ws-2": {"S": "UP_TO_DATE", "M": "NO_MAKER_DUTY"},
    "bolder/trv-1": {"S": "VERSION_NOT_COMPARABLE", "M": "VERSION_NOT_COMPARABLE"},
    "kust/boiler-link": {"S": "SUPPORT_ENDED", "M": "SUPPORT_ENDED"},
}


def fetch(address: str) -> Any:
    """What the collector answers; nothing where it is not there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
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


def pids(state: Path) -> set[int]:
    """The processes whose command line names this state directory."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(state).encode() in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue  # it has just ended
    return found


def kill(state: Path, name: str) -> None:
    """Kill the program of that name."""
    for pid in pids(state):
        if f"-m\0{name}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError(f"no {name} is running")


def last_number(page: str) -> int:
    """The highest number of the one gateway."""
    answer = fetch(f"{page}/api/v1/gateways")
    return int(answer["items"][0]["last_sequence"]) if answer and answer["items"] else 0


def numbers_on_record(state: Path) -> list[int]:
    """Every number that the register holds, in order."""
    with sqlite3.connect(f"file:{state}/collector/register.sqlite?mode=ro", uri=True) as register:
        return [row[0] for row in register.execute("SELECT sequence FROM reports ORDER BY sequence")]


@pytest.mark.timeout(300)
async def test_a_newcomer_sees_verdicts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Every promised verdict comes; what was killed is started again; Ctrl-C ends all; a second run goes on."""
    state, port = tmp_path / "var", free_port()
    page = f"http://127.0.0.1:{port}"
    demo = Process(tmp_path / "demo.log", "firmware_fixtures.demo", "--state", str(state), "--port", str(port))
    await demo.start()
    try:
        await eventually(lambda: PROMISED.items() <= verdicts(page).items(), within_s=120)
        assert verdicts(page)["os:debian"] == {"S": "MODEL_UNKNOWN", "M": "MODEL_UNKNOWN"}
        sensor = next(i for i in fetch(f"{page}/api/v1/devices?limit=100")["items"] if i["model"] == "aquila/ws-2")
        assert sensor["verdict"]["M"]["window_finding"]["code"] == "WINDOW_MISSING"

        gateway = fetch(f"{page}/api/v1/gateways")["items"][0]
        for name in ("collector", "agent"):
            kill(state, name)
        await eventually(lambda: last_number(page) > gateway["last_sequence"], within_s=90)
        assert await demo.end(signal.SIGINT) == 0
        await eventually(lambda: not pids(state))

        before = numbers_on_record(state)
        await demo.start()
        await eventually(lambda: last_number(page) > max(before), within_s=120)
        assert numbers_on_record(state) == list(range(1, max(numbers_on_record(state)) + 1))
        assert await demo.end(signal.SIGINT) == 0
        await eventually(lambda: not pids(state))
    finally:
        await demo.end()
    for log in [tmp_path / "demo.log", *(state / "log").glob("*.log")]:
        assert "Traceback" not in log.read_text(), log
    assert "UPDATE_PENDING" in demo.output()
