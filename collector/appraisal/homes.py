"""Homes: which device speaks for each, and how they stand to the newest release (section 11, before its rules).

Households are counted, not devices, because devices in one home are not independent. A home may stand for several of
the same kind; every number below is a number of households.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from collector.appraisal.appraise import Appraisal
from collector.appraisal.at import At
from collector.appraisal.codes import NO_DUTY, RANK, STRENGTH, Code
from collector.appraisal.days import days_after
from collector.appraisal.evidence import Device, scheme_version
from collector.appraisal.exposure import fits_revision
from collector.appraisal.facts import Model, Release
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.verdict import Track, Verdict, Verdicts
from collector.appraisal.versions import Relation, Version, is_version, relate

TRACKS: tuple[Track, Track] = ("S", "M")
_REPORTED = frozenset({Code.MODEL_UNKNOWN, Code.MODEL_AMBIGUOUS})


class Seen(Struct, frozen=True):
    """A device that E1 and E2 match with the model."""

    name: str
    device: Device
    market: str | None
    verdicts: Verdicts


class Home(Struct, frozen=True):
    """So many households of one kind.

    Attributes:
        reported: Whether one of its devices passes E1.
        matched: Its devices of this model.
    """

    times: int
    reported: bool
    matched: tuple[Seen, ...]

    def speaking(self, track: Track) -> Seen:
        """The device with the strongest level, then the first by V0's order, then by name."""
        return min(self.matched, key=lambda seen: _prominence(seen.verdicts[track], seen.name))

    def says(self, track: Track) -> Verdict:
        """What the speaking device's verdict is."""
        return self.speaking(track).verdicts[track]


class Newest(Struct, frozen=True):
    """The newest release that the shared facts show, and from when a report can be expected to run it."""

    release: Release
    version: Version
    available: datetime
    heard_from: datetime


def home(times: int, model: str, devices: Iterable[tuple[str, Appraisal]]) -> Home:
    """A home from its devices.

    Args:
        times: For how many households it stands.
        model: Which devices count.
        devices: The name of each, and how it was judged.
    """
    judged = list(devices)
    return Home(
        times=times,
        reported=any(isinstance(each.shown, Device) or each.shown.code in _REPORTED for _, each in judged),
        matched=tuple(
            Seen(name, each.shown, each.market, each.verdicts)
            for name, each in judged
            if isinstance(each.shown, Device) and each.shown.model.model == model
        ),
    )


def number(homes: Iterable[Home]) -> int:
    """How many households."""
    return sum(each.times for each in homes)


class Fleet:
    """The homes of one model, at one instant."""

    def __init__(self, model: str, record: Record, homes: Sequence[Home], at: At, policy: Policy) -> None:
        self.record = record
        self.at = at
        self.policy = policy
        self.zone = policy.zone(None)
        self.model: Model | None = next((each for each in record.models if each.model == model), None)
        self.matched = [each for each in homes if each.matched]
        self.households = number(self.matched)
        self.with_report = number(each for each in homes if each.reported)

    def homes(self, track: Track) -> list[Home]:
        """G-base: the matched households to which something is owed on a track."""
        return [each for each in self.matched if each.says(track).code not in NO_DUTY]

    @cached_property
    def newest(self) -> Newest | None:
        """The newest stable release of the model's scheme that is out and not lost."""
        if self.model is None or self.model.scheme == "opaque":
            return None
        newest: Newest | None = None
        for release in self.record.releases(self.model.model):
            found = self._obtainable(release, self.model)
            if found and (newest is None or relate(found.version, newest.version) is Relation.NEWER):
                newest = found
        return newest

    def runs_newest(self, seen: Seen) -> bool:
        """Whether a device runs the newest release or a newer one."""
        installed = seen.device.installed
        if installed is None or self.newest is None:
            return False
        return relate(installed, self.newest.version) in (Relation.SAME, Relation.NEWER)

    def heard(self) -> list[tuple[Home, bool]]:
        """The households that were heard since the newest release can be expected, each with whether it runs it."""
        by_home = [(each, [seen for seen in each.matched if self._is_heard(seen)]) for each in self.matched]
        return [(each, any(map(self.runs_newest, seen))) for each, seen in by_home if seen]

    def _is_heard(self, seen: Seen) -> bool:
        newest = self.newest
        if newest is None or seen.device.report.recorded_at < newest.heard_from:
            return False
        regions = newest.release.regions
        sold_here = regions is None or seen.market in regions
        return sold_here and fits_revision(newest.release, seen.device.report.hw_revision)

    def _obtainable(self, release: Release, model: Model) -> Newest | None:
        version = scheme_version(release, model)
        if release.channel != "stable" or version.scheme != model.scheme or not is_version(version):
            return None
        since = release.available_from
        available = since.bounds(self.zone)[1] if since else release.recorded_at
        lost = any(each is not None and self.at.reached(each) for each in (release.retracted_at, release.gone_at))
        if lost or not self.at.reached(available):
            return None
        return Newest(release, version, available, days_after(available, self.policy.rollout_grace_days, self.zone))


def _prominence(verdict: Verdict, name: str) -> tuple[int, int, str]:
    return -STRENGTH[verdict.level], RANK[verdict.code], name
