"""Sections 4, 6 and 7: promises, floors, waivers and days, where the labelled cases leave a limit untouched."""

from datetime import date
from typing import Any

import msgspec
import pytest

from tests.collector.appraisal.households import BUYER, MAKER, SELLER, deposit, report, statement, told
from tests.collector.appraisal.rules import POLICY, Row, said

CONTINUOUS = {"supply": "continuous"}
GERMAN = {"jurisdiction": "DE", "supply": "continuous", "contract": "2026-08-03", "delivered": "2026-08-05"}
NOTHING_PROMISED: dict[str, Any] = {"promise": None}
WAIVED = [deposit("w1", SELLER), deposit("w2", BUYER)]
REGISTER = msgspec.structs.replace(POLICY, register_from=date(2026, 3, 10))

SELLER_ROWS = {
    "a miss that only the statute covers is a breach, though a shorter promise was made": Row(
        otherwise={
            "sale": CONTINUOUS,
            "promise": {"end": "2026-12-31"},
            "adv-1": {"public_since": "2027-02-01"},
            "rel-2": None,
        },
        at="2027-06-01T12:00:00Z",
        says={"S.code": "SECURITY_FIX_OVERDUE", "S.level": "B", "S.window.basis": "statute"},
    ),
    "used goods may have been reported by the owner before": Row(
        otherwise={
            "model": {"general_availability": "2026-03-12"},
            "sale": {"contract": None, "delivered": None, "condition": "used"},
        },
        also=[report("once", "2026-01-31", 1)],
        says={"S.code": "NOTICE_UNPROVEN"},
    ),
    "new goods may not": Row(
        otherwise={
            "model": {"general_availability": "2026-03-12"},
            "sale": {"contract": None, "delivered": None},
        },
        also=[report("once", "2026-01-31", 1)],
        says={
            "S.code": "INSUFFICIENT_EVIDENCE",
            "S.missing": ["sale.contract", "sale.delivered"],
            "S.flags": ["DATES_CONTRADICT"],
        },
    ),
    "new goods were delivered by their first report": Row(
        otherwise={"promise": None, "adv-1": None, "rel-2": None, "sale": CONTINUOUS | {"delivered": None}},
        also=[report("once", "2026-03-12", 1)],
        at="2028-03-13T00:00:00Z",
        says={"S.code": "SUPPORT_ENDED", "S.since": "2028-03-12T23:00:00Z"},
    ),
    "used goods may have been delivered thirty days after the contract": Row(
        otherwise={
            "promise": None,
            "adv-1": None,
            "rel-2": None,
            "sale": CONTINUOUS | {"delivered": None, "condition": "used"},
        },
        also=[report("once", "2026-03-12", 1)],
        at="2028-03-13T00:00:00Z",
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["sale.delivered"]},
    ),
    "a repair in a month does not count before the month's last day": Row(
        otherwise={"sale": GERMAN | {"repaired_at": "2026-10"}, "promise": None},
        at="2026-10-30T22:59:59Z",
        says={"S.window.end_excl": "2028-08-05T22:00:00Z"},
    ),
    "a repair in a month counts from the month's last day": Row(
        otherwise={"sale": GERMAN | {"repaired_at": "2026-10"}, "promise": None},
        at="2026-10-30T23:00:00Z",
        says={"S.window.end_excl": "2029-08-05T22:00:00Z"},
    ),
    "a contract of the first day of the repair rule has the repair year": Row(
        otherwise={
            "sale": GERMAN | {"contract": "2026-07-31", "delivered": "2026-07-31", "repaired_at": "2026-09-01"},
            "promise": None,
        },
        says={"S.window.end_excl": "2029-07-31T22:00:00Z"},
    ),
    "a repair adds nothing to what may be expected": Row(
        otherwise={"sale": GERMAN | {"supply": "single", "repaired_at": "2026-09-01"}, "promise": None},
        says={
            "S.window.end_excl": "2031-08-05T22:00:00Z",
            "S.basis": [
                "2011/83 art. 6(1)(lc) [unconfirmed]",
                "2019/771 art. 7(3)",
                "2019/771 art. 7(3)(a)",
                "2019/771 art. 7(4) [unconfirmed]",
                "2019/771 recital 31 [unconfirmed]",
                "policy expectation_months",
                "policy reasonable_days",
            ],
        },
    ),
    "used goods without an agreed term have the statutory months": Row(
        otherwise={"sale": {"condition": "used"}},
        says={"S.window.end_excl": "2028-03-12T23:00:00Z", "S.window.basis": "expectation"},
    ),
    "an agreed term longer than the statutory one changes nothing": Row(
        otherwise={"sale": {"condition": "used", "liability_months": 36}},
        says={"S.window.end_excl": "2028-03-12T23:00:00Z"},
    ),
    "with a known delivery the contract is at most thirty days older": Row(
        otherwise={
            "promise": None,
            "sale": {"contract": None, "delivered": "2026-03-29", "recorded_at": "2026-04-02T12:00:00Z"},
        },
        also=[
            statement("word", SELLER, "2025-11-30", end="2033-12-31"),
            statement("back", SELLER, "2026-02-15", withdraw=True, replaces=["word"]),
        ],
        says={"S.window.end_excl": "2031-03-29T23:00:00Z", "S.window.basis": "expectation"},
    ),
    "an unknown contract is not younger than its record": Row(
        otherwise={"promise": None, "sale": {"contract": None, "delivered": "2026-03-29"}},
        also=[statement("word", SELLER, "2026-03-20", end="2033-12-31")],
        says={"S.window.end_excl": "2031-03-29T23:00:00Z", "S.window.extended_end_excl": "2033-12-31T23:00:00Z"},
    ),
    "a model that came out in a month may have been bought from its first day": Row(
        otherwise={"model": {"general_availability": "2026-03"}, "sale": {"contract": None, "delivered": None}},
        says={"S.code": "NOTICE_UNPROVEN"},
    ),
    "a promise to the very day that may be expected is not short": Row(
        otherwise={"promise": {"end": "2031-03-12"}},
        says={"S.window_finding": None, "S.window.basis": "promise"},
    ),
    "of a statement that was replaced twice the earlier replacement counts": Row(
        also=[
            statement("one", MAKER, "2026-02-01", end="2029-12-31", replaces=["promise"]),
            statement("two", MAKER, "2026-05-01", end="2030-12-31", replaces=["promise"]),
        ],
        says={"S.window.basis": "expectation", "S.window_finding.code": "WINDOW_BELOW_EXPECTATION"},
    ),
    "a replacement dated back works from its recording": Row(
        also=[
            statement("one", MAKER, "2026-05-01", end="2029-12-31", replaces=["promise"])
            | {"asserted_at": "2026-02-01T12:00:00Z"}
        ],
        says={"S.window.end_excl": "2031-03-31T22:00:00Z", "S.window.basis": "promise"},
    ),
    "a replacement dated ahead works from its date": Row(
        also=[
            statement("one", MAKER, "2026-02-01", end="2029-12-31", replaces=["promise"])
            | {"asserted_at": "2026-05-01T12:00:00Z"}
        ],
        says={"S.window.end_excl": "2031-03-31T22:00:00Z", "S.flags": ["WINDOW_SHORTENED_LATER"]},
    ),
    "a statement for contracts from a month holds from the month's first day": Row(
        also=[statement("word", SELLER, "2026-01-31", end="2033-12-31", from_contract="2026-03")],
        says={"S.window.end_excl": "2033-12-31T23:00:00Z"},
    ),
    "a later statement of the same end neither shortens nor extends": Row(
        also=[statement("word", SELLER, "2026-05-01", end="2031-03-31")],
        says={"S.window.extended_end_excl": None, "S.flags": []},
    ),
    "one statement to be announced among others leaves the end open": Row(
        also=[statement("word", SELLER, "2026-01-31", end="tba")],
        says={"S.window.end_excl": None, "S.window.start": "2026-03-11T23:00:00Z", "S.flags": ["WINDOW_TBA"]},
    ),
    "one period from placing among other statements asks for the placing day": Row(
        otherwise={"unit": {"placed": "2026-01"}},
        also=[statement("word", SELLER, "2026-01-31", end={"months": 72, "from": "placing"})],
        says={"S.window.end_excl": None, "S.window.basis": "promise"},
    ),
    "where only the contract day decides but the delivery hangs on it, both are missing": Row(
        otherwise={
            "model": {"general_availability": "2022-01-01"},
            "sale": {"contract": {"from": "2022-04-26", "to": "2022-04-27"}, "delivered": None},
        },
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["sale.contract", "sale.delivered"]},
    ),
    "of several possible deliveries the latest start bounds the since": Row(
        otherwise={"sale": {"delivered": {"from": "2026-03-12", "to": "2026-10-29"}}},
        says={"S.code": "NOTICE_UNPROVEN", "S.since": "2026-10-28T23:00:00Z", "S.window.start": None},
    ),
    "of two sales the later contract governs": Row(
        also=[told("sale", "resale", BUYER, "2026-03-12", device="d1", seller="other", contract="2026-05-01")],
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["sale.jurisdiction"]},
    ),
    "nobody is found silent on the day before the register began": Row(
        otherwise=NOTHING_PROMISED | {"sale": {"contract": "2026-03-09"}},
        policy=REGISTER,
        says={"S.window_finding": None, "S.flags": ["BEFORE_REGISTER"]},
    ),
    "on the day on which the register began silence is found": Row(
        otherwise=NOTHING_PROMISED,
        policy=REGISTER,
        says={"S.window_finding": {"code": "WINDOW_MISSING", "level": "A"}, "S.flags": []},
    ),
    "a party that ceased in a month is there until its end": Row(
        also=[told("party", "party", "operator:o", "2026-11-01", party=SELLER, ceased="2026-11")],
        says={"S.flags": []},
    ),
}

