"""The labelled cases: facts in, verdict out, exactly. Each test is named by the sentence of its case."""

import json
from functools import cache
from typing import Any

import msgspec
import pytest

from collector.appraisal import Policy
from collector.appraisal.cases import answer
from collector.appraisal.policies import read
from tests.shared import shared

CASES: list[dict[str, Any]] = [json.loads(file.read_bytes()) for file in sorted(shared("cases/dev").glob("*.json"))]


@cache
def policy(name: str) -> Policy:
    return read((shared("policies") / f"{name}.json").read_bytes())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_labelled_case_comes_out_exactly(case: dict[str, Any]) -> None:
    """Every field of the answer is the labelled one, and the fields reasoned by hand are among them."""
    answered = msgspec.json.decode(msgspec.json.encode(answer(case, policy)))
    assert answered.pop("case") == case["case"]
    assert contains(answered, case["expect"])
    assert answered == case["full"]


def contains(whole: Any, part: Any) -> bool:
    """Whether all that the part says is so; lists are compared whole, those of findings one by one."""
    if isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(part, list) and all(isinstance(each, dict) for each in part):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)
