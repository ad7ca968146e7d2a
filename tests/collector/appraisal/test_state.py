"""Sections 2, 5 and 8: evidence, versions and fixes, where the labelled cases leave a limit untouched."""

from typing import Any

import pytest

from tests.collector.appraisal.households import (
    BUYER,
    MAKER,
    MODEL,
    NOTICE,
    OPERATOR,
    SELLER,
    TOLD,
    advisory,
    release,
    report,
    told,
)
from tests.collector.appraisal.rules import Row, said

DOTTED: dict[str, Any] = {"scheme": "multipart-numeric"}
QUIET: dict[str, Any] = {"adv-1": None, "rel-2": None}


def notice(name: str, day: str, **fields: Any) -> dict[str, Any]:
    return told("notice", name, SELLER, day, **{**NOTICE, **TOLD, "received_at": f"{day}T12:00:00Z", **fields})


EVIDENCE_ROWS = {
    "of two releases that are the same version the smallest string matches": Row(
        otherwise={"model": DOTTED, **QUIET},
        also=[release("short", "1.0", "2025-11-30", retracted_at="2026-05-01T12:00:00Z")],
        says={"S.code": "UP_TO_DATE", "S.flags": ["RETRACTED_INSTALLED"]},
    ),
    "one retracted release of the version left behind explains a rollback": Row(
        otherwise={"model": DOTTED, **QUIET},
        also=[
            report("once", "2026-02-01", 1, version_raw="1.3"),
            release("kept", "1.3.0", "2025-12-15", channel="beta"),
            release("lost", "1.3", "2025-12-15", channel="beta", retracted_at="2026-05-01T12:00:00Z"),
        ],
        says={"S.flags": ["ROLLBACK_VENDOR"]},
    ),
    "an identity seen once only swaps no device": Row(
        otherwise=QUIET,
        also=[report("once", "2026-02-01", 1, version_raw="1.3.0", hw="hw-a")],
        says={"S.flags": ["ROLLBACK_UNEXPLAINED"]},
    ),
    "what was left behind is the newest version ever seen": Row(
        otherwise=QUIET,
        also=[
            report("first", "2026-02-01", 1, version_raw="1.3.0"),
            report("then", "2026-02-02", 2, version_raw="1.2.0"),
            release("lost", "1.3.0", "2025-12-15", channel="beta", retracted_at="2026-05-01T12:00:00Z"),
        ],
        says={"S.flags": ["ROLLBACK_VENDOR"]},
    ),
    "of equal versions left behind the last report tells the identity": Row(
        otherwise=QUIET,
        also=[
            report("first", "2026-02-01", 1, version_raw="1.3.0", hw="hw-a"),
            report("then", "2026-02-02", 2, version_raw="1.3.0", hw="hw-b"),
        ],
        seen={"hw": "hw-a"},
        says={"S.flags": ["ROLLBACK_DEVICE_SWAPPED"]},
    ),
    "a digest names the version left behind as well": Row(
        otherwise={"rel-2": {"digests": ["f" * 64], "fixes": []}, "adv-1": None},
        also=[report("once", "2026-10-01", 1, version_raw="?", digest="f" * 64)],
        says={"S.flags": ["ROLLBACK_UNEXPLAINED", "SECURITY_CONTENT_UNKNOWN"]},
    ),
    "one release in the scheme that was read is enough to look further": Row(
        otherwise={"rel-2": {"scheme": "uint32", "version": "7"}, "adv-1": None},
        seen={"version_raw": "0.9.0"},
        says={"S.code": "FIRMWARE_UNKNOWN", "S.flags": []},
    ),
    "where nothing was read and no digest fits, nothing can be compared": Row(
        seen={"version_raw": None, "digest": "f" * 64},
        says={"S.code": "VERSION_NOT_COMPARABLE", "M.code": "VERSION_NOT_COMPARABLE"},
    ),
    "of a model the maker's entry counts, whoever spoke last": Row(
        also=[
            told("model", "shop", SELLER, "2026-05-01", model=MODEL, ids=["model:CAM-2"], manufacturer="other"),
            told("model", "maker", MAKER, "2025-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme"),
        ],
        says={"M.window.basis": "promise", "S.window.basis": "promise"},
    ),
    "of two entries of one role the later counts": Row(
        otherwise=QUIET,
        also=[release("again", "1.0.0", "2026-05-01") | {"retracted_at": "2026-06-01T12:00:00Z"}],
        says={"S.flags": ["RETRACTED_INSTALLED"]},
    ),
    "what was corrected is gone, though it would govern": Row(
        also=[
            told("sale", "second", BUYER, "2026-04-01", device="d1", seller="shop", transfer="gift", corrects="sale")
        ],
        otherwise={"sale": {"contract": "2026-06-01"}},
        says={"S.code": "NO_SELLER_DUTY", "S.reason": "not_a_sale"},
    ),
    "a correction that was corrected itself has still corrected": Row(
        also=[
            told("sale", "second", BUYER, "2026-04-01", device="d1", seller="shop", corrects="sale"),
            told(
                "sale",
                "third",
                BUYER,
                "2026-05-01",
                device="d1",
                seller="shop",
                corrects="second",
                contract="2025-12-01",
            )
            | {"transfer": "gift"},
        ],
        says={"S.code": "NO_SELLER_DUTY", "S.reason": "not_a_sale"},
    ),
    "another's correction corrects nothing": Row(
        also=[
            told(
                "sale",
                "second",
                "consumer:c2",
                "2026-01-31",
                device="d1",
                seller="x",
                contract="2025-12-01",
                corrects="sale",
            )
        ],
        says={"S.code": "NOTICE_UNPROVEN"},
    ),
}