MAKER_ROWS = {
    "an unknown placing day was the sale's at the latest, and the promise is judged there": Row(
        otherwise={"unit": None, "promise": {"recorded_at": "2026-02-15T12:00:00Z"}},
        says={
            "M.window": {
                "start": None,
                "end_excl": "2031-03-31T22:00:00Z",
                "extended_end_excl": None,
                "basis": "promise",
            }
        },
    ),
    "of a vague contract the last day bounds the placing": Row(
        otherwise={
            "unit": None,
            "promise": {"recorded_at": "2026-02-15T12:00:00Z"},
            "sale": {"contract": {"from": "2025-12-01", "to": "2026-03-10"}},
        },
        says={"M.window.end_excl": "2031-03-31T22:00:00Z", "M.window.basis": "promise"},
    ),
    "a promise to the very day of the floor is not short": Row(
        otherwise={"unit": {"placed": "2027-12-11"}, "promise": {"end": "2032-12-11"}},
        at="2028-06-01T12:00:00Z",
        says={"M.window_finding": None, "M.window.basis": "promise"},
    ),
    "a statement that was live within the month of placing leaves the placing day to decide": Row(
        otherwise={"unit": {"placed": "2026-01"}, "promise": {"recorded_at": "2026-01-10T12:00:00Z"}},
        also=[statement("back", MAKER, "2026-01-20", withdraw=True, replaces=["promise"])],
        says={"M.code": "INSUFFICIENT_EVIDENCE", "M.missing": ["unit.placed"]},
    ),
    "what was said on the placing day is no later statement": Row(
        also=[statement("word", MAKER, "2026-01-31", end="2029-12-31")],
        says={"M.flags": [], "M.window.end_excl": "2031-03-31T22:00:00Z"},
    ),
    "a placing on the day on which the register began can be found silent": Row(
        otherwise=NOTHING_PROMISED | {"unit": {"placed": "2026-03-10"}},
        policy=REGISTER,
        says={"M.window_finding": {"code": "WINDOW_MISSING", "level": "A"}, "M.flags": []},
    ),
    "a British contract of the first day of the rule is silent as a breach": Row(
        otherwise=NOTHING_PROMISED
        | {
            "model": {"general_availability": "2024-02-29"},
            "unit": {"market": "GB", "placed": "2024-03-01"},
            "sale": {"jurisdiction": "GB", "contract": "2024-04-29", "delivered": "2024-04-29"},
        },
        says={"M.window_finding": {"code": "WINDOW_MISSING", "level": "B"}},
    ),
    "the first of two sales tells when the unit was bought": Row(
        otherwise={"promise": {"end": {"months": 12, "from": "purchase"}}},
        also=[told("sale", "resale", BUYER, "2026-06-01", device="d1", seller="other", contract="2026-05-01")],
        says={"M.window.end_excl": "2027-03-10T23:00:00Z"},
    ),
    "of two records of a unit the later one counts": Row(
        also=[told("unit", "again", "operator:o", "2026-02-10", device="d1", placed="2026-02-01", market="NL")],
        says={"M.window.start": "2026-01-31T23:00:00Z"},
    ),
}


