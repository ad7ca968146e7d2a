"""What the reports say of the device: which report speaks, which model it is, what is installed (section 5, E1 to E3).

The outcome is the same for both tracks. E1 and E2 end the appraisal; an E3 code does not, because a window can be
shown for a device whose software is not known.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.codes import Code, Flag
from collector.appraisal.days import shift
from collector.appraisal.facts import Model, Release, Report
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.versions import Relation, Version, is_version, relate


class Ended(Struct, frozen=True):
    """E1 or E2 ends both tracks; `model` is the one that the newest usable report matches, however old it is."""

    code: Code
    flags: frozenset[Flag]
    missing: tuple[str, ...] = ()
    model: Model | None = None


class Device(Struct, frozen=True):
    """The device as its newest usable report shows it.

    Attributes:
        installed: The version that the report or its digest names; None if it names none.
        listed: The release that matches it.
        code: What E3 says if none does.
        flags: What holds whatever the code becomes.
        code_flags: What belongs to `code`.
    """

    model: Model
    report: Report
    releases: tuple[Release, ...]
    installed: Version | None
    listed: Release | None
    code: Code | None
    flags: frozenset[Flag]
    code_flags: frozenset[Flag]


def scheme_version(release: Release, model: Model) -> Version:
    """A release's version in the scheme that it is meant in: its own, else the model's."""
    return Version(release.version, release.scheme or model.scheme)


def examine(record: Record, at: At, policy: Policy) -> Ended | Device:
    """What the reports show.

    Args:
        record: The facts that count.
        at: The judged instant.
        policy: The numbers.
    """
    reports = [report for report in record.reports if at.reached(report.recorded_at)]
    usable = [report for report in reports if report.usable]
    silent = _silent(reports, policy)
    models = matching(record.models, usable[-1].ids) if usable else []
    age = report_age(models, policy)
    if not usable or at.outlived(shift(usable[-1].recorded_at, age)):  # E1
        model = models[0] if len(models) == 1 else None
        if any(report.rejected and not at.reached(shift(report.recorded_at, age)) for report in reports):
            return Ended(Code.EVIDENCE_REJECTED, silent, model=model)
        return Ended(Code.INSUFFICIENT_EVIDENCE, silent, ("report",), model)
    if len(models) != 1:  # E2
        return Ended(Code.MODEL_AMBIGUOUS if models else Code.MODEL_UNKNOWN, silent)
    return _identify(models[0], usable, record, at, silent)


def matching(models: Iterable[Model], ids: Iterable[str]) -> list[Model]:
    """E2: the models that share an id with what was reported."""
    return [model for model in models if not set(model.ids).isdisjoint(ids)]


def report_age(models: Sequence[Model], policy: Policy) -> timedelta:
    """E1: how old a report may be, by the power of the one model that it matches, else mains."""
    battery = len(models) == 1 and models[0].power == "battery"
    ages = policy.report_max_age_days
    return timedelta(days=ages.battery if battery else ages.mains)


def _silent(reports: Sequence[Report], policy: Policy) -> frozenset[Flag]:
    """F-silent: the last accepted reports are all not ok."""
    last = [report.usable for report in reports if report.rejected is None][-policy.silent_after :]
    return frozenset({Flag.DEVICE_SILENT} if len(last) == policy.silent_after and not any(last) else ())


def _identify(model: Model, usable: Sequence[Report], record: Record, at: At, silent: frozenset[Flag]) -> Device:
    """E3: the installed version and the release that it is."""
    releases = record.releases(model.model)
    report = usable[-1]
    read = _as_read(report, model)
    listed = by_digest = _by_digest(report, releases)
    installed = scheme_version(by_digest, model) if by_digest else read
    if by_digest is None and read is not None:
        listed = _smallest([rel for rel in releases if relate(scheme_version(rel, model), read) is Relation.SAME])
    flags = set(silent)
    if by_digest and read and relate(read, scheme_version(by_digest, model)) in (Relation.OLDER, Relation.NEWER):
        flags.add(Flag.VERSION_CONFLICT)
    if listed and None not in (pair := (listed.version_alt, report.version_alt)) and pair[0] != pair[1]:
        flags.add(Flag.VERSION_CONFLICT)
    if listed and listed.retracted_at and at.reached(listed.retracted_at):  # F-retracted
        flags.add(Flag.RETRACTED_INSTALLED)
    if installed and (rollback := _rollback(installed, usable, model, releases, at)):
        flags.add(rollback)
    code, code_flags = (None, frozenset[Flag]()) if listed else _unlisted(read, releases, model)
    return Device(model, report, tuple(releases), installed, listed, code, frozenset(flags), code_flags)


def _as_read(report: Report, model: Model) -> Version | None:
    return Version(report.version_raw, report.scheme or model.scheme) if report.version_raw is not None else None


def _by_digest(report: Report, releases: Sequence[Release]) -> Release | None:
    return _smallest([rel for rel in releases if report.digest is not None and report.digest in rel.digests])


def _smallest(releases: Sequence[Release]) -> Release | None:
    return min(releases, key=lambda release: release.version, default=None)


def _unlisted(read: Version | None, releases: Sequence[Release], model: Model) -> tuple[Code, frozenset[Flag]]:
    """E3: what is said of a version that no release matches."""
    versions = [scheme_version(release, model) for release in releases]
    if read is None or not is_version(read) or (versions and all(v.scheme != read.scheme for v in versions)):
        return Code.VERSION_NOT_COMPARABLE, frozenset()
    relations = {relate(read, version) for version in versions}
    if relations == {Relation.NEWER}:
        return Code.FIRMWARE_UNKNOWN, frozenset({Flag.CATALOGUE_BEHIND})
    if relations == {Relation.OLDER}:
        return Code.FIRMWARE_UNKNOWN, frozenset({Flag.PRE_CATALOGUE})
    return Code.FIRMWARE_UNKNOWN, frozenset()


def _rollback(
    installed: Version, usable: Sequence[Report], model: Model, releases: Sequence[Release], at: At
) -> Flag | None:
    """F-rollback: why the device runs something older than it once did."""
    newest: tuple[Version, Report] | None = None
    for report in usable[:-1]:
        by_digest = _by_digest(report, releases)
        version = scheme_version(by_digest, model) if by_digest else _as_read(report, model)
        if version is None or relate(installed, version) is not Relation.OLDER:
            continue
        if newest is None or relate(version, newest[0]) in (Relation.SAME, Relation.NEWER):
            newest = version, report
    if newest is None:
        return None
    left, now = newest[1].hw, usable[-1].hw
    if left is not None and now is not None and left != now:
        return Flag.ROLLBACK_DEVICE_SWAPPED
    same = [rel for rel in releases if relate(scheme_version(rel, model), newest[0]) is Relation.SAME]
    retracted = any(rel.retracted_at is not None and at.reached(rel.retracted_at) for rel in same)
    return Flag.ROLLBACK_VENDOR if retracted else Flag.ROLLBACK_UNEXPLAINED