STATE_ROWS = {
    "a hole that is public some time today is not public yet": Row(
        at="2026-09-01T12:00:00Z",
        says={"S.code": "UP_TO_DATE"},
    ),
    "a fix that was retracted and then taken away was lost when it was retracted": Row(
        otherwise={"rel-2": {"retracted_at": "2026-11-05T12:00:00Z", "gone_at": "2026-11-10T12:00:00Z"}},
        says={"S.code": "SECURITY_FIX_OVERDUE", "S.since": "2026-11-05T12:00:00Z"},
    ),
    "of two fixes that were lost the last loss counts": Row(
        otherwise={"rel-2": {"retracted_at": "2026-11-05T12:00:00Z"}},
        also=[release("rel-3", "1.2.0", "2026-10-01", fixes=["ADV-1"], gone_at="2026-11-10T12:00:00Z")],
        says={"S.code": "SECURITY_FIX_OVERDUE", "S.since": "2026-11-10T12:00:00Z"},
    ),
    "of two notices the first one counts": Row(
        also=[notice("late", "2026-10-25"), notice("early", "2026-10-01")],
        says={"S.code": "CONSUMER_LAG", "S.since": "2026-10-31T23:00:00Z"},
    ),
    "a hole that becomes exploited some time today is not urgent yet": Row(
        otherwise={"adv-1": {"exploited_since": "2026-11-20"}, "rel-2": {"one_click": True}},
        also=[notice("note", "2026-11-05")],
        says={"S.code": "UPDATE_PENDING"},
    ),
    "whether an unlisted release cures may decide": Row(
        otherwise={"adv-1": {"affected": [{"text": "some"}, {"through": "1.0.0"}]}, "rel-2": {"fixes": []}},
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["advisory:ADV-1.fixed_in"]},
    ),
    "ranges of which one cannot be read do not spare a version": Row(
        otherwise={"adv-1": {"affected": [{"before": "1.0.0"}, {"text": "some"}]}},
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["advisory:ADV-1.affected"]},
    ),
    "newer than every fixed version is spared, whatever else cannot be read": Row(
        otherwise={"adv-1": {"affected": [{"text": "some"}], "fixed_in": ["0.8.0", "0.9.0"]}, "rel-2": None},
        says={"S.code": "UP_TO_DATE"},
    ),
    "all parts of a range must hold": Row(
        otherwise={"adv-1": {"affected": [{"from": "0.1.0", "before": "1.0.0"}]}, "rel-2": None},
        says={"S.code": "UP_TO_DATE"},
    ),
    "a range from a version includes it": Row(
        otherwise={"adv-1": {"affected": [{"from": "1.0.0"}], "severity": "low"}, "rel-2": None},
        says={"S.code": "FIX_AWAITED"},
    ),
    "a part that is false outweighs one that cannot be read": Row(
        otherwise={"adv-1": {"affected": [{"text": "some", "before": "1.0.0"}]}, "rel-2": None},
        says={"S.code": "UP_TO_DATE"},
    ),
    "a range that says nothing is Unknown": Row(
        otherwise={"adv-1": {"affected": [{}]}, "rel-2": None},
        says={"S.code": "INSUFFICIENT_EVIDENCE"},
    ),
    "where versions have no order another name is not the one that is affected": Row(
        otherwise={"model": {"scheme": "opaque"}, "adv-1": {"affected": [{"exact": "amber"}]}, "rel-2": None},
        says={"S.code": "UP_TO_DATE"},
    ),
    "where versions have no order the same name is": Row(
        otherwise={"model": {"scheme": "opaque"}, "adv-1": {"affected": [{"exact": " 1.0.0"}]}, "rel-2": None},
        says={"S.code": "SECURITY_FIX_OVERDUE"},
    ),
    "where versions have no order nothing lies before or after a name": Row(
        otherwise={"model": {"scheme": "opaque"}, "adv-1": {"affected": [{"through": "amber"}]}, "rel-2": None},
        says={"S.code": "INSUFFICIENT_EVIDENCE", "S.missing": ["advisory:ADV-1.affected"]},
    ),
    "the lowest hardware revision fits": Row(
        otherwise={"rel-2": {"hw_min": 3}},
        seen={"hw_revision": 3},
        says={"S.code": "NOTICE_UNPROVEN"},
    ),
    "the highest hardware revision fits": Row(
        otherwise={"rel-2": {"hw_max": 3}},
        seen={"hw_revision": 3},
        says={"S.code": "NOTICE_UNPROVEN"},
    ),
    "a phone's months count from the last day of the month of the release": Row(
        otherwise={"model": {"class": "phone"}, "adv-1": {"os_release": "2026-10"}, "rel-2": None},
        at="2027-02-28T22:59:59Z",
        says={"M.code": "FIX_AWAITED", "S.code": "SECURITY_FIX_OVERDUE"},
    ),
    "the source for phones is named only where such an advisory is meant": Row(
        otherwise={"model": {"class": "phone"}, "rel-2": None},
        also=[advisory("adv-2", os_release="2026-10", affected=[{"before": "0.1.0"}])],
        says={"M.basis": ["CRA annex I part II (2)", "policy fix_due_days", "public statement of the manufacturer"]},
    ),
    "one such advisory among those meant is enough": Row(
        otherwise={"model": {"class": "phone"}, "rel-2": None},
        also=[advisory("adv-2", os_release="2026-03")],
        says={
            "M.about": ["ADV-1", "ADV-2"],
            "M.basis": [
                "2023/1670 annex II B 1.2(6) [unconfirmed]",
                "CRA annex I part II (2)",
                "policy fix_due_days",
                "public statement of the manufacturer",
            ],
        },
    ),
    "a paid fix is not free since the first of them": Row(
        otherwise={"rel-2": {"price": "paid"}},
        also=[release("rel-3", "1.2.0", "2026-10-10", fixes=["ADV-1"], price="paid")],
        says={"S.code": "FIX_NOT_FREE", "S.since": "2026-09-27T21:59:59Z"},
    ),
    "one free fix among paid ones is enough": Row(
        otherwise={"rel-2": {"price": "paid"}},
        also=[release("rel-3", "1.2.0", "2026-10-10", fixes=["ADV-1"])],
        says={"S.code": "NOTICE_UNPROVEN", "S.since": "2026-11-09T23:00:00Z"},
    ),
    "the grace of the first fix counts": Row(
        also=[release("rel-3", "1.2.0", "2026-11-10", fixes=["ADV-1"])],
        seen={"offer": {"result": "none"}},
        says={"S.code": "FIX_NOT_DELIVERED", "S.since": "2026-10-27T23:00:00Z"},
    ),
    "security releases without an advisory are about the first of them": Row(
        otherwise=QUIET,
        also=[
            release("b", "1.2.0", "2026-10-10", security=True),
            release("a", "1.1.0", "2026-10-10", security=True),
            release("c", "1.3.0", "2026-10-09", fixes=["UNHEARD-OF"]),
        ],
        says={"S.code": "NOTICE_UNPROVEN", "S.about": ["release:1.3.0"], "S.since": "2026-11-08T23:00:00Z"},
    ),
    "of those out at once the smallest string": Row(
        otherwise=QUIET,
        also=[release("b", "1.2.0", "2026-10-10", security=True), release("a", "1.1.0", "2026-10-10", security=True)],
        says={"S.about": ["release:1.1.0"]},
    ),
    "a release that fixes nothing but an advisory on record is not judged without it": Row(
        otherwise={"adv-1": {"affected": [{"before": "1.0.0"}]}, "rel-2": {"security": True}},
        says={"S.code": "FUNCTIONAL_UPDATE_PENDING", "S.flags": []},
    ),
    "one newer release of unknown content is enough to say so": Row(
        otherwise={"adv-1": None, "rel-2": {"fixes": [], "security": False}},
        also=[release("rel-3", "1.2.0", "2026-10-10")],
        says={"S.about": ["release:1.1.0", "release:1.2.0"], "S.flags": ["SECURITY_CONTENT_UNKNOWN"]},
    ),
    "a hole elsewhere fixed and then refused is refused, with a flag": Row(
        otherwise={"adv-1": {"no_fix": "no_fix_planned"}, "rel-2": {"regions": ["US"]}},
        says={"S.code": "SUPPORT_DENIED_IN_WINDOW", "S.flags": ["FIX_ELSEWHERE"]},
    ),
    "a fix for this device needs no word about others": Row(
        also=[release("rel-3", "1.2.0", "2026-10-10", fixes=["ADV-1"], regions=["US"])],
        says={"S.code": "NOTICE_UNPROVEN", "S.flags": []},
    ),
}

