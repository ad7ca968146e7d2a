"""`updateplicht-collector appraise`: one JSON object a line for each file, in the order given."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest

from collector.commands import appraise
from tests.shared import ROOT

OWN = ROOT / "firmware_fixtures" / "cases"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the object of each line."""
    parser = argparse.ArgumentParser()
    appraise.add_parser(parser.add_subparsers())
    args = parser.parse_args(["appraise", *map(str, arguments)])
    code = args.run(args)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_it_answers_devices_fleets_and_invalid_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line holds the case, then its answer."""
    names = ["given-as-a-present", "unseen-but-for-another-region", "no-month-thirteen"]
    code, lines = run(capsys, *(OWN / f"{name}.json" for name in names))
    assert code == os.EX_OK
    assert [list(line) for line in lines] == [["case", "S", "M"], ["case", "fleet"], ["case", "error"]]
    assert lines[0]["case"] == "The thermostat was a present."
    assert lines[2]["error"] == "sale-1"


def test_a_policy_is_looked_up_in_the_directory_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Else among those that ship."""
    table = json.loads((ROOT / "collector" / "appraisal" / "policies" / "2026-11-a.json").read_bytes())
    (tmp_path / "2026-11-a.json").write_text(json.dumps(table | {"policy_version": "ours"}), encoding="utf-8")
    good = OWN / "given-as-a-present.json"
    for directory, version in ((tmp_path, "ours"), (tmp_path / "none", "2026-11-a")):
        _, (line,) = run(capsys, "--policies", directory, good)
        assert line["S"]["policy_version"] == version
