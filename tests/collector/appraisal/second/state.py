"""Section 8: what is missing and who owes it, in one completion."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.collector.appraisal.second.advisories import affected
from tests.collector.appraisal.second.duty import Duty, Track, Words
from tests.collector.appraisal.second.record import Case, Evidence, Fact, effective, recorded, role
from tests.collector.appraisal.second.values import (
    Moment,
    add_months,
    day_end,
    days_after,
    local_day,
    read_instant,
    read_moment,
    read_when,
)
from tests.collector.appraisal.second.versions import compare

ORDER = [
    "SUPPORT_DENIED_IN_WINDOW",
    "SECURITY_FIX_OVERDUE",
    "FIX_NOT_FREE",
    "FIX_NOT_DELIVERED",
    "EXTENDED_PROMISE_MISSED",
    "NOTICE_UNPROVEN",
    "CONSUMER_LAG",
    "UPDATE_PENDING",
    "FIX_AWAITED",
]
SUPPLY = ORDER[:4]
LEVELS = ["B", "A", "C", "N", "OK"]


@dataclass(frozen=True)
class Item:
    """One code about one advisory or release."""

    code: str
    level: str
    about: str
    since: int | None = None
    fell_due: int | None = None


@dataclass
class Outcome:
    """The code of one completion."""

    code: str
    level: str
    since: float | None = None
    about: set[str] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)
    reason: str | None = None


class State:
    """A track's releases and advisories as they stand at the judged instant."""

    def __init__(self, case: Case, evidence: Evidence, track: Track) -> None:
        self.case, self.evidence, self.track = case, evidence, track
        self.stable = [each for each in evidence.releases.values() if each.get("channel") in (None, "stable")]
        self.newer = [each for each in self.stable if self.stands(each) == "newer"]
        self.not_older = [each for each in self.stable if self.stands(each) in ("newer", "unknown")]

    def stands(self, release: Fact) -> str:
        """How a release stands to the installed version."""
        return compare(*self.evidence.version(release), *self.evidence.installed)

    def available(self, release: Fact) -> Moment:
        """When it came out."""
        if release.get("available_from"):
            return read_moment(release["available_from"], self.track.zone)
        return Moment(float("-inf"), recorded(release))

    def public(self, advisory: Fact) -> int:
        """V1."""
        return (
            read_moment(advisory["public_since"], self.track.zone).high
            if advisory.get("public_since")
            else recorded(advisory)
        )

    def exploited(self, advisory: Fact) -> int | None:
        """Since when, if that is by `at`."""
        if not advisory.get("exploited_since"):
            return None
        high = read_moment(advisory["exploited_since"], self.track.zone).high
        return high if high <= self.case.at else None

    def read(self) -> dict[str, Fact]:
        """V1: the advisories that count."""
        return {
            name: each
            for name, each in self.evidence.advisories.items()
            if self.public(each) <= self.case.at and affected(each, self.evidence, self.evidence.installed) is not False
        }

    def unknown_words(self) -> dict[str, list[Any]]:
        """C2: about advisories, releases and the report."""
        words: dict[str, list[Any]] = {}
        for name, advisory in self.read().items():
            if not advisory.get("severity"):
                words[f"advisory:{name}.severity"] = ["critical", "low"]
            if affected(advisory, self.evidence, self.evidence.installed) is None:
                words[f"advisory:{name}.affected"] = [True, False]
            if any(affected(advisory, self.evidence, self.evidence.version(each)) is None for each in self.not_older):
                words[f"advisory:{name}.fixed_in"] = [True, False]
        for version, release in self.evidence.releases.items():
            low, high = self.available(release)
            if low <= self.case.at < high:
                words[f"release:{version}.available_from"] = [True, False]
        if self.evidence.report.get("hw_revision") is None and (revisions := self.revisions()):
            words["report.hw_revision"] = revisions
        return words

    def revisions(self) -> list[int]:
        """C2: the hardware revisions to try."""
        releases = self.evidence.releases.values()
        lows = {each["hw_min"] for each in releases if each.get("hw_min") is not None}
        highs = {each["hw_max"] for each in releases if each.get("hw_max") is not None}
        return sorted({*lows, *highs, *(low - 1 for low in lows), *(high + 1 for high in highs)})

    def lost(self, release: Fact) -> int | None:
        """When it was retracted or went offline, if that is by `at`."""
        losses = [read_instant(release[name]) for name in ("retracted_at", "gone_at") if release.get(name)]
        return min((loss for loss in losses if loss <= self.case.at), default=None)

    def offered(self, release: Fact, words: Words) -> bool:
        """V2."""
        out = words.get(f"release:{release['version']}.available_from", self.available(release).high <= self.case.at)
        return bool(out) and self.lost(release) is None

    def applicable(self, release: Fact, words: Words) -> bool:
        """V2."""
        revision = words.get("report.hw_revision", self.evidence.report.get("hw_revision"))
        low, high = release.get("hw_min"), release.get("hw_max")
        if release.get("regions") is not None and self.track.market not in release["regions"]:
            return False
        return (low is None or revision >= low) and (high is None or revision <= high)

    def outcome(self, duty: Duty, words: Words) -> Outcome:
        """The code of one completion."""
        if duty.reason:
            return Outcome("NO_SELLER_DUTY" if self.track.name == "S" else "NO_MAKER_DUTY", "N", reason=duty.reason)
        if self.evidence.code:
            return Outcome(self.evidence.code, "N", flags=set(self.evidence.unlisted))
        return Judged(self, duty, words).outcome()