CRA_ROWS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "an update of the first second of the window must be kept": (
        {"available_from": "2027-12-10T23:00:00Z"},
        "2034-06-01T12:00:00Z",
        ["FIX_WITHDRAWN", "NO_END_NOTICE"],
    ),
    "an update from before the window need not": (
        {"available_from": "2027-12-10T22:59:59Z"},
        "2034-06-01T12:00:00Z",
        ["NO_END_NOTICE"],
    ),
    "an update from after the window need not": (
        {"available_from": "2033-03-31T22:00:00Z"},
        "2034-06-01T12:00:00Z",
        ["NO_END_NOTICE"],
    ),
    "an update that says nothing of security need not": (
        {"available_from": "2028-04-15", "security": None},
        "2034-06-01T12:00:00Z",
        ["NO_END_NOTICE"],
    ),
    "ten years are counted from its latest possible second": (
        {"available_from": "2028-04-15"},
        "2038-04-15T21:59:59Z",
        ["FIX_WITHDRAWN", "NO_END_NOTICE"],
    ),
    "after ten years it may go": (
        {"available_from": "2028-04-15"},
        "2038-04-15T22:00:00Z",
        ["NO_END_NOTICE"],
    ),
}


@pytest.mark.parametrize("row", EVIDENCE_ROWS.values(), ids=EVIDENCE_ROWS)
def test_evidence_and_records(row: Row) -> None:
    """E1 to E3, K2, K4, and the flags of the device."""
    assert said(row) == row.says


