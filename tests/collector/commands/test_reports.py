"""Signed reports by file: a past that is played in a simulated register, or a spool that no network reaches."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collector.commands.conftest import Command
from tests.collector.register import DAY, DEVICE, HOME, NEIGHBOUR, NOW, key_of, reported, seen

BEGAN = NOW - 100 * DAY


@pytest.fixture
def register(command: Command, config: Path) -> Command:
    """A simulated register with one gateway."""
    config.write_text("simulated = true\n" + config.read_text())
    assert command("gateways", "enrol", HOME, key_of(f"gateway:{HOME}").public.data.hex())[0] == 0
    return command


def written(folder: Path, name: str, data: bytes) -> str:
    """A file of a report."""
    file = folder / name
    file.write_bytes(data)
    return str(file)


def outcomes(out: str) -> dict[str, dict[str, Any]]:
    """The outcomes by file name."""
    return {Path(row["file"]).name: row for row in map(json.loads, out.splitlines())}


def test_a_past_is_recorded_as_it_was_issued(register: Command, tmp_path: Path) -> None:
    """In whatever order the files are named; handed in again nothing changes."""
    files = [
        written(tmp_path, f"{number}.cbor", reported(HOME, number, BEGAN + number * DAY, seen(DEVICE)))
        for number in (3, 1, 2)
    ]
    for _ in range(2):
        code, out, _ = register("reports", "submit", "--as-issued", "--json", *files)
        assert code == 0
        assert {name: (row["sequence"], row["recorded_at"]) for name, row in outcomes(out).items()} == {
            "1.cbor": (1, "2026-08-13T12:00:00Z"),
            "2.cbor": (2, "2026-08-14T12:00:00Z"),
            "3.cbor": (3, "2026-08-15T12:00:00Z"),
        }
    listed = json.loads(register("gateways", "list", "--json")[1])
    assert (listed["gateway"], listed["last_sequence"]) == (HOME, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"hello", "malformed", id="no report"),
        pytest.param(reported(HOME, 1, BEGAN, seen(DEVICE))[:-1] + b"\0", "signature", id="a false signature"),
        pytest.param(reported(HOME, 1, BEGAN, seen(DEVICE, "6.6.6")), "sequence", id="a used number"),
        pytest.param(reported(NEIGHBOUR, 1, BEGAN, seen(DEVICE)), "key", id="of a gateway that nobody enrolled"),
        pytest.param(reported(HOME, 2, 4 * 10**9, seen(DEVICE)), "freshness", id="of a year to come"),
    ],
)
def test_what_is_not_accepted_is_told(register: Command, tmp_path: Path, data: bytes, reason: str) -> None:
    """With the word that its gateway would be told, after the others went in."""
    good = written(tmp_path, "good.cbor", reported(HOME, 1, BEGAN, seen(DEVICE)))
    code, out, _ = register("reports", "submit", "--json", good, written(tmp_path, "bad.cbor", data))
    assert code == 65
    found = outcomes(out)
    assert (found["good.cbor"].get("reason"), found["bad.cbor"]["reason"]) == (None, reason)


def test_a_real_register_has_a_real_clock(command: Command, tmp_path: Path) -> None:
    """Nobody dates a real record back; without that wish the report counts from now on."""
    command("gateways", "enrol", HOME, key_of(f"gateway:{HOME}").public.data.hex())
    file = written(tmp_path, "report.cbor", reported(HOME, 1, BEGAN, seen(DEVICE)))
    code, _, err = command("reports", "submit", "--as-issued", file)
    assert (code, "the real one" in err) == (65, True)
    code, out, _ = command("reports", "submit", file)
    assert code == 0
    assert f"report 1 of gateway {HOME} is on record" in out
