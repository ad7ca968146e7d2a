"""The one door for facts (F0): what is refused, and that the refusal names the fact."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.appraisal import FactError, appraise, parse_fact, parse_facts
from collector.appraisal.policies import shipped
from tests.collector.appraisal.households import (
    MODEL,
    ORDINARY,
    Household,
    Json,
    advisory,
    deposit,
    households,
    release,
    report,
    statement,
    told,
)

WINDOW = statement("x", "manufacturer:acme", "2026-01-31", end="2031-03-31")
RELEASE = release("x", "1.0.0", "2026-01-31")
ADVISORY = advisory("x")
REPORT = report("x", "2026-01-31", 1)
WAIVER = deposit("x", "consumer:c1")
SALE = told("sale", "x", "consumer:c1", "2026-03-12", device="d1", seller="shop")
NOTICE = told("notice", "x", "seller:shop", "2026-10-01", device="d1", topic="update")
PARTY = told("party", "x", "operator:o", "2026-10-01", party="seller:shop", ceased="2026-10-01")
KEY = told("key", "x", "operator:o", "2026-10-01", party="seller:shop", key="k1", valid_from="2026-10-01")

REFUSED: dict[str, Json] = {
    "an unknown kind": WINDOW | {"kind": "promise"},
    "a kind that is no word": WINDOW | {"kind": ["window"]},
    "no kind": {name: value for name, value in WINDOW.items() if name != "kind"},
    "a missing required field": {name: value for name, value in RELEASE.items() if name != "version"},
    "a required field that is null": SALE | {"seller": None},
    "no instant of recording": SALE | {"recorded_at": None},
    "a role outside its list": SALE | {"issuer": "neighbour:n"},
    "an issuer without a name": SALE | {"issuer": "seller:"},
    "an issuer without a role": SALE | {"issuer": "shop"},
    "an instant with an offset": SALE | {"recorded_at": "2026-03-12T12:00:00+01:00"},
    "an instant with a fraction": SALE | {"asserted_at": "2026-03-12T12:00:00.5Z"},
    "an instant without seconds": REPORT | {"recorded_at": "2026-03-12T12:00Z"},
    "an instant in small letters": WAIVER | {"accepted_at": "2026-03-12t12:00:00z"},
    "a leap second": RELEASE | {"gone_at": "2026-06-30T23:59:60Z"},
    "a 25th hour": RELEASE | {"retracted_at": "2026-06-30T24:00:00Z"},
    "digits of another script": RELEASE | {"gone_at": "\u0662026-06-30T23:59:59Z"},
    "a 30th of February": SALE | {"contract": "2026-02-30"},
    "a month zero": SALE | {"delivered": "2026-00"},
    "a year alone": SALE | {"supply_end": "2026"},
    "an interval that runs backwards": SALE | {"contract": {"from": "2026-03-02", "to": "2026-03-01"}},
    "an interval without an end": SALE | {"contract": {"from": "2026-03-02"}},
    "an interval of months": SALE | {"contract": {"from": "2026-03", "to": "2026-04"}},
    "a day that is a number": SALE | {"contract": 20260302},
    "an offset of 24 hours": ADVISORY | {"public_since": "2026-03-02T10:00:00+24:00"},
    "a moment that is a month": RELEASE | {"available_from": "2026-03"},
    "a word outside its list": SALE | {"supply": "sometimes"},
    "a severity outside its list": ADVISORY | {"severity": "moderate"},
    "an answer that is no refusal": ADVISORY | {"no_fix": "none_available"},
    "a scheme outside its list": RELEASE | {"scheme": "dpkg"},
    "a number that is a word": RELEASE | {"hw_min": "2"},
    "a number that is a truth": REPORT | {"seq": True},
    "a number with a fraction": SALE | {"liability_months": 12.0},
    "a truth that is a number": RELEASE | {"security": 1},
    "a list that is a word": RELEASE | {"fixes": "ADV-1"},
    "a list with a gap": RELEASE | {"digests": [None]},
    "a range that is a word": ADVISORY | {"affected": ["1.0.0"]},
    "a range of not all": ADVISORY | {"affected": [{"all": False}]},
    "a range with a numeric version": ADVISORY | {"affected": [{"before": 2}]},
    "an offer outside its list": REPORT | {"offer": {"result": "maybe"}},
    "neither an end nor a withdrawal": WINDOW | {"end": None},
    "both an end and a withdrawal": WINDOW | {"withdraw": True},
    "a withdrawal that is none, without an end": WINDOW | {"end": None, "withdraw": False},
    "an end in other words": WINDOW | {"end": "TBA"},
    "a period of less than nothing": WINDOW | {"end": {"months": -1, "from": "purchase"}},
    "a period from nowhere": WINDOW | {"end": {"months": 12, "from": "delivery"}},
    "a period without months": WINDOW | {"end": {"from": "purchase"}},
    "a corrected statement of a window": WINDOW | {"corrects": "y"},
    "a corrected waiver": WAIVER | {"corrects": "y"},
    "a corrected report": REPORT | {"corrects": "y"},
    "a topic outside its list": NOTICE | {"topic": "hello"},
    "a party without a role": PARTY | {"party": "shop"},
    "a party that ceased some time": PARTY | {"ceased": None},
    "a key without its first day": KEY | {"valid_from": None},
}

ACCEPTED: dict[str, Json] = {
    "a field that no kind has": SALE | {"colour": "white"},
    "a field of another kind, in any form": SALE | {"gone_at": "yesterday"},
    "null for what is not known": SALE | {"contract": None, "supply": None, "corrects": None},
    "an end with a withdrawal that is none": WINDOW | {"withdraw": False},
    "a moment with a fraction and an offset": RELEASE | {"available_from": "2026-03-02T10:00:00.123456789-08:00"},
    "a moment without an offset": RELEASE | {"available_from": "2026-03-02T10:00:00"},
    "an interval of one day": SALE | {"contract": {"from": "2026-03-02", "to": "2026-03-02"}},
    "an end far beyond the calendar": WINDOW | {"end": {"months": 10**30, "from": "placing"}},
    "the last day of the calendar": WINDOW | {"end": "9999-12-31"},
    "an empty version": REPORT | {"version_raw": ""},
    "a range that says nothing": ADVISORY | {"affected": [{}]},
    "an offer that says nothing": REPORT | {"offer": {}},
    "a number beyond 64 bits": REPORT | {"hw_revision": 2**70},
    "a corrected sale": SALE | {"corrects": "y"},
}


@pytest.mark.parametrize("fact", REFUSED.values(), ids=REFUSED)
def test_an_invalid_fact_is_refused_by_name(fact: Json) -> None:
    """F0: the error carries the id, so that a statement can be refused at the door."""
    with pytest.raises(FactError) as refused:
        parse_fact(fact)
    assert refused.value.fact_id == "x"
    assert refused.value.code == "fact"


@pytest.mark.parametrize("fact", ACCEPTED.values(), ids=ACCEPTED)
def test_a_fact_that_only_looks_odd_is_accepted(fact: Json) -> None:
    """What the tables do not forbid is valid."""
    assert parse_fact(fact).id == "x"


@pytest.mark.parametrize("given", [None, "a fact", [], 7], ids=repr)
def test_what_is_no_object_is_refused_without_a_name(given: Any) -> None:
    """There is no id to name."""
    with pytest.raises(FactError) as refused:
        parse_fact(given)
    assert refused.value.fact_id is None


def test_a_fact_without_an_id_is_refused_with_what_it_gave() -> None:
    """An id of another type is named as it was given; none is None."""
    for identity in (None, 7):
        with pytest.raises(FactError) as refused:
            parse_fact(WINDOW | {"id": identity})
        assert refused.value.fact_id == identity


def test_the_first_invalid_fact_in_list_order_is_named() -> None:
    """Whatever its fault, and even if it is recorded after everything that is known."""
    late = {**RELEASE, "id": "late", "recorded_at": "2199-01-01T00:00:00Z", "price": "dear"}
    with pytest.raises(FactError) as refused:
        parse_facts([WINDOW, late, {**SALE, "id": "worse", "kind": "gift"}])
    assert refused.value.fact_id == "late"


def test_an_id_that_is_there_twice_is_named() -> None:
    """The second fact is the invalid one, of whatever kind."""
    with pytest.raises(FactError) as refused:
        parse_facts([WINDOW, {**RELEASE, "id": "y"}, SALE, {**ADVISORY, "id": "y"}])
    assert refused.value.fact_id == "x"


EXTREMES = [
    "0001-01-01",
    "9999-12-31",
    "9999-12",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59",
    {"from": "0001-01-01", "to": "9999-12-31"},
    {"months": 10**30, "from": "purchase"},
    {"months": 10**30, "from": "0001-01-01"},
    [{"from": "", "before": "9"}],
    10**30,
    -(10**30),
    "",
    [],
]


@settings(max_examples=300, deadline=None)
@given(
    households(),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(EXTREMES)), min_size=1, max_size=3),
)
def test_no_fact_however_extreme_stops_the_judge(household: Household, strays: list[tuple[int, int, Any]]) -> None:
    """A fact is refused, or it is judged."""
    facts = [dict(fact) for fact in household.facts]
    for place, field, value in strays:
        fact = facts[place % len(facts)]
        fact[list(fact)[field % len(fact)]] = value
    try:
        verdicts = appraise(facts, household.at, household.known, shipped("2026-11-a"))
    except FactError:
        return
    assert verdicts["S"].to_json()


def test_the_ordinary_facts_are_valid() -> None:
    """What the strategies start from is what they say it is."""
    assert {fact.id for fact in parse_facts(ORDINARY)} == {fact["id"] for fact in ORDINARY}
    assert any(fact.get("model") == MODEL for fact in ORDINARY)