@pytest.mark.parametrize("row", STATE_ROWS.values(), ids=STATE_ROWS)
def test_state(row: Row) -> None:
    """V1 to V10."""
    assert said(row) == row.says


@pytest.mark.parametrize(("update", "at", "flags"), CRA_ROWS.values(), ids=CRA_ROWS)
def test_updates_that_must_be_kept(update: dict[str, Any], at: str, flags: list[str]) -> None:
    """F-withdrawn: placed on 11 December 2027, promised until March 2033; the update went in January 2034."""
    taken = {"security": True, "gone_at": "2034-01-01T12:00:00Z", "fixes": [], **update}
    row = Row(
        otherwise={
            "adv-1": None,
            "unit": {"placed": "2027-12-11"},
            "promise": {"end": "2033-03-31"},
            "rel-2": taken,
        },
        at=at,
        says={"M.code": "SUPPORT_ENDED", "M.flags": flags},
    )
    assert said(row) == row.says


def test_a_word_about_an_update_announces_no_end() -> None:
    """F-end: only the maker's notice of the end of support does."""
    under_cra: dict[str, Any] = {"adv-1": None, "rel-2": None, "unit": {"placed": "2027-12-11"}}
    at = "2034-01-01T12:00:00Z"
    for also, flags in (
        ([notice("update", "2032-01-01") | {"issuer": MAKER}], ["NO_END_NOTICE"]),
        ([notice("shop", "2032-01-01", topic="end_of_support")], ["NO_END_NOTICE"]),
        ([notice("end", "2032-01-01", topic="end_of_support") | {"issuer": MAKER}], []),
        (
            [notice("unread", "2032-01-01", topic="end_of_support") | {"issuer": MAKER, "received_at": None}],
            ["NO_END_NOTICE"],
        ),
    ):
        row = Row(otherwise=under_cra, also=also, at=at, says={"M.code": "SUPPORT_ENDED", "M.flags": flags})
        assert said(row) == row.says


def test_operators_are_not_the_debtor_who_refuses() -> None:
    """V3: B only from the maker, on S also from the seller; M is A before the CRA in any case."""
    for issuer, level in ((MAKER, "B"), (SELLER, "B"), ("seller:other", "A"), (OPERATOR, "A")):
        refused = {"issuer": issuer, "no_fix": "no_fix_planned"}
        says = {"S.code": "SUPPORT_DENIED_IN_WINDOW", "S.level": level, "M.level": "A"}
        assert said(Row(otherwise={"adv-1": refused, "rel-2": None}, says=says)) == says
