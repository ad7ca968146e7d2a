"""C4 in its closed form, held against the plain product of all choices."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.appraisal.codes import LAST, RANK, STRENGTH, V0_ORDER, Code, Flag, Level
from collector.appraisal.join import (
    Agreed,
    can_differ,
    deciding_words,
    possible_codes,
    possible_flags,
    rank,
)
from collector.appraisal.state import Cell, Result

LEVELS = {
    Code.NOTICE_UNPROVEN: [Level.QUESTION],
    Code.CONSUMER_LAG: [Level.CONSUMER],
    Code.UPDATE_PENDING: [Level.OK],
    Code.FIX_AWAITED: [Level.OK],
}
REST = [
    Result(Code.UP_TO_DATE, flags=frozenset({Flag.NO_ADVISORY_SOURCE})),
    Result(Code.SUPPORT_ENDED, Level.NONE, datetime(2026, 1, 1, tzinfo=UTC)),
    Result(Code.FUNCTIONAL_UPDATE_PENDING, about=("release:2.0",)),
]
often = settings(max_examples=120, deadline=None)


def results(codes: Iterable[Code]) -> list[Result]:
    """What one advisory may come to; nothing as often as something."""
    every = [
        Result(code, level, None if level is Level.OK else datetime(2026, 1, day, tzinfo=UTC), (f"ADV-{day % 3}",))
        for code in codes
        for level in LEVELS.get(code, [Level.BREACH, Level.QUESTION])
        for day in range(1, 6)
    ]
    quiet = [Result(), Result(flags=frozenset({Flag.OPEN_AT_END})), Result(flags=frozenset({Flag.FIX_ELSEWHERE}))]
    return [*every, *quiet * (len(every) // len(quiet))]


def cells(codes: Iterable[Code]) -> st.SearchStrategy[Cell]:
    """Up to four advisories, each with up to two unknown words of two values, so one, two or four choices."""
    result = st.sampled_from(results(codes))
    slots = st.one_of(*(st.tuples(*[result] * size) for size in (1, 2, 4)))
    return st.builds(
        lambda advisories, rest: Cell(tuple(advisories), rest, frozenset({Flag.WINDOW_TBA})),
        st.lists(slots, min_size=1, max_size=4),
        st.sampled_from(REST),
    )


any_cell = cells(V0_ORDER)
one_code = st.one_of(*(cells([code]) for code in V0_ORDER))


def said(cell: Cell, choice: tuple[Result, ...]) -> tuple[Code | None, Level, datetime | None, set[str]]:
    """V0, plainly: the first code, its strongest level, the earliest since and the names of those with that level."""
    counting = [each for each in choice if each.code is not None]
    if not counting:
        return cell.rest.code, cell.rest.level, cell.rest.since, set(cell.rest.about)
    first = min(counting, key=rank).code
    alike = [each for each in counting if each.code is first]
    level = max((each.level for each in alike), key=lambda each: STRENGTH[each])
    strongest = [each for each in alike if each.level is level]
    sinces = [each.since for each in strongest if each.since is not None]
    return first, level, min(sinces, default=None), {name for each in strongest for name in each.about}


@often
@given(any_cell)
def test_the_possible_codes_and_flags_are_those_of_every_choice(cell: Cell) -> None:
    """Neither more nor fewer codes than the product gives; every flag that some choice sets."""
    choices = list(product(*cell.slots))
    assert possible_codes(cell) == {said(cell, choice)[0] for choice in choices}
    flags = {flag for choice in choices for each in choice for flag in each.flags} | cell.flags
    rest = [choice for choice in choices if all(each.code is None for each in choice)]
    assert possible_flags(cell) == flags | (cell.rest.flags if rest else set())


@often
@given(one_code)
def test_an_agreed_code_has_the_weakest_level_the_latest_since_and_is_about_all(cell: Cell) -> None:
    """Where every choice gives one code, level, since and about are those of the plain join."""
    every = [said(cell, choice) for choice in product(*cell.slots)]
    if len({code for code, *_ in every}) > 1:
        return
    agreed = Agreed(cell, every[0][0] or Code.UP_TO_DATE)
    sinces = [since for _, _, since, _ in every if since is not None]
    assert agreed.level() == min((level for _, level, _, _ in every), key=lambda each: STRENGTH[each])
    assert agreed.since() == max(sinces, default=None)
    assert agreed.about() == set().union(*(about for *_, about in every))


@often
@given(any_cell, st.sampled_from(REST), st.randoms(use_true_random=False))
def test_two_cells_can_differ_where_some_choice_makes_them(one: Cell, rest: Result, random: Any) -> None:
    """The words about an advisory are filled in alike on both sides."""
    drawn = tuple(tuple(random.choice([each, *results(V0_ORDER)]) for each in slot) for slot in one.slots)
    other = Cell(random.choice([one.slots, drawn]), rest, frozenset())
    choices = product(*(range(len(slot)) for slot in one.slots))
    plainly = any(
        said(one, tuple(slot[place] for slot, place in zip(one.slots, choice, strict=True)))[0]
        != said(other, tuple(slot[place] for slot, place in zip(other.slots, choice, strict=True)))[0]
        for choice in choices
    )
    assert can_differ(one, other) == plainly


@often
@given(any_cell, st.sampled_from([Code.NO_SELLER_DUTY, Code.UP_TO_DATE, Code.FIRMWARE_UNKNOWN]))
def test_a_cell_differs_from_one_that_says_one_thing_unless_it_says_just_that(cell: Cell, code: Code) -> None:
    """A completion without a duty, or without a known version, is compared like any other."""
    constant = Cell((), Result(code, Level.NONE), frozenset())
    assert RANK[code] == LAST
    assert can_differ(cell, constant) == can_differ(constant, cell) == (possible_codes(cell) != {code})


@often
@given(any_cell)
def test_a_word_decides_where_it_alone_changes_the_code_of_some_choice(cell: Cell) -> None:
    """C4: two completions that differ in nothing but this word have different codes."""
    words = [
        tuple((f"{place}.{n}", ("yes", "no")) for n in range(len(slot).bit_length() - 1))
        for place, slot in enumerate(cell.slots)
    ]
    places = [list(product(*(values for _, values in each))) for each in words]
    names = [name for each in words for name, _ in each]
    by_filling = {}
    for filling in product(*places):
        choice = tuple(
            slot[place.index(values)] for slot, place, values in zip(cell.slots, places, filling, strict=True)
        )
        by_filling[tuple(value for values in filling for value in values)] = said(cell, choice)[0]
    deciding = {
        name
        for position, name in enumerate(names)
        for one, other in combinations(by_filling, 2)
        if by_filling[one] is not by_filling[other]
        and one[:position] + one[position + 1 :] == other[:position] + other[position + 1 :]
    }
    assert deciding_words(cell, words) == deciding
