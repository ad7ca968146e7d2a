"""Section 11: one model in many homes."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.appraisal import CaseError, FactError, FleetVerdict, appraise_fleet
from collector.appraisal.policies import shipped
from tests.collector.appraisal.households import (
    MAKER,
    MODEL,
    NOTICE,
    OPERATOR,
    ORDINARY,
    SELLER,
    TOLD,
    Json,
    deposit,
    release,
    report,
    statement,
    told,
)

AT = datetime.fromisoformat("2026-12-20T12:00:00+00:00")
POLICY = shipped("2026-11-a")
OWN = [fact for fact in ORDINARY if fact["kind"] in ("unit", "sale")]
SHARED = [fact for fact in ORDINARY if fact["kind"] == "model"] + [
    statement("promise", MAKER, "2025-11-30", end="2033-12-31"),
    release("rel-1", "1.0.0", "2025-11-30"),
]
NEW = release("rel-2", "1.1.0", "2026-09-01", security=False)


def home(version: str = "1.0.0", *also: Json, repeat: int = 1, **fields: Any) -> Json:
    """Homes of one device that reported a day ago."""
    facts = [*OWN, *also, report("fresh", "2026-12-19", 9, version_raw=version, **fields)]
    return {"household": f"home {version}", "repeat": repeat, "devices": [{"device": "d1", "facts": facts}]}


def judged(homes: list[Json], *also: Json, at: datetime = AT) -> FleetVerdict:
    fleet = {"model": MODEL, "shared": [*SHARED, *also], "households": homes}
    return appraise_fleet(fleet, at, at, POLICY)


def found(verdict: FleetVerdict) -> dict[tuple[str, str | None], tuple[int, int]]:
    """The count, and of how many, by rule and track."""
    return {(each.rule, each.track): (each.count, each.of) for each in verdict.findings}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["1.0.0", "1.1.0", "0.7"]), st.integers(1, 12)), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_a_repeated_home_is_so_many_homes_in_any_order(kinds: list[tuple[str, int]], random: Any) -> None:
    """`repeat: n` says no more than n homes written out, and nobody's place in the list matters."""
    together = judged([home(version, repeat=times) for version, times in kinds], NEW)
    apart = [home(version) for version, times in kinds for _ in range(times)]
    random.shuffle(apart)
    assert judged(apart, NEW).to_json() == together.to_json()


def test_the_device_that_weighs_most_speaks_for_its_home() -> None:
    """A camera with an overdue fix speaks before one that is up to date; then V0's order; then the name."""
    affected = told("advisory", "adv", MAKER, "2026-09-01", model=MODEL, advisory="ADV", public_since="2026-09-01")
    affected |= {"affected": [{"exact": "1.0.0"}], "severity": "critical"}
    both = {
        "household": "two cameras",
        "repeat": 20,
        "devices": [home("1.1.0")["devices"][0] | {"device": "a"}, home("1.0.0")["devices"][0] | {"device": "b"}],
    }
    verdict = judged([both], NEW, affected)
    assert not any(each.code == "NO_FINDING" for each in verdict.findings)
    assert verdict.households == 20


@pytest.mark.parametrize(
    ("sentence", "count", "of", "publishable"),
    [
        ("all of twenty", 20, 20, True),
        ("all but one of twenty point at the one", 19, 20, False),
        ("all but five of a hundred", 95, 100, True),
        ("all but four of a hundred point at the four", 96, 100, False),
    ],
)
def test_a_small_cell_is_not_published(sentence: str, count: int, of: int, publishable: bool) -> None:
    """G-base: neither the count nor the rest may be a handful."""
    assert sentence
    homes = [home(repeat=count), *([home("0.7", repeat=of - count)] if of > count else [])]
    finding = next(each for each in judged(homes).findings if each.rule == "G12")
    assert (finding.count, finding.of, finding.publishable) == (count, of, publishable)


