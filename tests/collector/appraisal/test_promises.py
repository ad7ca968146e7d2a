"""Who is bound by which promise, by the rules of the judge."""

from datetime import datetime
from typing import Any

import pytest

from collector.appraisal import appraise
from collector.appraisal.policies import shipped
from collector.appraisal.promises import promises
from collector.appraisal.values import parse_instant
from tests.collector.appraisal.households import BUYER, MAKER, MODEL, SELLER, Json, report, statement, told

POLICY = shipped("2026-11-a")
AT = parse_instant("2026-11-20T12:00:00Z")
BEFORE_SHORTENING, AFTER_SHORTENING = "2026-03-10", "2026-09-10"

LONG = statement("long", MAKER, "2026-01-05", end="2031-12-31")
SHORT = statement("short", MAKER, "2026-06-01", end="2027-06-30", replaces=["long"])


def household(*windows: Json, **sale: Any) -> list[Json]:
    """A camera that was sold, or not."""
    model = told("model", "m", MAKER, "2026-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme")
    bought = {"device": "d1", "seller": "shop", "jurisdiction": "NL", "seller_type": "trader", "buyer_type": "consumer"}
    sold = [told("sale", "s", BUYER, "2026-11-01", **{**bought, **sale})] if sale else []
    return [model, *sold, report("r", "2026-11-20", 1), *windows]


def binding(facts: list[Json], at: datetime = AT, known: datetime = AT) -> dict[str, str]:
    return {each.fact.id: each.binds for each in promises(facts, at, known, POLICY)}


@pytest.mark.parametrize(
    ("windows", "sale", "expected"),
    [
        pytest.param(
            [LONG, SHORT],
            {"contract": BEFORE_SHORTENING},
            {"long": "yes", "short": "after"},
            id="who bought before it was shortened is owed the longer one",
        ),
        pytest.param(
            [LONG, SHORT],
            {"contract": AFTER_SHORTENING},
            {"long": "no", "short": "yes"},
            id="who bought since is owed the shorter one",
        ),
        pytest.param(
            [LONG, SHORT],
            {"contract": {"from": BEFORE_SHORTENING, "to": AFTER_SHORTENING}},
            {"long": "depends", "short": "depends"},
            id="with a vague contract day it depends",
        ),
        pytest.param(
            [LONG, statement("new", SELLER, "2026-01-06", end="2033-12-31", from_contract="2026-06-01")],
            {"contract": BEFORE_SHORTENING},
            {"long": "yes", "new": "no"},
            id="a promise for later contracts only is not this buyer's",
        ),
        pytest.param([LONG, SHORT], {}, {"long": "unsold", "short": "unsold"}, id="without a sale nobody is bound yet"),
        pytest.param(
            [LONG],
            {"contract": BEFORE_SHORTENING, "seller_type": "private"},
            {"long": "unsold"},
            id="a private seller is not bound",
        ),
        pytest.param(
            [LONG, statement("feed", "third_party:feed", "2026-01-05", end="2035-12-31")],
            {"contract": BEFORE_SHORTENING},
            {"long": "yes", "feed": "no"},
            id="a feed binds nobody",
        ),
        pytest.param(
            [statement("feed", "third_party:feed", "2026-01-05", end="2035-12-31")],
            {"contract": BEFORE_SHORTENING},
            {"feed": "no"},
            id="a feed alone binds nobody either",
        ),
        pytest.param(
            [LONG, statement("other", "seller:other", "2026-01-05", end="2040-12-31")],
            {"contract": BEFORE_SHORTENING},
            {"long": "yes"},
            id="what another seller promised to its own buyers is left out",
        ),
        pytest.param(
            [LONG, statement("gone", MAKER, "2026-06-01", withdraw=True, replaces=["long"])],
            {"contract": AFTER_SHORTENING},
            {"long": "no", "gone": "no"},
            id="who bought after a withdrawal was promised nothing",
        ),
        pytest.param(
            [LONG],
            {"contract": BEFORE_SHORTENING, "condition": "used"},
            {"long": "no"},
            id="of used goods the maker's not",
        ),
    ],
)
def test_a_promise_binds_those_who_bought_under_it(windows: list[Json], sale: Json, expected: dict[str, str]) -> None:
    """Earlier buyers by the promise at their contract, later ones by the later."""
    assert binding(household(*windows, **sale)) == expected


def test_what_binds_is_what_the_verdict_rests_on() -> None:
    """The window ends with the promise that the page says binds."""
    for contract, end in ((BEFORE_SHORTENING, "2031-12-31T23:00:00Z"), (AFTER_SHORTENING, "2029-06-30T22:00:00Z")):
        shorter = {**SHORT, "end": "2029-06-30"}
        facts = household(LONG, shorter, contract=contract, delivered=contract, supply="continuous")
        assert appraise(facts, AT, AT, POLICY)["S"].window.end_excl == parse_instant(end)


def test_what_replaces_a_promise_is_named() -> None:
    """And what was not known yet replaces nothing."""
    facts = household(LONG, SHORT, contract=BEFORE_SHORTENING)
    short, long = promises(facts, AT, AT, POLICY)
    assert (short.fact.id, [each.id for each in long.replaced_by], short.replaced_by) == ("short", ["short"], ())
    before = parse_instant("2026-05-31T12:00:00Z")
    (long,) = promises([*facts, report("r0", "2026-05-30", 0)], before, before, POLICY)
    assert long.replaced_by == ()


def test_of_an_unknown_product_no_promise_is_shown() -> None:
    """Nobody knows whose promises they would be."""
    assert promises(household(LONG)[2:], AT, AT, POLICY) == ()
