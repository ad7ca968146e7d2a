"""What bears on a device on one track: releases it could have, advisories, unknown words about both (C2, V1, V2).

All of this is worked out once for a track. What then varies with the completions is small: `Shared` holds the unknown
words that bear on every advisory, `Exposure.choices` those of one advisory alone.
"""

from datetime import datetime
from itertools import product

from msgspec import Struct

from collector.appraisal.affected import Truth, scope
from collector.appraisal.at import At
from collector.appraisal.days import EARLIEST, add_months, day_end, days_after
from collector.appraisal.evidence import Device, scheme_version
from collector.appraisal.facts import Advisory, Notice, Release, Severity
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.versions import Relation, Version, relate
from collector.appraisal.windows import Ground

Words = tuple[tuple[str, tuple[str, ...]], ...]
"""The names of unknown words, each with the values it may take."""
_REVISION = "report.hw_revision"


class Candidate(Struct, frozen=True):
    """A stable release that is not known to be older than, or the same as, what is installed.

    Attributes:
        relation: How it stands to the installed version: newer, or unknown.
        available: Its availability: the latest possible second.
        out: Whether it is out; None if the judged instant lies within the doubt.
        lost: Since when it is retracted or gone, if it is.
        sold_here: Whether it is for the market of the unit.
        told: When a proven notice of it first reached the consumer.
    """

    release: Release
    version: Version
    relation: Relation
    available: datetime
    out: Truth
    lost: datetime | None
    sold_here: bool
    told: datetime | None


class Shared(Struct, frozen=True):
    """One completion of the words that bear on every advisory."""

    hw_revision: int | None
    out: frozenset[str]

    def offers(self, candidate: Candidate) -> bool:
        """V2: whether a release is out and not lost."""
        out = candidate.out if candidate.out is not None else candidate.release.version in self.out
        return out and candidate.lost is None

    def fits(self, candidate: Candidate) -> bool:
        """V2: whether a release is applicable: for this market and this hardware revision."""
        return candidate.sold_here and fits_revision(candidate.release, self.hw_revision)


class Choice(Struct, frozen=True):
    """One completion of the words about one advisory: what is due when, and what cures it."""

    affected: bool
    due: datetime
    cures: tuple[Candidate, ...]


class Exposure(Struct, frozen=True):
    """An advisory that is public and may affect the installed version (V1).

    Attributes:
        exploited: Whether it is known to be exploited by the judged instant.
        choices: One for each combination of the values of `words`, in that order.
    """

    advisory: Advisory
    public: datetime
    exploited: bool
    words: Words
    choices: tuple[Choice, ...]


class Outlook(Struct, frozen=True):
    """Everything that bears on the device on one track.

    Attributes:
        shared_words: The unknown words that bear on every advisory.
        on_record: The names of all advisories on the model.
    """

    device: Device
    candidates: tuple[Candidate, ...]
    exposures: tuple[Exposure, ...]
    shared_words: Words
    on_record: frozenset[str]

    def unknown_words(self) -> list[str]:
        """C3: the names of all unknown words about advisories, releases and the report."""
        of_advisories = [name for exposure in self.exposures for name, _ in exposure.words]
        return [name for name, _ in self.shared_words] + of_advisories

    def shared(self) -> list[Shared]:
        """One for each combination of the values of `shared_words`, in that order."""
        names = [name for name, _ in self.shared_words]
        return [self._filled(dict(zip(names, values, strict=True))) for values in combinations(self.shared_words)]

    def _filled(self, words: dict[str, str]) -> Shared:
        revision = words.get(_REVISION)
        return Shared(
            hw_revision=self.device.report.hw_revision if revision is None else int(revision),
            out=frozenset(rel.version for rel in self.device.releases if words.get(_availability(rel)) == "out"),
        )


def fits_revision(release: Release, revision: int | None) -> bool:
    """Whether a hardware revision is in a release's bounds; an unknown one does not fit any."""
    low, high = release.hw_min, release.hw_max
    if revision is None:
        return low is None and high is None
    return (low is None or low <= revision) and (high is None or revision <= high)


def available(release: Release, ground: Ground) -> tuple[datetime, datetime]:
    """The earliest and the latest second at which a release can have become available."""
    if release.available_from is None:
        return EARLIEST, release.recorded_at
    return release.available_from.bounds(ground.zone)


def combinations(words: Words) -> list[tuple[str, ...]]:
    """Every way to fill in the words."""
    return list(product(*(values for _, values in words)))


def outlook(record: Record, device: Device, installed: Version, ground: Ground, at: At, policy: Policy) -> Outlook:
    """What bears on the device, with that version installed, on one track."""
    candidates = _candidates(record, device, installed, ground, at)
    advisories = record.advisories(device.model.model)
    exposures = [_expose(each, candidates, device, installed, ground, at, policy) for each in advisories]
    return Outlook(
        device=device,
        candidates=candidates,
        exposures=tuple(exposure for exposure in exposures if exposure is not None),
        shared_words=_shared_words(device, ground, at),
        on_record=frozenset(advisory.advisory for advisory in advisories),
    )


class Outlooks:
    """The outlooks of devices beside the same facts about their models, at one judged instant: each worked out once.

    What an outlook rests on beyond that is what is installed, the hardware, the notices, and the ground of the track.
    """

    def __init__(self) -> None:
        self._known: dict[object, tuple[Outlook, datetime | None]] = {}

    def of(self, record: Record, device: Device, installed: Version, ground: Ground, at: At, policy: Policy) -> Outlook:
        """What bears on the device; what the judged instant was asked for is asked of it again."""
        place = (ground.track, ground.zone, ground.market)
        which = (device.model, installed, device.report.hw_revision, place, tuple(record.notices))
        if which not in self._known:
            apart = At(at.instant)
            self._known[which] = outlook(record, device, installed, ground, apart, policy), apart.changes_at
        found, changes_at = self._known[which]
        if changes_at is not None:
            at.reached(changes_at)
        return found


