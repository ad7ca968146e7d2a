"""The policies that ship, and the rules of the time zones that policies name: the only files that the judge rests on.

Zones are read from the tzdata package and never from the machine, so that a verdict replays to the same bytes on
another machine with the same lock file.
"""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from msgspec import json

from collector.appraisal.errors import PolicyError
from collector.appraisal.policy import Policy, policy_from


@cache
def zone(name: str) -> ZoneInfo:
    """The rules of a time zone by its IANA name.

    Raises:
        ValueError: No such zone.
    """
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if ".." in name or not file.is_file():
        raise ValueError(f"no time zone is named {name!r}")
    with file.open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def read(content: bytes) -> Policy:
    """The policy that a JSON file holds.

    Raises:
        PolicyError: Not JSON, or not complete.
    """
    try:
        return policy_from(json.decode(content, type=dict), zone)
    except (ValueError, RecursionError) as fault:  # msgspec's faults, and bytes that are no UTF-8
        raise PolicyError(f"the policy is no JSON object: {fault}") from fault


def names() -> list[str]:
    """The names of the policies that ship, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))


@cache
def shipped(name: str) -> Policy:
    """A policy that ships.

    Raises:
        PolicyError: None of that name ships.
    """
    if name not in names():
        raise PolicyError(f"no policy {name!r} ships; there are {', '.join(names())}")
    return read(resources.files(__name__).joinpath(f"{name}.json").read_bytes())