@pytest.mark.parametrize(
    ("sentence", "statements", "about"),
    [
        ("two last days contradict", [{"end": "2031-03-31"}, {"end": "2030-03-31"}], ["w0", "w1"]),
        ("a month and its last day do not", [{"end": "2031-03"}, {"end": "2031-03-31"}], []),
        ("an hour and its day do not", [{"end": "2031-03-31T10:00:00Z"}, {"end": "2031-03-31"}], []),
        (
            "a day and a period are not compared",
            [{"end": "2031-03-31"}, {"end": {"months": 24, "from": "placing"}}],
            [],
        ),
        (
            "two periods from one anchor contradict",
            [{"end": {"months": 24, "from": "placing"}}, {"end": {"months": 36, "from": "placing"}}],
            ["w0", "w1"],
        ),
        (
            "two periods from two anchors are not compared",
            [{"end": {"months": 24, "from": "placing"}}, {"end": {"months": 36, "from": "purchase"}}],
            [],
        ),
        ("what is to be announced contradicts nothing", [{"end": "tba"}, {"end": "2031-03-31"}], []),
        ("other contracts, other words", [{"end": "2031-03"}, {"end": "2030-03", "from_contract": "2026-06-01"}], []),
        ("what was replaced contradicts no more", [{"end": "2031-03"}, {"end": "2030-03", "replaces": ["w0"]}], []),
    ],
)
def test_statements_of_one_issuer_contradict(sentence: str, statements: list[Json], about: list[str]) -> None:
    """G3: on M the maker's, on S any seller's own; each about its ids."""
    assert sentence
    said = [statement(f"w{n}", SELLER, "2026-01-31", **fields) for n, fields in enumerate(statements)]
    verdict = judged([home(repeat=20)], *said)
    assert [list(each.about) for each in verdict.findings if (each.rule, each.track) == ("G3", "S")] == (
        [about] if about else []
    )
    assert ("G3", "M") not in found(verdict)


def test_a_release_that_nobody_runs_is_unseen_among_enough_homes() -> None:
    """G5: heard are those whose report came after the rollout grace."""
    assert found(judged([home(repeat=90)], NEW))["G5", "M"] == (0, 90)
    assert ("G5", "M") not in found(judged([home(repeat=89)], NEW))
    assert ("G5", "M") not in found(judged([home(repeat=89), home("1.2.0")], NEW))
    for seen, unseen in (("2026-10-01T21:59:59Z", False), ("2026-10-01T22:00:00Z", True)):
        verdict = judged([home(recorded_at=seen, repeat=90)], NEW, at=datetime.fromisoformat(seen))
        assert (("G5", "M") in found(verdict)) == unseen


def test_those_who_were_told_and_wait_do_not_stall_a_rollout() -> None:
    """G6: the share is of those who run it and those who are not lagging."""
    secure = NEW | {"security": True}
    lagging = home("1.0.0", told("notice", "n", SELLER, "2026-10-01", **NOTICE, **TOLD), repeat=30)
    running, waiting = home("1.1.0", repeat=10), home("1.0.0", repeat=12)
    assert found(judged([running, waiting, lagging], secure))["G6", "M"] == (10, 22)
    assert ("G6", "M") not in found(judged([running, home("1.0.0", repeat=10), lagging], secure))
    before = AT - timedelta(days=40)
    fresh = {"recorded_at": "2026-11-09T12:00:00Z"}
    soon = [home("1.1.0", repeat=10, **fresh), home("1.0.0", repeat=12, **fresh)]
    assert ("G6", "M") not in found(judged(soon, secure, at=before))


def test_unlisted_software_counts_the_homes_of_every_version_that_several_run() -> None:
    """G10: the union, about the versions; one that a single home runs is left out."""
    verdict = judged([home(repeat=40), home("0.7.0", repeat=2), home(" 0.8.0\n", repeat=3), home("0.6.0")])
    finding = next(each for each in verdict.findings if each.rule == "G10")
    assert (finding.count, finding.of, finding.about) == (5, 46, ("0.7.0", "0.8.0"))


def test_waivers_are_counted_where_one_was_tested() -> None:
    """G9: of the homes with a waiver, those in which none holds; more than a tenth."""
    both = [deposit("w1", SELLER), deposit("w2", "consumer:c1")]
    with_promise = [home("1.0.0", *both, repeat=18), home("1.0.0", both[0], repeat=2), home(repeat=5)]
    assert ("G9", "S") not in found(judged(with_promise))
    one_more = [home("1.0.0", *both, repeat=17), home("1.0.0", both[0], repeat=2), home(repeat=5)]
    assert found(judged(one_more))["G9", "S"] == (2, 19)


@pytest.mark.parametrize(
    ("sentence", "ended", "fires"),
    [
        ("two keys ended in the last second before the term", ["2026-08-31T21:59:59Z"] * 2, True),
        ("one of them ended with the term", ["2026-08-31T21:59:59Z", "2026-08-31T22:00:00Z"], False),
        ("one of them is still in use", ["2026-08-31T21:59:59Z", None], False),
    ],
)
def test_keys_that_change_too_fast_are_a_carousel(sentence: str, ended: list[str | None], fires: bool) -> None:
    """G11: three months from the first day, by the calendar of the default market."""
    assert sentence
    term = {"party": SELLER, "key": "k", "valid_from": "2026-05-31"}
    keys = [told("key", f"k{n}", OPERATOR, "2026-05-31", **term, ended_at=end) for n, end in enumerate(ended)]
    assert (("G11", "S") in found(judged([home(repeat=20)], *keys))) == fires


