"""Policies: every number is data, and a table that is not complete is refused."""

import json
from importlib import resources
from typing import Any

import msgspec
import pytest

from collector.appraisal import PolicyError, policies
from tests.shared import ROOT, shared

TABLE: dict[str, Any] = json.loads(
    (ROOT / "collector" / "appraisal" / "policies" / "2026-11-a.json").read_text(encoding="utf-8")
)


def test_the_policy_that_ships_is_the_specified_one() -> None:
    """The numbers carry over unchanged."""
    assert json.loads((shared("policies") / "2026-11-a.json").read_bytes()) == TABLE
    assert policies.names() == ["2026-11-a"]
    assert policies.shipped("2026-11-a").policy_version == "2026-11-a"


@pytest.mark.parametrize("key", TABLE)
def test_a_policy_without_one_of_its_numbers_is_refused(key: str) -> None:
    """No number has a value in code to fall back on."""
    left = {name: value for name, value in TABLE.items() if name != key}
    with pytest.raises(PolicyError, match=key):
        policies.read(json.dumps(left).encode())


@pytest.mark.parametrize(
    ("sentence", "path", "value"),
    [
        ("a number is a word", ("fix_due_days", "high"), "60"),
        ("a zone that no clock keeps", ("jurisdictions", "NL", "zone"), "Europe/Atlantis"),
        ("a zone outside the rules", ("jurisdictions", "NL", "zone"), "../../etc/passwd"),
        ("a default market without a row", ("default_market",), "FR"),
        ("no class for other things", ("expectation_months",), {"camera": 60}),
        ("a date that is none", ("cra_from",), "2027-12-32"),
    ],
)
def test_a_policy_that_cannot_be_right_is_refused(sentence: str, path: tuple[str, ...], value: Any) -> None:
    """The fault is found when the policy is read, not when a device is judged."""
    assert sentence
    table = json.loads(json.dumps(TABLE))
    place = table
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(PolicyError):
        policies.read(json.dumps(table).encode())


def test_what_is_no_json_object_is_no_policy() -> None:
    """A list, or half a file."""
    for content in (b"[]", b'{"policy_version": '):
        with pytest.raises(PolicyError):
            policies.read(content)


def test_a_policy_that_does_not_ship_is_named_with_those_that_do() -> None:
    """The message says what there is."""
    with pytest.raises(PolicyError, match="2026-11-a"):
        policies.shipped("2099")


def test_the_digest_is_of_the_numbers_not_of_the_file() -> None:
    """Another order or spacing is the same policy; another number is another."""
    one = policies.shipped("2026-11-a")
    shuffled = json.dumps(dict(reversed(TABLE.items())), indent=4).encode()
    assert policies.read(shuffled).digest() == one.digest()
    assert msgspec.structs.replace(one, silent_after=4).digest() != one.digest()


def test_the_rules_of_a_zone_are_those_of_the_locked_package() -> None:
    """Legal days come from tzdata, never from the machine's own files."""
    zone = policies.zone("Europe/Amsterdam")
    assert resources.files("tzdata").joinpath("zoneinfo", "Europe", "Amsterdam").is_file()
    assert zone.key == "Europe/Amsterdam"
    assert policies.zone("Europe/Amsterdam") is zone
