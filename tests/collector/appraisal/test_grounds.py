"""The facts that a verdict is said to stand on give it again, and what it does not stand on is not among them."""

from typing import Any

import msgspec
import pytest

from collector.appraisal import FactError, appraise
from collector.appraisal.grounds import grounds
from collector.appraisal.policies import shipped
from collector.appraisal.values import parse_instant
from tests.collector.appraisal.households import BUYER, MAKER, MODEL, SELLER, Json, report, statement, told
from tests.collector.appraisal.test_labelled_cases import CASES as LABELLED
from tests.collector.appraisal.test_labelled_cases import policy
from tests.collector.appraisal.test_own_cases import CASES as OWN

CASES = [(case, policy) for case in LABELLED if "facts" in case] + [(case, shipped) for case in OWN if "facts" in case]


@pytest.mark.parametrize(("case", "named"), CASES, ids=[case["case"] for case, _ in CASES])
def test_the_grounds_alone_give_the_verdict_again(case: dict[str, Any], named: Any) -> None:
    """The same bytes, without all the other facts."""
    at, known, numbers = parse_instant(case["at"]), parse_instant(case["known"]), named(case["policy"])
    try:
        whole = appraise(case["facts"], at, known, numbers)
    except FactError:
        return  # no verdict, so it stands on nothing
    ids = {each.id for each in grounds(case["facts"], at, known, numbers)}
    alone = appraise([fact for fact in case["facts"] if fact["id"] in ids], at, known, numbers)
    assert msgspec.json.encode(alone) == msgspec.json.encode(whole)


def test_what_no_rule_reads_is_no_ground() -> None:
    """Another seller's promise, a corrected sale, an overruled entry, what another model is about, what repeats."""
    facts: list[Json] = [
        told("model", "m0", "operator:register", "2026-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme"),
        told("model", "m", MAKER, "2026-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme"),
        told("sale", "s0", BUYER, "2026-03-10", device="d1", seller="other", jurisdiction="NL"),
        told("sale", "s", BUYER, "2026-03-11", device="d1", seller="shop", jurisdiction="NL", corrects="s0"),
        statement("mine", SELLER, "2026-01-05", end="2031-12-31"),
        statement("other", "seller:other", "2026-01-05", end="2033-12-31"),
        told("release", "r9", MAKER, "2026-01-01", model="acme/cam-9", version="1.0.0"),
        *(report(f"r{day}", f"2026-11-{day}", day) for day in range(10, 20)),
    ]
    at = parse_instant("2026-11-20T12:00:00Z")
    found = grounds(facts, at, at, shipped("2026-11-a"))
    assert [each.id for each in found] == ["m", "mine", "s", "r10", "r17", "r18", "r19"]
    assert {each.kind for each in found} == {"model", "window", "sale", "report"}