@pytest.mark.parametrize(
    "fleet",
    [
        {"shared": [], "households": []},
        {"model": MODEL, "shared": {}, "households": []},
        {"model": MODEL, "shared": [], "households": [{"household": "h"}]},
        {"model": MODEL, "shared": [], "households": [{"household": "h", "devices": [], "repeat": 0}]},
    ],
)
def test_what_is_written_as_no_fleet_is_no_case(fleet: Json) -> None:
    """Not a fact is at fault but the file."""
    with pytest.raises(CaseError):
        appraise_fleet(fleet, AT, AT, POLICY)


def test_the_first_invalid_fact_of_a_fleet_is_named() -> None:
    """F0: shared facts first, then home by home."""
    bad = home() | {"devices": [{"device": "d1", "facts": [OWN[0], OWN[1] | {"id": "bad", "supply": "?"}]}]}
    with pytest.raises(FactError) as refused:
        judged([home(), bad])
    assert refused.value.fact_id == "bad"
    with pytest.raises(FactError) as refused:
        judged([bad], NEW | {"id": "worse", "price": "?"})
    assert refused.value.fact_id == "worse"


def test_a_fleet_verdict_survives_its_json() -> None:
    """It is read back as it was, and says the same bytes."""
    verdict = judged([home(repeat=90)], NEW)
    again = msgspec.json.decode(verdict.to_json(), type=FleetVerdict)
    assert again == verdict
    assert again.to_json() == verdict.to_json()


@pytest.mark.parametrize(
    ("sentence", "newest", "heard"),
    [
        ("a beta is not the newest", {"channel": "beta"}, None),
        ("a retracted release is not", {"retracted_at": "2026-12-20T12:00:00Z"}, None),
        ("a release that is gone is not", {"gone_at": "2026-12-01T12:00:00Z"}, None),
        ("a release of tomorrow is not", {"available_from": "2026-12-20"}, None),
        ("a release in another scheme is not", {"scheme": "vercmp"}, None),
        ("a release whose number is none is not", {"version": "next"}, None),
        ("without a date it counts from its record", {"available_from": None}, "release:1.1.0"),
        ("for the hardware of the homes", {"hw_min": 3, "hw_max": 3}, "release:1.1.0"),
        ("for newer hardware only", {"hw_min": 4}, None),
        ("for older hardware only", {"hw_max": 2}, None),
        ("for the market of the homes", {"regions": ["NL"]}, "release:1.1.0"),
    ],
)
def test_the_newest_release_is_expected_where_it_applies(sentence: str, newest: Json, heard: str | None) -> None:
    """G5 is about the newest stable release that is out and not lost, in homes to which it applies."""
    assert sentence
    verdict = judged([home(repeat=90, hw_revision=3)], NEW | newest)
    about = [each.about[0] for each in verdict.findings if each.rule == "G5" and each.about[0] == "release:1.1.0"]
    assert about == ([] if heard is None else [heard])


def test_a_home_of_unknown_hardware_is_not_heard_of_a_release_with_a_bound() -> None:
    """An unknown revision does not fit bounds, even open ones."""
    assert ("G5", "M") not in found(judged([home(repeat=90)], NEW | {"hw_min": 1}))


def test_of_equal_newest_releases_the_smallest_string_is_named() -> None:
    """Build metadata tells no releases apart."""
    same = release("rel-3", "1.1.0+b", "2026-09-02", security=False)
    verdict = judged([home(repeat=90)], same, NEW | {"version": "1.1.0+a"})
    assert [each.about for each in verdict.findings if each.rule == "G5"] == [("release:1.1.0+a",)]


def test_a_home_runs_the_newest_if_one_of_its_devices_does() -> None:
    """G6 counts homes."""
    both = {
        "household": "two",
        "repeat": 22,
        "devices": [home("1.0.0")["devices"][0] | {"device": "a"}, home("1.1.0")["devices"][0] | {"device": "b"}],
    }
    verdict = judged([both, home("1.0.0", repeat=23)], NEW)
    assert found(verdict)["G6", "M"] == (22, 45)


def test_a_release_that_nobody_runs_is_not_stalled() -> None:
    """G6 asks for some who run it; none at all is G5's."""
    assert not {("G5", "M"), ("G6", "M")} & set(found(judged([home(repeat=30)], NEW)))


