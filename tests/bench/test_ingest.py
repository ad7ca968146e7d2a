"""The measurement of the ingest runs, in small."""

from tests.bench import ingest


def test_it_measures_each_load_against_the_signature_check() -> None:
    """Every report is receipted and stored, and the ratio is that of the two rates it names."""
    lines = list(ingest.run(count=20, steady=40, herd=30))
    assert [(line["bench"], line["reports"]) for line in lines] == [
        ("ingest-full", 80),
        ("ingest-steady", 40),
        ("ingest-herd", 30),
    ]
    for line in lines:
        rate, unit, ratio = (float(str(line[name])) for name in ("reports_per_s", "verify_per_s", "ratio"))
        assert abs(rate / unit - ratio) < 0.01
