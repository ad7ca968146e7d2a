"""Waiting grows to its bound and stays there, however long the trouble lasts."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.patience import delays


@given(st.floats(0.01, 1), st.floats(1, 60))
def test_delays(first_s: float, last_s: float) -> None:
    """Never nothing, never more than the bound, and near it after a day of failures."""
    waits = list(itertools.islice(delays(first_s, last_s), 3000))
    assert all(first_s / 2 <= wait <= last_s for wait in waits)
    assert waits[0] <= first_s
    assert all(wait >= last_s / 2 for wait in waits[-100:])
