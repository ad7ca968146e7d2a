"""What holds whatever was recorded (law.md 8.11, as appraisal.md restates it)."""

import time
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from collector.appraisal import Verdict, appraise, next_boundary
from collector.appraisal.codes import SUPPLY, Code, Flag, Level
from collector.appraisal.policies import shipped
from tests.collector.appraisal.households import (
    AFTER,
    DAYS,
    ENDS,
    INTERVALS,
    MAKER,
    SELLER,
    Household,
    Json,
    deposit,
    households,
    statement,
)

POLICY = shipped("2026-11-a")
often = settings(max_examples=100, deadline=None)
AFTERWARDS = st.sampled_from(["2026-03-13", *AFTER])


def judged(household: Household, **numbers: Any) -> dict[str, Verdict]:
    policy = msgspec.structs.replace(POLICY, **numbers) if numbers else POLICY
    verdicts = appraise(household.facts, household.at, household.known, policy)
    return {"S": verdicts["S"], "M": verdicts["M"]}


def filled(household: Household, kind: str, **fields: Any) -> Household:
    """The same with fields of every fact of a kind set."""
    return household.having([each | fields if each["kind"] == kind else each for each in household.facts])


def without(verdict: Verdict, flag: Flag) -> Verdict:
    return msgspec.structs.replace(verdict, flags=tuple(each for each in verdict.flags if each != flag))


