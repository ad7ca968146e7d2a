"""A page for every code: what it weighs, what it rests on, where to turn."""

import httpx
import pytest

from collector.appraisal.codes import Code, FindingCode, Flag, FleetCode
from collector.appraisal.policies import names, shipped
from collector.web import bases, codes, language
from tests.collector.web.register import POLICY

TEXTS = {code: language.read_texts(code) for code in language.LOCALES}


@pytest.mark.parametrize("policy", names())
def test_every_entry_of_every_policy_names_a_source_that_has_a_name(policy: str) -> None:
    """An article without the name of its law helps nobody."""
    for entries in shipped(policy).refs.values():
        for ref in codes.refs(entries, shipped(policy)):
            assert f"source.{ref.source}" in TEXTS["en"], ref
            assert (ref.value is not None) == (ref.kind == "policy"), ref


@pytest.mark.parametrize(
    ("code", "rests"),
    {
        "law, with numbers of ours": (Code.SECURITY_FIX_OVERDUE, "both"),
        "law alone": (Code.FIX_NOT_FREE, "statute"),
        "our policy alone": (Code.UPDATE_PENDING, "policy"),
        "a standard and law": (Code.MODEL_UNKNOWN, "statute"),
        "nothing": (Code.UP_TO_DATE, "observation"),
        "a finding": (FindingCode.WINDOW_TOO_SHORT, "statute"),
        "a finding about a model": (FleetCode.MODEL_FIX_OVERDUE, "both"),
        "one that only counts": (FleetCode.UNLISTED_FIRMWARE_IN_FIELD, "policy"),
        "a flag": (Flag.FIX_WITHDRAWN, "statute"),
        "a flag that tells what was seen": (Flag.ROLLBACK_VENDOR, "observation"),
    }.values(),
)
def test_what_a_code_rests_on_is_told_apart(code: str, rests: str) -> None:
    """Statute and policy are never mixed up."""
    page = codes.code_page(code, shipped(POLICY))
    assert page is not None
    assert page.rests == rests


def test_an_unconfirmed_source_is_marked_and_its_mark_taken_off() -> None:
    """What was not checked says so beside the article, not in it."""
    [ref] = codes.refs(["BW 7:18(5) [unconfirmed]"], shipped(POLICY))
    assert (ref.text, ref.unconfirmed, ref.kind) == ("BW 7:18(5)", True, "statute")


def test_our_numbers_are_shown() -> None:
    """A policy entry shows the number in force."""
    single, several = codes.refs(["policy reasonable_days", "policy fix_due_days"], shipped(POLICY))
    assert single.value == "30"
    assert several.value == "exploited 14, critical 30, high 60, medium 90, low 180"


def test_every_code_of_the_judge_has_its_page() -> None:
    """Verdicts, findings about a window, flags, findings about a model."""
    judged = {*Code, *FindingCode, *Flag, *FleetCode}
    assert set(codes.EVERY) == judged
    assert len(codes.EVERY) == len(judged)


@pytest.mark.parametrize("policy", names())
def test_what_flags_and_findings_about_models_rest_on_is_there(policy: str) -> None:
    """Each entry is one of the policy's, or names a source that has a name and, where it is ours, a number."""
    for code in bases.BASES:
        for entries in bases.entries(code, shipped(policy)).values():
            for ref in codes.refs(entries, shipped(policy)):
                assert f"source.{ref.source}" in TEXTS["en"], (code, ref)
                assert (ref.value is not None) == (ref.kind == "policy"), (code, ref)


@pytest.mark.parametrize("code", codes.EVERY)
async def test_every_code_has_its_page_in_both_languages(visitor: httpx.AsyncClient, code: str) -> None:
    """Its sentence in both, its meaning, what to do next, and each article that it rests on."""
    group = codes.group_of(code)
    page = codes.code_page(code, shipped(POLICY))
    assert page is not None
    for tongue, other in (("en", "nl"), ("nl", "en")):
        answer = await visitor.get(f"/codes/{code}?lang={tongue}")
        assert answer.status_code == 200
        for key in ("sentence", "next") if group == "flag" else ("sentence", "means", "next"):
            assert TEXTS[tongue][f"{group}.{code}.{key}"] in answer.text
        assert f'lang="{other}">{TEXTS[other][f"{group}.{code}.sentence"]}' in answer.text
        assert TEXTS[tongue][f"codes.{page.rests}"] in answer.text
        for refs in page.refs.values():
            for ref in refs:
                assert ref.text in answer.text


@pytest.mark.parametrize("code", codes.WEIGHS)
def test_a_verdict_rests_on_what_its_policy_names(code: str) -> None:
    """By its track and its kind."""
    page = codes.code_page(code, shipped(POLICY))
    infix = "finding." if code in list(FindingCode) else ""
    assert page is not None
    for track in "SM":
        named = shipped(POLICY).refs.get(f"{track}.{infix}{code}", [])
        assert [ref.text for ref in page.refs.get(track, ())] == [ref.removesuffix(" [unconfirmed]") for ref in named]


@pytest.mark.parametrize(
    ("code", "desks"),
    [
        (Code.SECURITY_FIX_OVERDUE, ("consuwijzer.nl", "rdi.nl")),
        (FindingCode.WINDOW_BELOW_EXPECTATION, ("consuwijzer.nl",)),
        (Code.UP_TO_DATE, ()),
        (FleetCode.MODEL_FIX_OVERDUE, ("consuwijzer.nl", "rdi.nl")),
        (FleetCode.NOTICE_PRACTICE_DEFICIENT, ("consuwijzer.nl",)),
        (FleetCode.NO_FINDING, ()),
        (Flag.WAIVER_BUNDLED, ("consuwijzer.nl",)),
        (Flag.NO_END_NOTICE, ("rdi.nl",)),
        (Flag.WAIVER_VALID, ()),
    ],
)
async def test_where_to_turn_follows_from_whose_duty_it_is(
    visitor: httpx.AsyncClient, code: str, desks: tuple[str, ...]
) -> None:
    """The shop's duties are ACM's, the product's RDI's; what is in order is nobody's."""
    text = (await visitor.get(f"/codes/{code}")).text
    assert {desk for desk in ("consuwijzer.nl", "rdi.nl") if desk in text} == set(desks)


async def test_the_list_of_codes_leads_to_each(visitor: httpx.AsyncClient) -> None:
    """Every code stands in the list, once."""
    text = (await visitor.get("/codes")).text
    for code in codes.EVERY:
        assert text.count(f'href="/codes/{code}"') == 1