@pytest.mark.parametrize("row", SELLER_ROWS.values(), ids=SELLER_ROWS)
def test_the_window_of_a_seller(row: Row) -> None:
    """T1, S1 to S7, C1."""
    assert said(row) == row.says


@pytest.mark.parametrize("row", MAKER_ROWS.values(), ids=MAKER_ROWS)
def test_the_window_of_a_maker(row: Row) -> None:
    """M1, M2, M4, C1."""
    assert said(row) == row.says


@pytest.mark.parametrize(
    ("sentence", "differs", "flag"),
    [
        ("accepted on another day in one copy", {"accepted_at": "2026-03-11T10:00:00Z"}, "WAIVER_LATE"),
        ("about something else in one copy", {"subject": "warranty"}, "WAIVER_UNSPECIFIC"),
        ("of another seller in one copy", {"seller": "other"}, "WAIVER_UNSPECIFIC"),
        ("part of other terms in one copy", {"separate": False}, "WAIVER_BUNDLED"),
        ("shown too late in one copy", {"shown_at": "2026-03-10T10:00:01Z"}, "WAIVER_UNSPECIFIC"),
        ("signed by another in one copy", {"signer": "clerk"}, "WAIVER_IDENTITY"),
        ("ticked beforehand in one copy", {"preticked": True}, "WAIVER_IDENTITY"),
        ("not said to be unticked in one copy", {"preticked": None}, "WAIVER_IDENTITY"),
        ("reaching too far in one copy", {"excludes": ["cra"]}, "WAIVER_VOID_SCOPE"),
    ],
)
def test_a_test_of_a_waiver_fails_if_it_fails_in_one_copy(sentence: str, differs: dict[str, Any], flag: str) -> None:
    """Copies that differ are one-sided as well (W5)."""
    assert sentence
    row = Row(
        otherwise=NOTHING_PROMISED,
        also=[WAIVED[0], WAIVED[1] | differs],
        says={"S.flags": sorted([flag, "WAIVER_ONE_SIDED"]), "S.window.basis": "expectation"},
    )
    assert said(row) == row.says


