"""The measurement of the ingest runs, in small."""

from tests.bench import ingest


def test_it_measures_each_load_against_the_signature_check() -> None:
    """Every report is receipted and stored, and the ratio is that of the two rates it names."""
    lines = list(ingest.run(count=20, reports=40, herd=30, runs=1))
    assert [(line["bench"], line["reports"]) for line in lines] == [
        ("ingest-full", 40),
        ("ingest-steady", 40),
        ("ingest-herd", 30),
    ]
    for line in lines:
        assert abs(line["reports_per_s"] / line["verify_per_s"] - line["ratio"]) < 0.01


def test_of_several_runs_the_middle_one_is_told() -> None:
    """Neither a lucky run nor an unlucky one, and who wants to know sees how far they were apart."""
    runs = [{"bench": name, "ratio": ratio} for ratio in (0.7, 0.9, 0.8) for name in ("ingest-full", "ingest-steady")]
    assert list(ingest.middles(runs)) == [
        {"bench": name, "ratio": 0.8, "ratios": [0.7, 0.8, 0.9]} for name in ("ingest-full", "ingest-steady")
    ]
