"""Sections 2 and 5: which facts count (K), which report speaks (E1), for which model (E2), of which version (E3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.collector.appraisal.second.forms import Facts
from tests.collector.appraisal.second.values import day_end, local_day, read_instant, read_when
from tests.collector.appraisal.second.versions import compare, is_version

Fact = dict[str, Any]
RANKS = ["third_party", "operator", "seller", "manufacturer"]


def recorded(fact: Fact) -> int:
    """When our log received it."""
    return read_instant(fact["recorded_at"])


def effective(fact: Fact) -> int:
    """When its issuer said it."""
    return read_instant(fact["asserted_at"]) if fact.get("asserted_at") else recorded(fact)


def role(fact: Fact) -> str:
    """The issuer's."""
    return str(fact["issuer"]).partition(":")[0]


def counted(facts: Iterable[Fact], known: int) -> Facts:
    """K1, K2."""
    seen = [fact for fact in facts if recorded(fact) <= known]
    removed = {(fact["corrects"], fact["kind"], fact["issuer"]) for fact in seen if fact.get("corrects")}
    return [fact for fact in seen if (fact["id"], fact["kind"], fact["issuer"]) not in removed]


def best(facts: Iterable[Fact], key: str) -> dict[str, Fact]:
    """K4: one fact per key."""

    def strength(fact: Fact) -> tuple[int, int, str]:
        return RANKS.index(role(fact)) if role(fact) in RANKS else -1, recorded(fact), fact["id"]

    return {fact[key]: fact for fact in sorted(facts, key=strength)}


@dataclass(frozen=True)
class Case:
    """What is asked: the counted facts of one device, an instant and a policy."""

    facts: Facts
    at: int
    policy: dict[str, Any]

    def of(self, kind: str) -> Facts:
        """The counted facts of a kind."""
        return [fact for fact in self.facts if fact["kind"] == kind]

    def row(self, jurisdiction: str | None) -> dict[str, Any]:
        """The policy's row, or nothing."""
        found: dict[str, Any] = self.policy["jurisdictions"].get(jurisdiction, {})
        return found

    def zone(self, jurisdiction: str | None) -> str:
        """D1."""
        return str((self.row(jurisdiction) or self.row(self.policy["default_market"]))["zone"])

    def reports(self) -> Facts:
        """E1: those by `at`, in order."""
        by_at = [fact for fact in self.of("report") if recorded(fact) <= self.at]
        return sorted(by_at, key=lambda fact: (recorded(fact), fact["seq"], fact["id"]))

    def first_report(self, zone: str) -> date:
        """The day of the first accepted report, of any result and time."""
        return local_day(min(recorded(fact) for fact in self.of("report") if not fact.get("rejected")), zone)


@dataclass
class Evidence:
    """What the reports show."""

    code: str | None = None
    missing: list[str] = field(default_factory=list)
    model: Fact = field(default_factory=dict)
    report: Fact = field(default_factory=dict)
    releases: dict[str, Fact] = field(default_factory=dict)
    advisories: dict[str, Fact] = field(default_factory=dict)
    match: Fact = field(default_factory=dict)
    installed: tuple[str, str] = ("", "opaque")
    flags: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)

    @property
    def ends_both_tracks(self) -> bool:
        """E1 and E2."""
        return self.code is not None and not self.model

    def version(self, release: Fact) -> tuple[str, str]:
        """A release's version with its scheme."""
        return release["version"], release.get("scheme") or self.model.get("scheme") or "opaque"


def matching(case: Case, report: Fact) -> Facts:
    """E2: the models that share an id with a report."""
    return [model for model in best(case.of("model"), "model").values() if set(model["ids"]) & set(report["ids"])]


