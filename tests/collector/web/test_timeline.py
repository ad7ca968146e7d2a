"""A window as a picture."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.appraisal.days import EARLIEST, LATEST
from collector.web.timeline import timeline

INSTANTS = st.datetimes(timezones=st.just(UTC)) | st.sampled_from([EARLIEST, LATEST])
NOW = INSTANTS


@given(start=st.none() | INSTANTS, end=st.none() | INSTANTS, extended=st.none() | INSTANTS, now=NOW)
def test_everything_lies_inside_the_picture(
    start: datetime | None, end: datetime | None, extended: datetime | None, now: datetime
) -> None:
    """Whatever was promised, to the year 9999 too, the picture can be drawn and holds today."""
    picture = timeline(start, end, extended, now)
    if end is None and extended is None:
        assert picture is None
        return
    assert picture is not None
    for mark in picture.marks:
        assert 0 <= mark.x <= 100
    for span in picture.spans:
        assert 0 <= span.x <= span.x + span.width <= 100.01
    for _, x in picture.years:
        assert 0 <= x <= 100.01
    assert len(picture.years) <= 8
    assert "now" in {mark.kind for mark in picture.marks}


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    """A window without an end is no window; one without a known start reaches to the edge."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert timeline(now, None, None, now) is None
    open_picture = timeline(None, now + timedelta(days=90), None, now)
    assert open_picture is not None
    assert [span.x for span in open_picture.spans] == [0]


def test_places_are_in_proportion() -> None:
    """Half of the time is half of the width."""
    start = datetime(2026, 7, 2, tzinfo=UTC)
    picture = timeline(start, start + timedelta(days=730), None, start + timedelta(days=365))
    assert picture is not None
    marks = {mark.kind: mark.x for mark in picture.marks}
    assert abs(marks["now"] - (marks["start"] + marks["end"]) / 2) < 0.02
    assert [year for year, _ in picture.years] == ["2027", "2028"]
    assert marks["start"] < picture.years[0][1] < marks["now"] < picture.years[1][1] < marks["end"]