WAIVER_ROWS = {
    "a month that a waiver keeps ends with its last day": Row(
        otherwise=NOTHING_PROMISED,
        also=[each | {"until": "2026-12"} for each in WAIVED],
        says={"S.window.end_excl": "2026-12-31T23:00:00Z", "S.window.basis": "waiver", "S.flags": ["WAIVER_VALID"]},
    ),
    "of two valid waivers the one that keeps longer counts": Row(
        otherwise=NOTHING_PROMISED,
        also=[
            each
            | {
                "id": f"{each['id']}-{until}",
                "until": until,
                **dict.fromkeys(("document_digest", "signed_digest", "shown_digest"), until),
            }
            for until in ("2027-06-30", "2026-12-31")
            for each in WAIVED
        ],
        says={"S.window.end_excl": "2027-06-30T22:00:00Z"},
    ),
    "a copy deposited in the last second of the three days is in time": Row(
        otherwise=NOTHING_PROMISED,
        also=[WAIVED[0], WAIVED[1] | {"recorded_at": "2026-03-13T23:00:00Z"}],
        says={"S.code": "NO_SELLER_DUTY", "S.reason": "waived", "S.flags": ["WAIVER_VALID"]},
    ),
    "a copy deposited a second later is not": Row(
        otherwise=NOTHING_PROMISED,
        also=[WAIVED[0], WAIVED[1] | {"recorded_at": "2026-03-13T23:00:01Z"}],
        says={"S.flags": ["WAIVER_ONE_SIDED"]},
    ),
    "a later, different copy takes nothing from two that agree": Row(
        otherwise=NOTHING_PROMISED,
        also=[*WAIVED, WAIVED[1] | {"id": "w3", "recorded_at": "2026-09-01T12:00:00Z", "until": "2031-12-31"}],
        says={"S.code": "NO_SELLER_DUTY", "S.flags": ["WAIVER_VALID"]},
    ),
    "without a contract day no waiver can be tested": Row(
        otherwise=NOTHING_PROMISED | {"sale": {"contract": None}},
        also=WAIVED,
        says={"S.flags": ["WAIVER_LATE", "WAIVER_ONE_SIDED"]},
    ),
    "a waiver and a failed one are both shown, and the valid one counts": Row(
        otherwise=NOTHING_PROMISED,
        also=[*WAIVED, deposit("w3", SELLER) | {"document_digest": "d" * 64}],
        says={
            "S.code": "NO_SELLER_DUTY",
            "S.flags": ["WAIVER_BUNDLED", "WAIVER_ONE_SIDED", "WAIVER_UNSPECIFIC", "WAIVER_VALID"],
        },
    ),
}


@pytest.mark.parametrize("row", WAIVER_ROWS.values(), ids=WAIVER_ROWS)
def test_waivers(row: Row) -> None:
    """S3, W1 to W7."""
    assert said(row) == row.says
