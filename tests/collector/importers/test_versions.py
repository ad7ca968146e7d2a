"""What a CSAF branch says of versions, and when it says too little to be more than words."""

from typing import Any

import pytest

from collector.catalogue.importers import _vers as vers

RANGES: dict[str, list[dict[str, Any]] | None] = {
    "vers:all/*": [{"all": True}],
    "vers:generic/*": [{"all": True}],
    "<4.4.2": [{"before": "4.4.2"}],
    "< 4.4.2": [{"before": "4.4.2"}],
    "<= 4.9.7": [{"through": "4.9.7"}],
    "<NVR-B3801.20.17.240507": [{"before": "NVR-B3801.20.17.240507"}],
    ">=8.1.5": [{"from": "8.1.5"}],
    ">=2.0|<3.1": [{"from": "2.0", "before": "3.1"}],
    "vers:generic/>=1|<2|>=3|<=4": [{"from": "1", "before": "2"}, {"from": "3", "through": "4"}],
    "vers:semver/1.2.3|>=2.0.0|<5.0.0": [{"exact": "1.2.3"}, {"from": "2.0.0", "before": "5.0.0"}],
    "vers:generic/0.0.1|0.0.2": [{"exact": "0.0.1"}, {"exact": "0.0.2"}],
    "vers:deb/<1%3A2.0": [{"before": "1:2.0"}],
    # No form in the register, or no single meaning: words.
    ">1.0": None,
    "vers:gem/>=2.2.0|!=2.2.1|<2.3.0": None,
    "4.5.181 | 4.5.196": None,
    "4.5.181": None,
    "<2|<3": None,
    "<2|>=1": [{"before": "2"}, {"from": "1"}],
    ">=1|>=2": None,
    ">=1|1.5|<2": None,
    "All versions prior to 3.2": None,
    "<4.4.2 and 5.0": None,
    "<": None,
    "*": None,
    "vers:/<1": None,
    "V1.0 - V2.3": None,
    "<1.x": None,
    "<tba": None,
    "<= unspecified": None,
    "<2.0\u2013beta": None,
    "vers:npm/1.x": None,
    "vers:generic/>=1|*": None,
    "<1.2 (EU only)": None,
}

VERSIONS: dict[str, list[dict[str, Any]] | None] = {
    "2.6.2": [{"exact": "2.6.2"}],
    "V3.0 SP2": [{"exact": "V3.0 SP2"}],
    "1.0-beta-2": [{"exact": "1.0-beta-2"}],
    "vers:all/*": [{"all": True}],
    "<4.4.2": [{"before": "4.4.2"}],
    "8.0.0 - 8.0.1": None,
    "8.1.5 and later": None,
    "prior to 4.2": None,
    "All versions < V3.0.29": None,
    "V3.0, V4.0": None,
    "Version 2": None,
    "=1.2.3": [{"exact": "1.2.3"}],
    "1.2.3 (build 5)": [{"exact": "1.2.3 (build 5)"}],
    "1.0.0+build.5": [{"exact": "1.0.0+build.5"}],
    "1.2.3-4": [{"exact": "1.2.3-4"}],
    "1.0~rc1": [{"exact": "1.0~rc1"}],
    "20240501-1234": [{"exact": "20240501-1234"}],
    "1.x": None,
    "2.0.X": None,
    "4.5+": None,
    "1.2.3\u20131.2.9": None,
    "V1.0-V2.3": None,
    "1.0..1.5": None,
    "1.0/1.1": None,
    "1.0 1.1": None,
    "\u2264 1.2": None,
    "&lt;1.2": None,
    "~1.2": None,
    "bis 4.5": None,
    "N/A": None,
    "unknown": None,
    "tba": None,
    "-": None,
}


@pytest.mark.parametrize(("name", "expected"), RANGES.items(), ids=RANGES)
def test_a_range_is_what_the_standard_makes_of_it(name: str, expected: list[dict[str, Any]] | None) -> None:
    """Constraints become bounds; what would need a guess stays words."""
    assert vers.ranges(name) == expected


@pytest.mark.parametrize(("name", "expected"), VERSIONS.items(), ids=VERSIONS)
def test_a_version_is_one_version(name: str, expected: list[dict[str, Any]] | None) -> None:
    """A name that speaks of others too is no version."""
    assert vers.version(name) == expected