def test_a_release_of_some_time_today_is_not_the_newest_yet() -> None:
    """Its date is the latest second of the day, so those who run the one before run the newest."""
    hole = {"model": MODEL, "public_since": "2026-09-01", "affected": [{"all": True}], "severity": "critical"}
    overdue = told("advisory", "adv", MAKER, "2026-09-01", advisory="ADV", **hole)
    verdict = judged([home(repeat=20)], overdue, NEW | {"available_from": "2026-12-20"})
    assert found(verdict)["G4", "S"] == (20, 20)


def test_a_few_homes_stall_nothing() -> None:
    """G6 needs as many homes as any publication."""
    lagging = home("1.0.0", told("notice", "n", SELLER, "2026-10-01", **NOTICE, **TOLD), repeat=30)
    secure = NEW | {"security": True}
    assert found(judged([home("1.1.0", repeat=5), home(repeat=15), lagging], secure))["G6", "M"] == (5, 20)
    assert ("G6", "M") not in found(judged([home("1.1.0", repeat=5), home(repeat=14), lagging], secure))


def test_a_shortened_promise_weighs_as_the_worst_of_its_homes() -> None:
    """G2: B if one of them is in breach; and G4 counts the days since the first miss."""
    hole = {"model": MODEL, "public_since": "2026-09-01", "affected": [{"all": True}], "severity": "critical"}
    short = statement("short", MAKER, "2026-09-01", end="2028-12-31", replaces=["promise"])
    mixed = [
        home(repeat=20),
        home("1.0.0", told("advisory", "adv", MAKER, "2026-09-01", advisory="ADV", **hole), repeat=20),
    ]
    verdict = judged(mixed, short)
    levels = {(each.rule, each.track): (each.level, each.count, each.of, each.days) for each in verdict.findings}
    assert levels["G2", "S"] == ("B", 40, 40, None)
    assert levels["G2", "M"] == ("A", 40, 40, None)
    # Due with 1 October, which ended at 22:00Z; 79 days and 14 hours before the judged instant.
    assert levels["G4", "S"] == ("B", 20, 40, 79)


def test_the_days_of_an_overdue_model_count_from_the_first_miss_and_its_level_is_the_strongest() -> None:
    """G4: two holes in different homes; the older one is only a question where the shop promised nothing."""
    hole = {"model": MODEL, "affected": [{"all": True}], "severity": "critical"}
    old = told("advisory", "adv", MAKER, "2026-06-01", advisory="OLD", public_since="2026-06-01", **hole)
    new = told("advisory", "adv", MAKER, "2026-09-01", advisory="NEW", public_since="2026-09-01", **hole)
    away = statement("away", SELLER, "2026-01-31", withdraw=True, replaces=["promise"])
    verdict = judged([home("1.0.0", old, away, repeat=20), home("1.0.0", new, repeat=20)])
    finding = next(each for each in verdict.findings if (each.rule, each.track) == ("G4", "S"))
    assert (finding.level, finding.count, finding.days, finding.about) == ("B", 40, 171, ("NEW", "OLD"))


def test_notices_are_a_practice_among_enough_homes() -> None:
    """G7: five outstanding are enough, four are not."""
    secure = NEW | {"security": True}
    assert found(judged([home(repeat=5), home("1.1.0", repeat=20)], secure))["G7", "S"] == (5, 5)
    assert ("G7", "S") not in found(judged([home(repeat=4), home("1.1.0", repeat=20)], secure))


def test_a_home_that_is_owed_nothing_is_no_home_of_the_track() -> None:
    """G-base; and G12 says nothing where nobody is owed anything."""
    business = home("1.0.0", repeat=20)
    business["devices"][0]["facts"][1] = business["devices"][0]["facts"][1] | {"buyer_type": "business"}
    assert found(judged([business])) == {("G12", "M"): (20, 20)}


def test_a_home_with_a_device_that_passes_e1_reported() -> None:
    """`with_report` counts homes of other and unknown models too, but none whose report is too old."""
    unknown = home("1.0.0", repeat=6, ids=["model:OTHER"])
    stale = home("1.0.0", repeat=9, recorded_at="2026-10-01T12:00:00Z")
    unknown["devices"].append(stale["devices"][0] | {"device": "another"})
    verdict = judged([home(repeat=20), unknown, stale])
    assert (verdict.households, verdict.with_report) == (20, 26)
    assert found(verdict) == {("G0", None): (20, 26)}