def read_evidence(case: Case) -> Evidence:
    """E1, E2, E3 and the flags of the device."""
    reports = case.reports()
    accepted = [report for report in reports if not report.get("rejected")]
    usable = [report for report in accepted if report["result"] == "ok"]
    evidence = Evidence()
    silent = case.policy["silent_after"]
    if len(accepted) >= silent and all(report["result"] != "ok" for report in accepted[-silent:]):
        evidence.flags.add("DEVICE_SILENT")
    models = matching(case, usable[-1]) if usable else []
    power = (models[0].get("power") if len(models) == 1 else None) or "mains"
    oldest = case.at - case.policy["report_max_age_days"][power] * 86400
    if not usable or recorded(usable[-1]) <= oldest:
        rejected = any(report.get("rejected") and recorded(report) > oldest for report in reports)
        evidence.code = "EVIDENCE_REJECTED" if rejected else "INSUFFICIENT_EVIDENCE"
        evidence.missing = [] if rejected else ["report"]
    elif len(models) != 1:
        evidence.code = "MODEL_AMBIGUOUS" if models else "MODEL_UNKNOWN"
    else:
        evidence.model, evidence.report = models[0], usable[-1]
        read_version(case, evidence)
        evidence.flags.update(rolled_back(case, evidence, usable[:-1]))
    return evidence


def read_version(case: Case, evidence: Evidence) -> None:
    """E3."""
    name = evidence.model["model"]
    evidence.releases = best((fact for fact in case.of("release") if fact["model"] == name), "version")
    evidence.advisories = best((fact for fact in case.of("advisory") if fact["model"] == name), "advisory")
    match, evidence.installed = installed(evidence, evidence.report)
    raw = (
        evidence.report.get("version_raw") or "",
        evidence.report.get("scheme") or evidence.model.get("scheme") or "opaque",
    )
    releases = list(evidence.releases.values())
    if match:
        evidence.match = match
        alternatives = {evidence.report.get("version_alt"), match.get("version_alt")} - {None}
        if len(alternatives) == 2 or compare(*evidence.installed, *raw) in ("older", "newer"):
            evidence.flags.add("VERSION_CONFLICT")
        if match.get("retracted_at") and read_instant(match["retracted_at"]) <= case.at:
            evidence.flags.add("RETRACTED_INSTALLED")
    elif not is_version(*raw) or (releases and all(evidence.version(each)[1] != raw[1] for each in releases)):
        evidence.code = "VERSION_NOT_COMPARABLE"
    else:
        evidence.code = "FIRMWARE_UNKNOWN"
        stands = {compare(*raw, *evidence.version(each)) for each in releases}
        if stands == {"newer"}:
            evidence.unlisted.add("CATALOGUE_BEHIND")
        if stands == {"older"}:
            evidence.unlisted.add("PRE_CATALOGUE")


def installed(evidence: Evidence, report: Fact) -> tuple[Fact, tuple[str, str]]:
    """The release that a report names, and the version it stands for."""
    raw = (report.get("version_raw") or "", report.get("scheme") or evidence.model.get("scheme") or "opaque")
    ordered = sorted(evidence.releases.values(), key=lambda release: release["version"])
    for release in ordered:
        if report.get("digest") is not None and report["digest"] in (release.get("digests") or []):
            return release, evidence.version(release)
    for release in ordered:
        if compare(*raw, *evidence.version(release)) == "same":
            return release, raw
    return {}, raw


def rolled_back(case: Case, evidence: Evidence, earlier: Facts) -> Iterator[str]:
    """F-rollback."""
    newest: Fact = {}
    version = evidence.installed
    for report in earlier:
        read = installed(evidence, report)[1]
        stands = compare(*read, *version)
        if stands == "newer" or (newest and stands == "same"):
            newest, version = report, read
    if not newest:
        return
    if newest.get("hw") and evidence.report.get("hw") and newest["hw"] != evidence.report["hw"]:
        yield "ROLLBACK_DEVICE_SWAPPED"
    elif any(
        compare(*evidence.version(release), *version) == "same"
        and release.get("retracted_at")
        and read_instant(release["retracted_at"]) <= case.at
        for release in evidence.releases.values()
    ):
        yield "ROLLBACK_VENDOR"
    else:
        yield "ROLLBACK_UNEXPLAINED"


def debtor_gone(case: Case, debtor: str, zone: str) -> bool:
    """F-debtor."""
    gone = [fact for fact in case.of("party") if fact["party"] == debtor]
    return any(case.at >= day_end(read_when(fact["ceased"], zone).last, zone) for fact in gone)