class Judged:
    """V3 to V10 under one duty and one choice of words."""

    def __init__(self, state: State, duty: Duty, words: Words) -> None:
        assert duty.start is not None
        self.state, self.duty, self.words = state, duty, words
        self.at, self.policy, self.zone = state.case.at, state.case.policy, state.track.zone
        self.start = duty.start
        self.end = self.start if duty.end is None else duty.end
        self.last = max(self.end, self.end if duty.extended is None else duty.extended)
        self.inside = self.at < self.end
        self.covered = self.at < self.last
        self.flags: set[str] = set()

    def outcome(self) -> Outcome:
        """Which count, V0, V9, V10."""
        self.flags |= withdrawn(self.state, self.duty)
        items = [item for name, advisory in self.state.read().items() for item in self.counting(name, advisory)]
        if self.covered:
            items += self.security_releases()
        for code in ORDER:
            having = [item for item in items if item.code == code]
            if having:
                level = min((item.level for item in having), key=LEVELS.index)
                speaking = [item for item in having if item.level == level]
                since = min((item.since for item in speaking if item.since is not None), default=None)
                return Outcome(code, level, since, {item.about for item in speaking}, self.flags)
        return self.quiet()

    def quiet(self) -> Outcome:
        """Nothing counts."""
        newer = [each for each in self.state.newer if self.good(each)]
        if not self.covered:
            self.flags |= {"UPDATE_OUTSTANDING"} if newer else set()
            if self.state.track.name == "M" and self.duty.cra and not self.told_of_end():
                self.flags.add("NO_END_NOTICE")
            return Outcome("SUPPORT_ENDED", "N", self.last, flags=self.flags)
        if newer:
            if any(each.get("security") is None and not each.get("fixes") for each in newer):
                self.flags.add("SECURITY_CONTENT_UNKNOWN")
            return Outcome(
                "FUNCTIONAL_UPDATE_PENDING", "OK", None, {f"release:{each['version']}" for each in newer}, self.flags
            )
        if any(self.state.stands(each) == "unknown" and self.good(each) for each in self.state.stable):
            return Outcome("VERSION_NOT_COMPARABLE", "N", flags=self.flags)
        if self.state.evidence.model.get("advisory_source") is not True:
            self.flags.add("NO_ADVISORY_SOURCE")
        return Outcome("UP_TO_DATE", "OK", flags=self.flags)

    def good(self, release: Fact) -> bool:
        """Applicable and offered."""
        return self.state.applicable(release, self.words) and self.state.offered(release, self.words)

    def told_of_end(self) -> bool:
        """F-end."""
        return any(
            role(each) == "manufacturer"
            and each["topic"] == "end_of_support"
            and each.get("received_at")
            and read_instant(each["received_at"]) <= self.at
            for each in self.state.case.of("notice")
        )

    def counting(self, name: str, advisory: Fact) -> Iterator[Item]:
        """V3 to V7 for one advisory, as far as it counts (S5, S6)."""
        evidence = self.state.evidence
        if not self.words.get(f"advisory:{name}.affected", affected(advisory, evidence, evidence.installed)):
            return
        item = self.item(name, advisory)
        supply = item.code in SUPPLY
        in_time = item.fell_due is not None and item.fell_due <= self.end
        if self.inside or (supply and in_time):
            yield item
        elif self.covered:
            yield Item("EXTENDED_PROMISE_MISSED", "A", item.about, item.since) if supply else item
        elif (supply or item.code == "FIX_AWAITED") and self.state.public(advisory) < self.last:
            self.flags.add("OPEN_AT_END")

    def item(self, name: str, advisory: Fact) -> Item:
        """V3 to V7 for one advisory that affects the device."""
        cures = [each for each in self.state.not_older if self.cures(name, advisory, each)]
        offered = [each for each in cures if self.state.offered(each, self.words)]
        good = [each for each in offered if self.state.applicable(each, self.words)]
        due = self.due(name, advisory)
        if good:
            urgent = self.state.exploited(advisory) is not None
            code, since = self.told(good, urgent)
            level = self.level(due) if code in SUPPLY else None
            return self.made(code, level, name, since, due)
        if offered:
            self.flags.add("FIX_ELSEWHERE")
        if advisory.get("no_fix") and effective(advisory) <= self.at and effective(advisory) < self.last:
            refused = max(effective(advisory), self.state.public(advisory))
            own = advisory["issuer"] in (f"manufacturer:{self.state.evidence.model['manufacturer']}", self.own_seller())
            return self.made("SUPPORT_DENIED_IN_WINDOW", self.level(refused) if own else "A", name, refused, refused)
        if self.at < due:
            return Item("FIX_AWAITED", "OK", name)
        losses = [self.state.lost(each) for each in cures if self.state.applicable(each, self.words)]
        since = max([due, *(loss for loss in losses if loss is not None)])
        return self.made("SECURITY_FIX_OVERDUE", self.level(due), name, since, due)

    def own_seller(self) -> str | None:
        """V3: on S the seller binds as well."""
        return self.state.track.debtor if self.state.track.name == "S" else None

    def cures(self, name: str, advisory: Fact, release: Fact) -> bool:
        """V2."""
        status = affected(advisory, self.state.evidence, self.state.evidence.version(release))
        return status is False or (status is None and bool(self.words.get(f"advisory:{name}.fixed_in")))

    def due(self, name: str, advisory: Fact) -> int:
        """V4."""
        evidence = self.state.evidence
        if self.state.track.name == "M" and evidence.model.get("class") == "phone" and advisory.get("os_release"):
            last = read_when(advisory["os_release"], self.zone).last
            return day_end(add_months(last, self.policy["phone_fix_months"]), self.zone)
        terms, public, exploited = (
            self.policy["fix_due_days"],
            self.state.public(advisory),
            self.state.exploited(advisory),
        )
        severity = self.words.get(f"advisory:{name}.severity") or advisory["severity"]
        due = days_after(public, terms[severity], self.zone)
        if exploited is None:
            return due
        return min(due, days_after(max(public, exploited), terms["exploited"], self.zone))

    def told(self, cures: list[Fact], urgent: bool) -> tuple[str, int | None]:
        """V5 to V7."""
        high = {each["version"]: self.state.available(each).high for each in cures}
        free = [each for each in cures if each.get("price") != "paid"]
        if not free:
            return "FIX_NOT_FREE", min(high.values())
        grace = self.policy["rollout_grace_days"]
        rolled_out = min(days_after(high[each["version"]], grace, self.zone) for each in free)
        offer = (self.state.evidence.report.get("offer") or {}).get("result")
        if offer in ("none", "failed") and self.at >= rolled_out:
            return "FIX_NOT_DELIVERED", rolled_out
        proven, unproven = [], []
        for each in free:
            days = self.policy[
                "reasonable_days_urgent" if urgent and each.get("one_click") is True else "reasonable_days"
            ]
            unproven.append(days_after(high[each["version"]], days, self.zone))
            told = [max(high[each["version"]], received) for received in self.notices(each)]
            proven += [days_after(since, days, self.zone) for since in told]
        deadline = min(proven or unproven)
        if self.at < deadline:
            return "UPDATE_PENDING", None
        return ("CONSUMER_LAG" if proven else "NOTICE_UNPROVEN"), deadline

    def notices(self, release: Fact) -> Iterator[int]:
        """V7: when each proven notice of a release was received."""
        version, scheme = self.state.evidence.version(release)
        for each in self.state.case.of("notice"):
            received = read_instant(each["received_at"]) if each.get("received_at") else None
            told = each.get("says_available") is True and each.get("says_consequence") is True
            if role(each) in ("seller", "manufacturer") and each["topic"] == "update" and told and received is not None:
                same = compare(each.get("version") or "", scheme, version, scheme) == "same"
                if same and received <= self.at and each.get("instructions") == "ok":
                    yield received

    def security_releases(self) -> list[Item]:
        """V8."""
        on_record = self.state.evidence.advisories
        good = [
            each
            for each in self.state.newer
            if self.good(each)
            and (each.get("security") is True or each.get("fixes"))
            and (not each.get("fixes") or any(fix not in on_record for fix in each["fixes"]))
        ]
        if not good:
            return []
        code, since = self.told(good, urgent=False)
        first = min(good, key=lambda each: (self.state.available(each).high, each["version"]))
        about = f"release:{first['version']}"
        hard_end = self.duty.hard_end
        level = self.track_level(hard_end is not None and self.at < hard_end)
        item = self.made(code, level if code in SUPPLY else None, about, since, None)
        if code in SUPPLY and not self.inside:
            item = Item("EXTENDED_PROMISE_MISSED", "A", about, item.since)
        return [item]

    def made(self, code: str, level: str | None, about: str, since: int | None, due: int | None) -> Item:
        """An item whose `since` does not lie before the start."""
        if since is not None and code != "CONSUMER_LAG":
            since = max(since, self.start)
        levels = {"NOTICE_UNPROVEN": "A", "CONSUMER_LAG": "C", "UPDATE_PENDING": "OK"}
        return Item(code, level or levels[code], about, since, due)

    def level(self, fell_due: int) -> str:
        """Level."""
        hard_end = self.duty.hard_end
        return self.track_level(hard_end is not None and (self.at < hard_end or fell_due <= hard_end))

    def track_level(self, hard: bool) -> str:
        """B where the track allows it."""
        return "B" if (self.duty.cra if self.state.track.name == "M" else hard) else "A"


def withdrawn(state: State, duty: Duty) -> set[str]:
    """F-withdrawn."""
    if state.track.name != "M" or not duty.cra:
        return set()
    assert duty.start is not None
    assert duty.end is not None
    for release in state.evidence.releases.values():
        available = state.available(release).high
        gone = release.get("gone_at") and read_instant(release["gone_at"]) <= state.case.at
        if gone and (release.get("security") is True or release.get("fixes")) and duty.start <= available < duty.end:
            kept = day_end(
                add_months(local_day(available, state.track.zone), state.case.policy["cra_keep_months"]),
                state.track.zone,
            )
            if state.case.at < max(duty.end, kept):
                return {"FIX_WITHDRAWN"}
    return set()
