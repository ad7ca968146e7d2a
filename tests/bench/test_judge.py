"""The measurement of the judge runs, in small."""

import pytest

from tests.bench import judge


def test_it_measures_one_case_and_a_fleet_beside_a_plain_select(capsys: pytest.CaptureFixture[str]) -> None:
    """Every case is judged again, most devices get another verdict, and the ratio is that of the two times it names."""
    one, fleet = judge.run(size=200)
    assert (one["bench"], fleet["bench"]) == ("judge-one", "judge-advisory")
    assert one["appraisals_per_s"] > 0
    assert fleet["devices"] == 200
    assert 0 < fleet["changed"] <= 200
    assert 0 < fleet["verdicts"] <= fleet["appraised"] <= fleet["cases"] == fleet["judged_cases"] <= 200
    assert fleet["longest_lock_s"] > 0
    assert "made" in capsys.readouterr().err
