"""Two readers of one specification, held against each other: see `second/__init__.py` for why.

Each seed is a case of its own, the same in every run. To look for more divergences, widen the ranges; each that is
found becomes a case in `firmware_fixtures/cases`, and where the text leaves it open a Decision in the judge's README.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from collector.appraisal import Policy
from collector.appraisal.cases import answer
from collector.appraisal.policies import read
from tests.collector.appraisal.second import appraised
from tests.collector.appraisal.second.random_cases import Case, changed_case, changed_fleet
from tests.shared import ROOT, shared

OWN, LABELLED = "our own cases", "the labelled cases"
Change = Callable[[Case, list[str], int], Case]


@cache
def cases(source: str) -> list[Case]:
    """The cases to begin from."""
    folder = shared("cases/dev") if source == LABELLED else ROOT / "firmware_fixtures" / "cases"
    return [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]


@cache
def policies(source: str) -> dict[str, tuple[dict[str, Any], Policy]]:
    """Each policy by name, as either reader takes it."""
    folder = shared("policies") if source == LABELLED else ROOT / "collector" / "appraisal" / "policies"
    return {file.stem: _both(file) for file in sorted(folder.glob("*.json"))}


def _both(file: Path) -> tuple[dict[str, Any], Policy]:
    return json.loads(file.read_bytes()), read(file.read_bytes())


def first(case: Case, source: str) -> Any:
    """What the judge answers."""
    return msgspec.json.decode(msgspec.json.encode(answer(case, lambda name: policies(source)[name][1])))


def second(case: Case, source: str) -> Any:
    """What the second reader answers."""
    return appraised(case, policies(source)[case["policy"]][0])


def agree(source: str, kind: str, change: Change, seeds: range) -> None:
    """Compare the answers to changed cases, one for each seed."""
    known = [case for case in cases(source) if kind in case and "error" not in case["expect"]]
    for seed in seeds:
        case = change(Random(seed).choice(known), list(policies(source)), seed)
        assert first(case, source) == second(case, source), f"seed {seed}: {json.dumps(case)}"


@pytest.mark.parametrize("source", [OWN, LABELLED])
def test_both_readers_agree_on_cases_as_they_are(source: str) -> None:
    """And on the labelled ones with their labels."""
    for case in cases(source):
        answered = second(case, source)
        assert answered == first(case, source)
        assert "full" not in case or answered == {"case": case["case"], **case["full"]}


@pytest.mark.parametrize("source", [OWN, LABELLED])
def test_both_readers_agree_on_changed_cases_of_one_device(source: str) -> None:
    """Facts changed, added, left out, corrected; judged at other instants, with other knowledge."""
    agree(source, "facts", changed_case, range(600))


@pytest.mark.parametrize("source", [OWN, LABELLED])
def test_both_readers_agree_on_changed_fleets(source: str) -> None:
    """Homes changed, added and multiplied."""
    agree(source, "fleet", changed_fleet, range(60))
