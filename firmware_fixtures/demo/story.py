"""Makes signed statements of `story.toml`, dated relative to the first run.

The same first run gives the same bytes, so that a first run that was interrupted goes on where it stopped.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from evidence import statement
from evidence.keys import SigningKey
from evidence.statement import Statement
from firmware_fixtures.demo.neighbour import PARTY, Neighbour

STORY = Path(__file__).with_name("story.toml")
_DAY = re.compile(r"@(-?\d+)")
_DEVICE = re.compile(r"(device|identity) of (\S.*)")
_ENVELOPE = ("day", "by", "name")


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs: `role:name`, and its number in a trade register where it has one."""

    party: str
    register_number: str | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the household, as the agent's own reading shows it."""

    identity: str
    device: str | None  # None before the gateway has a key


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded on one day: signed statements by file name."""

    day: int
    recorded_at: str
    files: dict[str, bytes]


def told_of() -> set[str]:
    """The model ids of the devices of this house that the story tells of."""
    story = tomllib.loads(STORY.read_text())
    stated = [told for told in story["statement"] if told["by"] != PARTY]
    devices = (told["device"] for told in (*stated, *story["sale"]) if "device" in told)
    return {match[2] for match in map(_DEVICE.fullmatch, devices) if match}


class Story:
    """The story as it is for one first run.

    Args:
        first_run: The instant that all days are counted from.
        seen: The devices of the household by each model id they state.
    """

    def __init__(self, first_run: datetime, seen: Mapping[str, Seen]) -> None:
        self._story = tomllib.loads(STORY.read_text())
        self._first_run = first_run
        self._seen = seen
        self.issuers = tuple(msgspec.convert(item, Issuer) for item in self._story["issuer"])

    def neighbour(self, key: SigningKey) -> Neighbour:
        """The second house, under this key."""
        return Neighbour(self._story["neighbour"], self._first_run, key)

    def sales(self) -> tuple[dict[str, Any], ...]:
        """What the household bought, as entries of `agent.toml`."""
        every = self._story["every_sale"]
        return tuple(self._resolved(every | sale, {}) for sale in self._story["sale"])

    def episodes(self, keys: Mapping[str, SigningKey], *, until: int) -> Iterator[Episode]:
        """The statements up to a day, oldest first, each signed with its issuer's key."""
        digests: dict[str, str] = {"neighbour": self.neighbour(keys[PARTY]).device}
        in_order = sorted(enumerate(self._story["statement"]), key=lambda item: (item[1]["day"], item[0]))
        for day, group in groupby(in_order, key=lambda item: item[1]["day"]):
            if day > until:
                return
            at = _instant(self._first_run + timedelta(days=day))
            files = {}
            for number, told in group:
                fields = {name: value for name, value in told.items() if name not in (*_ENVELOPE, "kind")}
                stated = Statement(kind=told["kind"], asserted_at=at, fields=self._resolved(fields, digests))
                data = statement.sign(stated, keys[told["by"]])
                digests[told.get("name", "")] = hashlib.sha256(data).hexdigest()
                files[f"{number:03}-{told['kind']}.cbor"] = data
            yield Episode(day=day, recorded_at=at, files=files)

    def _resolved(self, value: Any, digests: Mapping[str, str]) -> Any:
        if isinstance(value, dict):
            return {name: self._resolved(item, digests) for name, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item, digests) for item in value]
        return self._text(value, digests) if isinstance(value, str) else value

    def _text(self, text: str, digests: Mapping[str, str]) -> str:
        if match := _DAY.fullmatch(text):
            return self._day(int(match[1])).isoformat()
        if match := _DEVICE.fullmatch(text):
            seen = self._seen[match[2]]
            return seen.identity if match[1] == "identity" else str(seen.device)
        return digests[text[1:]] if text.startswith("#") else text

    def _day(self, offset: int) -> date:
        return (self._first_run + timedelta(days=offset)).date()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