@often
@given(households(), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(household: Household, random: Any) -> None:
    """The same facts in another order give the same bytes."""
    shuffled = list(household.facts)
    random.shuffle(shuffled)
    assert msgspec.json.encode(judged(household.having(shuffled))) == msgspec.json.encode(judged(household))


@often
@given(households(), st.sampled_from(["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"]))
def test_the_zone_of_the_process_does_not_matter(household: Household, zone: str) -> None:
    """Legal days are those of the law, not of the machine."""
    before = judged(household)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert judged(household) == before
    time.tzset()


@settings(often, max_examples=250)
@given(households(), st.integers(0, 10**6), st.booleans())
def test_until_the_next_boundary_nothing_changes(household: Household, part: int, last: bool) -> None:
    """Between the judged instant and the boundary every verdict is the same, up to the last second."""
    boundary = next_boundary(household.facts, household.at, household.known, POLICY)
    end = boundary or household.at + timedelta(days=40000)
    assert end > household.at
    seconds = int((end - household.at).total_seconds()) - 1
    later = household.at + timedelta(seconds=seconds if last else part * seconds // 10**6)
    assert judged(Household(household.facts, later, household.known)) == judged(household)


@often
@given(households(), st.sampled_from(AFTER), st.sampled_from([12, 60, 240]))
def test_the_seller_is_judged_by_no_date_of_the_cyber_resilience_act(
    household: Household, cra_from: str, months: int
) -> None:
    """T0: other numbers of the CRA leave S byte for byte the same."""
    other = judged(household, cra_from=date.fromisoformat(cra_from), cra_min_months=months, cra_keep_months=months)
    assert other["S"] == judged(household)["S"]


@often
@given(households(), st.sampled_from([None, *DAYS]))
def test_the_maker_is_judged_by_no_delivery_day(household: Household, delivered: str | None) -> None:
    """T0: another delivery day, or none, leaves M byte for byte the same."""
    assert judged(filled(household, "sale", delivered=delivered))["M"] == judged(household)["M"]


@often
@given(
    households(),
    st.sampled_from(
        [
            ("sale", "seller_type", "trader", "private"),
            ("sale", "buyer_type", "consumer", "business"),
            ("sale", "supply", "single", "continuous"),
            ("advisory", "severity", "critical", "low"),
            ("advisory", "severity", "high", "medium"),
            ("report", "hw_revision", 1, 2),
            ("report", "hw_revision", 3, 4),
        ]
    ),
)
def test_filling_in_an_unknown_word_never_changes_a_decided_code(
    household: Household, word: tuple[str, str, Any, Any]
) -> None:
    """What is decided is decided whatever the word turns out to be, and a breach never rests on a missing fact."""
    kind, name, *values = word
    before = judged(filled(household, kind, **{name: None}))
    for value in values:
        after = judged(filled(household, kind, **{name: value}))
        for track in ("S", "M"):
            event(f"{name}: {before[track].code}")
            if before[track].code is not Code.INSUFFICIENT_EVIDENCE:
                assert after[track].code == before[track].code
                assert before[track].level is not Level.BREACH or after[track].level is Level.BREACH


one_sale = households("waiver", "sale")


@settings(often, max_examples=250)
@given(
    one_sale,
    st.sampled_from(["contract", "delivered"]),
    st.sampled_from(INTERVALS),
    st.integers(0, 100),
)
def test_filling_in_a_day_never_changes_a_decided_code(
    household: Household, name: str, span: dict[str, str], percent: int
) -> None:
    """A contract or delivery day made precise leaves a decided code; a waiver would be the exception (Decision 15)."""
    first, last = date.fromisoformat(span["from"]), date.fromisoformat(span["to"])
    day = (first + (last - first) * percent / 100).isoformat()
    before = judged(filled(household, "sale", **{name: span}))["S"]
    after = judged(filled(household, "sale", **{name: day}))["S"]
    event(before.code)
    impossible = Flag.DATES_CONTRADICT in after.flags or "sale" in after.missing
    if not impossible and before.code is not Code.INSUFFICIENT_EVIDENCE:
        assert after.code == before.code


@often
@given(one_sale, AFTERWARDS, st.sampled_from([MAKER, SELLER]))
def test_shortening_a_promise_after_the_contract_is_harmless(household: Household, day: str, issuer: str) -> None:
    """A later, shorter statement leaves the seller's verdict as it was, but for its flag."""
    sold = filled(household, "sale", contract="2026-03-10")
    before = judged(sold)["S"]
    assume(before.window.end_excl is not None)
    after = judged(sold.having([*sold.facts, statement("new", issuer, day, end="2026-03-20")]))["S"]
    assert without(after, Flag.WINDOW_SHORTENED_LATER) == without(before, Flag.WINDOW_SHORTENED_LATER)


@often
@given(one_sale, AFTERWARDS, st.sampled_from([*ENDS, "2060-12-31"]), st.sampled_from([MAKER, SELLER]))
def test_extending_a_promise_never_harms_the_consumer(household: Household, day: str, end: str, issuer: str) -> None:
    """A later statement takes away no end and cures no miss; it can only add to the extended end."""
    sold = filled(household, "sale", contract="2026-03-10")
    before = judged(sold)["S"]
    after = judged(sold.having([*sold.facts, statement("new", issuer, day, end=end)]))["S"]
    assert after.window.end_excl == before.window.end_excl
    if before.code in SUPPLY:
        assert (after.code, after.level, after.since) == (before.code, before.level, before.since)
    if before.window.extended_end_excl is not None and after.window.extended_end_excl is not None:
        assert after.window.extended_end_excl >= before.window.extended_end_excl


DEPOSITED = ["2026-03-10T10:05:00Z", "2026-03-12T12:00:00Z", "2026-03-13T23:00:00Z", "2026-03-13T23:00:01Z"]


@often
@given(one_sale, st.tuples(st.sampled_from(DEPOSITED), st.sampled_from(DEPOSITED)))
def test_it_does_not_matter_which_side_deposits_a_waiver_first(household: Household, when: tuple[str, str]) -> None:
    """W5 looks at both deposits alike; without either of them the waiver is one-sided."""
    seller, buyer = deposit("waiver-1", SELLER), deposit("waiver-2", "consumer:c1")

    def with_deposits(*recorded: tuple[Json, str]) -> Verdict:
        deposits = [each | {"recorded_at": at} for each, at in recorded]
        all_known = household.at + timedelta(days=60)
        return judged(Household([*household.facts, *deposits], household.at, all_known))["S"]

    both = with_deposits((seller, when[0]), (buyer, when[1]))
    assert with_deposits((seller, when[1]), (buyer, when[0])) == both
    if any(flag.startswith("WAIVER_") for flag in both.flags):
        for alone in (with_deposits((seller, when[0])), with_deposits((buyer, when[1]))):
            assert Flag.WAIVER_ONE_SIDED in alone.flags
            assert Flag.WAIVER_VALID not in alone.flags


@often
@given(households())
def test_without_the_notice_a_lagging_consumer_is_one_who_was_not_told(household: Household) -> None:
    """Deleting the notices turns CONSUMER_LAG into NOTICE_UNPROVEN, never into an all-clear."""
    before, after = judged(household), judged(household.having(household.without("notice")))
    for track in ("S", "M"):
        if before[track].code is Code.CONSUMER_LAG:
            assert after[track].code is Code.NOTICE_UNPROVEN


@often
@given(households())
def test_a_verdict_says_what_its_form_allows(household: Household) -> None:
    """Section 3: what is null or empty for which level and code; lists are sorted and free of duplicates."""
    for verdict in judged(household).values():
        dated = verdict.level in (Level.BREACH, Level.QUESTION, Level.CONSUMER) or verdict.code is Code.SUPPORT_ENDED
        assert (verdict.since is not None) == dated
        assert (verdict.missing != ()) == (verdict.code is Code.INSUFFICIENT_EVIDENCE)
        assert verdict.reason is None or verdict.code in (Code.NO_SELLER_DUTY, Code.NO_MAKER_DUTY)
        for listed in (verdict.about, verdict.flags, verdict.missing, verdict.basis):
            assert list(listed) == sorted(set(listed))


@often
@given(households())
def test_a_verdict_survives_its_json(household: Household) -> None:
    """A stored verdict is read back as the verdict that it was, and says the same bytes."""
    for verdict in judged(household).values():
        again = msgspec.json.decode(verdict.to_json(), type=Verdict)
        assert again == verdict
        assert again.to_json() == verdict.to_json()