def _availability(release: Release) -> str:
    return f"release:{release.version}.available_from"


def _shared_words(device: Device, ground: Ground, at: At) -> Words:
    """C2: the availability of releases, and the hardware revision."""
    words: list[tuple[str, tuple[str, ...]]] = []
    for release in device.releases:
        low, high = available(release, ground)
        if at.reached(low) and not at.reached(high):
            words.append((_availability(release), ("out", "not out")))
    lows = {rel.hw_min for rel in device.releases if rel.hw_min is not None}
    highs = {rel.hw_max for rel in device.releases if rel.hw_max is not None}
    if device.report.hw_revision is None and lows | highs:
        revisions = lows | highs | {low - 1 for low in lows} | {high + 1 for high in highs}
        words.append((_REVISION, tuple(str(revision) for revision in sorted(revisions))))
    return tuple(words)


def _candidates(record: Record, device: Device, installed: Version, ground: Ground, at: At) -> tuple[Candidate, ...]:
    found = []
    for release in device.releases:
        version = scheme_version(release, device.model)
        relation = relate(version, installed)
        if release.channel != "stable" or relation in (Relation.OLDER, Relation.SAME):
            continue
        low, high = available(release, ground)
        losses = [each for each in (release.retracted_at, release.gone_at) if each and at.reached(each)]
        candidate = Candidate(
            release=release,
            version=version,
            relation=relation,
            available=high,
            out=True if at.reached(high) else None if at.reached(low) else False,
            lost=min(losses, default=None),
            sold_here=release.regions is None or ground.market in release.regions,
            told=min((each for each in _told(record.notices, version, at)), default=None),
        )
        found.append(candidate)
    return tuple(found)


def _told(notices: list[Notice], version: Version, at: At) -> list[datetime]:
    """V7: when proven notices of a release reached the consumer."""
    return [
        notice.received_at
        for notice in notices
        if notice.role in ("seller", "manufacturer")
        and notice.topic == "update"
        and notice.version is not None
        and relate(Version(notice.version, version.scheme), version) is Relation.SAME
        and notice.received_at is not None
        and at.reached(notice.received_at)
        and notice.says_available
        and notice.says_consequence
        and notice.instructions == "ok"
    ]


def _expose(
    advisory: Advisory,
    candidates: tuple[Candidate, ...],
    device: Device,
    installed: Version,
    ground: Ground,
    at: At,
    policy: Policy,
) -> Exposure | None:
    """V1: the advisory, if it is public and not known to spare the installed version."""
    since = advisory.public_since
    public = since.bounds(ground.zone)[1] if since else advisory.recorded_at
    if not at.reached(public):
        return None
    model = device.model
    fixing = [scheme_version(rel, model) for rel in device.releases if advisory.advisory in rel.fixes]
    said = scope(advisory, fixing, model.scheme)
    affected = said.affects(installed)
    if affected is False:
        return None
    hits = [(candidate, said.affects(candidate.version)) for candidate in candidates]
    exploited = advisory.exploited_since.bounds(ground.zone)[1] if advisory.exploited_since else None
    exploited = exploited if exploited and at.reached(exploited) else None
    words = _words(advisory, affected, any(hit is None for _, hit in hits))
    choices = []
    for values in combinations(words):
        filled = dict(zip((name.rpartition(".")[2] for name, _ in words), values, strict=True))
        severity = advisory.severity or ("critical" if filled["severity"] == "critical" else "low")
        doubt = filled.get("fixed_in") == "yes"
        choices.append(
            Choice(
                affected=bool(affected) or filled.get("affected") == "yes",
                due=_due(advisory, severity, public, exploited, device, ground, policy),
                cures=tuple(each for each, hit in hits if hit is False or (hit is None and doubt)),
            )
        )
    return Exposure(advisory, public, exploited is not None, words, tuple(choices))


def _words(advisory: Advisory, affected: Truth, cure_in_doubt: bool) -> Words:
    """C2: the unknown words about one advisory."""
    words: list[tuple[str, tuple[str, ...]]] = []
    if advisory.severity is None:
        words.append((f"advisory:{advisory.advisory}.severity", ("critical", "low")))
    if affected is None:
        words.append((f"advisory:{advisory.advisory}.affected", ("yes", "no")))
    if cure_in_doubt:
        words.append((f"advisory:{advisory.advisory}.fixed_in", ("yes", "no")))
    return tuple(words)


def _due(
    advisory: Advisory,
    severity: Severity,
    public: datetime,
    exploited: datetime | None,
    device: Device,
    ground: Ground,
    policy: Policy,
) -> datetime:
    """V4: when a fix is due."""
    days, zone = policy.fix_due_days, ground.zone
    if ground.track == "M" and device.model.device_class == "phone" and advisory.os_release:
        return day_end(add_months(advisory.os_release.days(zone)[1], policy.phone_fix_months), zone)
    allowed = {"critical": days.critical, "high": days.high, "medium": days.medium, "low": days.low}
    due = days_after(public, allowed[severity], zone)
    return due if exploited is None else min(due, days_after(max(public, exploited), days.exploited, zone))
