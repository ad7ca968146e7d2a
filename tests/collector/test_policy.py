"""Nobody is blamed for what a register that did not yet exist could not hear."""

from pathlib import Path

import pytest

from collector.appraisal import appraise
from collector.appraisal.policies import shipped
from collector.appraisal.values import parse_instant
from collector.config import Config, load
from collector.policy import in_force
from tests.collector.appraisal.households import BUYER, MAKER, MODEL, Json, report, told

AT = parse_instant("2026-11-20T12:00:00Z")
SOLD = {"seller_type": "trader", "buyer_type": "consumer", "supply": "single", "contract": "2026-03-10"}
FACTS: list[Json] = [
    told("model", "m", MAKER, "2026-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme"),
    told("sale", "s", BUYER, "2026-11-01", device="d1", seller="shop", jurisdiction="NL", **SOLD),
    report("r", "2026-11-20", 1),
]


@pytest.mark.parametrize(
    ("written", "finding", "flags"),
    [
        pytest.param("", "WINDOW_MISSING", set(), id="a register that held statements at the sale"),
        pytest.param("register_from = 2026-03-10", "WINDOW_MISSING", set(), id="one that began on that day"),
        pytest.param("register_from = 2026-03-11", None, {"BEFORE_REGISTER"}, id="one that began the day after"),
    ],
)
def test_silence_before_the_register_began_is_not_held_against_anyone(
    tmp_path: Path, written: str, finding: str | None, flags: set[str]
) -> None:
    """As the operator wrote its first day into the configuration."""
    file = tmp_path / "collector.toml"
    file.write_text(written)
    verdict = appraise(FACTS, AT, AT, in_force(load(str(file))))["S"]
    assert (verdict.window_finding.code if verdict.window_finding else None) == finding
    assert flags <= set(verdict.flags)


def test_another_first_day_is_another_table() -> None:
    """Its verdicts are kept under another digest, so that they replay."""
    config = Config()
    assert in_force(config).digest() == shipped(config.policy).digest()
    begun = Config(register_from=AT.date())
    assert in_force(begun).digest() != shipped(config.policy).digest()
