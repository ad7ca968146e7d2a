"""The labelled cases: facts in, verdict out, exactly. Each test is named by the sentence of its case."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.appraisal import FactError, Policy, appraise
from collector.appraisal.policies import read
from tests.shared import shared

CASES = [json.loads(file.read_bytes()) for file in sorted(shared("cases/dev").glob("*.json"))]
DEVICES = [case for case in CASES if "facts" in case]


@cache
def policy(name: str) -> Policy:
    return read(Path(shared("policies") / f"{name}.json").read_bytes())


def judged(case: dict[str, Any]) -> dict[str, Any]:
    at, known = datetime.fromisoformat(case["at"]), datetime.fromisoformat(case["known"])
    try:
        verdicts = appraise(case["facts"], at, known, policy(case["policy"]))
    except FactError as fault:
        return {"error": fault.fact_id}
    return {"S": json.loads(verdicts["S"].to_json()), "M": json.loads(verdicts["M"].to_json())}


@pytest.mark.parametrize("case", DEVICES, ids=[case["case"] for case in DEVICES])
def test_a_labelled_device_case_comes_out_exactly(case: dict[str, Any]) -> None:
    """Every field of both verdicts is the labelled one."""
    assert judged(case) == case["full"]
