"""Cases of our own: corners that the labelled ones leave out. Expected is what the text says, reasoned by hand."""

import json
from typing import Any

import msgspec
import pytest

from collector.appraisal.cases import answer
from collector.appraisal.policies import shipped
from tests.collector.appraisal.test_labelled_cases import contains
from tests.shared import ROOT

CASES: list[dict[str, Any]] = [
    json.loads(file.read_bytes()) for file in sorted((ROOT / "firmware_fixtures" / "cases").glob("*.json"))
]


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_of_our_own_comes_out_as_reasoned(case: dict[str, Any]) -> None:
    """Every field that was reasoned by hand is so."""
    answered = msgspec.json.decode(msgspec.json.encode(answer(case, shipped)))
    assert contains(answered, case["expect"]), answered
