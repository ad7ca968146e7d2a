"""How versions spread, as a picture that points at no home."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.appraisal.policies import shipped
from collector.web.rollout import Count, rollout

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = int(NOW.timestamp()) // 86_400
NUMBERS = shipped("2026-11-a").fleet
SCHEME: Final = "multipart-numeric"
counts = st.lists(
    st.tuples(
        st.integers(TODAY - 900, TODAY), st.sampled_from(["1.0", "1.1", "1.2", "2.0", "2.1", "x"]), st.integers(0, 60)
    ),
    max_size=40,
).map(lambda drawn: sorted(drawn, key=lambda count: count[0]))


@given(counts, st.dictionaries(st.sampled_from(["available", "expected"]), st.datetimes(timezones=st.just(UTC))))
def test_everything_lies_inside_the_picture(drawn: list[Count], marks: dict[str, datetime]) -> None:
    """Every column is full or empty, whatever ran."""
    picture = rollout(drawn, SCHEME, marks, NOW, NUMBERS)
    if picture is None:
        return
    assert all(0 <= mark.x <= 100 for mark in picture.marks)
    heights: dict[float, float] = {}
    for bar in picture.bars:
        assert 0 <= bar.x <= 100 - picture.width + 0.01
        assert -0.01 <= bar.y <= bar.y + bar.height <= 100.02
        heights[bar.x] = heights.get(bar.x, 0) + bar.height
    assert all(height == pytest.approx(100, abs=0.05) for height in heights.values())


def test_the_newest_version_is_on_top_and_first_in_the_legend() -> None:
    """And the shares are those of the last column."""
    begin = TODAY - 100
    picture = rollout([(begin, "1.9", 40), (begin + 50, "1.9", 30), (begin + 50, "1.10", 10)], SCHEME, {}, NOW, NUMBERS)
    assert picture is not None
    assert picture.versions == (("1.10", 25), ("1.9", 75))
    last = max(bar.x for bar in picture.bars)
    tops = {bar.place: bar.y for bar in picture.bars if bar.x == last}
    assert tops == {0: 0, 1: 25}


@pytest.mark.parametrize(
    ("sentence", "drawn", "shown"),
    [
        ("twenty homes are enough", [(TODAY - 9, "1.0", 20)], ["1.0"]),
        ("nineteen are not", [(TODAY - 9, "1.0", 19)], None),
        ("four homes are left out", [(TODAY - 9, "1.0", 20), (TODAY - 5, "1.1", 4)], ["1.0"]),
        ("and do not make up the number", [(TODAY - 9, "1.0", 19), (TODAY - 9, "1.1", 4)], None),
        ("five are shown", [(TODAY - 9, "1.0", 20), (TODAY - 5, "1.1", 5)], ["1.1", "1.0"]),
        ("nothing was read", [], None),
    ],
)
def test_few_homes_are_not_drawn(sentence: str, drawn: list[Count], shown: list[str] | None) -> None:
    """Neither a version of theirs nor a time at which there were few."""
    assert sentence
    picture = rollout(drawn, SCHEME, {}, NOW, NUMBERS)
    assert (None if picture is None else [version for version, _ in picture.versions]) == shown


def test_only_a_few_versions_are_named() -> None:
    """The others are one part at the bottom."""
    drawn: list[Count] = [(TODAY - 50, f"1.{number}", 10 + number) for number in range(7)]
    picture = rollout(drawn, SCHEME, {"available": NOW - timedelta(days=10)}, NOW, NUMBERS)
    assert picture is not None
    assert [version for version, _ in picture.versions] == ["1.6", "1.5", "1.4", "1.3"]
    assert picture.others == round(100 * (10 + 11 + 12) / 91)
    assert {bar.place for bar in picture.bars} == {None, 0, 1, 2, 3}
