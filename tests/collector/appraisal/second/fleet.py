"""Section 11: one model over many homes."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tests.collector.appraisal.second.duty import market
from tests.collector.appraisal.second.forms import Facts, refuse_invalid
from tests.collector.appraisal.second.record import (
    Case,
    Evidence,
    Fact,
    best,
    counted,
    effective,
    read_evidence,
    recorded,
    role,
)
from tests.collector.appraisal.second.state import LEVELS, ORDER
from tests.collector.appraisal.second.values import (
    add_months,
    day_end,
    days_after,
    read_date_time,
    read_day,
    read_instant,
    read_moment,
    read_month,
    read_when,
)
from tests.collector.appraisal.second.verdict import Verdict, verdicts
from tests.collector.appraisal.second.versions import compare, is_version, stripped

Finding = dict[str, Any]
NO_DUTY = ("NO_SELLER_DUTY", "NO_MAKER_DUTY")


@dataclass(frozen=True)
class Device:
    """One device of a household, judged."""

    name: str
    case: Case
    evidence: Evidence
    verdicts: dict[str, Verdict]

    def strength(self, track: str) -> tuple[int, int, str]:
        """Who speaks first on a track."""
        verdict = self.verdicts[track]
        order = ORDER.index(verdict["code"]) if verdict["code"] in ORDER else len(ORDER)
        return LEVELS.index(verdict["level"]), order, self.name


def fleet_verdict(fleet: dict[str, Any], at: int, known: int, policy: dict[str, Any]) -> dict[str, Any]:
    """G0 to G12."""
    return Fleet(fleet, at, known, policy).verdict()


class Fleet:
    """The homes of one model."""

    def __init__(self, fleet: dict[str, Any], at: int, known: int, policy: dict[str, Any]) -> None:
        self.model, self.policy, self.numbers, self.at = fleet["model"], policy, policy["fleet"], at
        refuse_invalid(fleet["shared"])
        self.shared = Case(counted(fleet["shared"], known), at, policy)
        self.zone = self.shared.zone(None)
        self.entry = best(self.shared.of("model"), "model").get(self.model, {})
        homes: list[list[Device]] = []
        for household in fleet["households"]:
            devices = [judged(fleet["shared"], device, at, known, policy) for device in household["devices"]]
            homes += [devices] * household.get("repeat", 1)
        self.with_report = [devices for devices in homes if any(map(passes_e1, devices))]
        matched = [[each for each in devices if each.evidence.model.get("model") == self.model] for devices in homes]
        self.matched = [devices for devices in matched if devices]
        self.newest = self.newest_release()

    def verdict(self) -> dict[str, Any]:
        """The findings, in order."""
        return {
            "model": self.model,
            "households": len(self.matched),
            "with_report": len(self.with_report),
            "findings": list(self.small()) or self.all_findings(),
            "policy_version": self.policy["policy_version"],
        }

    def all_findings(self) -> list[Finding]:
        """G1 to G12."""
        found = []
        for track in "SM":
            own = [finding for rule in self.rules() for finding in rule(track)]
            found += own or list(self.nothing_found(track))
        return sorted(found, key=lambda each: (int(each["rule"][1:]), each["track"] == "M"))

    def rules(self) -> list[Callable[[str], Iterator[Finding]]]:
        """G1 to G11."""
        return [
            self.no_window,
            self.shortened,
            self.contradictory,
            self.overdue,
            self.unseen,
            self.stalled,
            self.notices,
            self.lag,
            self.waivers,
            self.unlisted,
            self.carousel,
        ]

    def speaking(self, track: str) -> list[Device]:
        """The device of each matched household that speaks."""
        return [min(devices, key=lambda device: device.strength(track)) for devices in self.matched]

    def based(self, track: str) -> list[Device]:
        """G-base."""
        return [device for device in self.speaking(track) if device.verdicts[track]["code"] not in NO_DUTY]

    def made(self, rule: str, track: str | None, code: str, level: str, count: int, of: int, **more: Any) -> Finding:
        """A finding, with whether it may be published."""
        small = range(1, self.numbers["min_cell"])
        publishable = of >= self.numbers["min_households"] and count not in small and of - count not in small
        finding = {"rule": rule, "track": track, "code": code, "level": level, "count": count, "of": of}
        return finding | {"about": sorted(more.get("about", [])), "days": more.get("days"), "publishable": publishable}

    def small(self) -> Iterator[Finding]:
        """G0."""
        n, of = len(self.matched), len(self.with_report)
        if n < self.numbers["min_households"]:
            yield self.made("G0", None, "FLEET_TOO_SMALL", "N", n, of)
        elif n * 100 < self.numbers["min_coverage_percent"] * of:
            yield self.made("G0", None, "COVERAGE_LOW", "N", n, of)

    def no_window(self, track: str) -> Iterator[Finding]:
        """G1."""
        shown = [device.verdicts[track] for device in self.speaking(track)]
        shown = [each for each in shown if each["window"]["start"] or each["window"]["basis"] or each["window_finding"]]
        missing = [
            each["window_finding"]["level"]
            for each in shown
            if (each["window_finding"] or {}).get("code") == "WINDOW_MISSING"
        ]
        if shown and len(missing) == len(shown):
            yield self.made(
                "G1", track, "NO_PUBLISHED_WINDOW", "B" if set(missing) == {"B"} else "A", len(shown), len(shown)
            )

    def shortened(self, track: str) -> Iterator[Finding]:
        """G2."""
        homes = self.based(track)
        cut = [each.verdicts[track] for each in homes if "WINDOW_SHORTENED_LATER" in each.verdicts[track]["flags"]]
        if cut:
            level = "B" if any(each["level"] == "B" for each in cut) else "A"
            yield self.made("G2", track, "WINDOW_SHORTENED", level, len(cut), len(homes))

    def contradictory(self, track: str) -> Iterator[Finding]:
        """G3."""
        maker = f"manufacturer:{self.entry.get('manufacturer')}"
        windows = [fact for fact in self.shared.of("window") if fact["model"] == self.model]
        stated = [fact for fact in windows if (role(fact) == "seller" if track == "S" else fact["issuer"] == maker)]
        live = [fact for fact in stated if fact.get("end") is not None and self.in_force(fact, windows)]
        about = {fact["id"] for pair in combinations(live, 2) if self.contradict(*pair) for fact in pair}
        if about:
            of = len(self.based(track))
            yield self.made("G3", track, "WINDOW_CONTRADICTORY", "A", of, of, about=about)

    def in_force(self, fact: Fact, windows: Facts) -> bool:
        """Section 7, at the judged instant."""
        replaced = [
            each for each in windows if fact["id"] in (each.get("replaces") or []) and each["issuer"] == fact["issuer"]
        ]
        ended = any(max(recorded(each), effective(each)) <= self.at for each in replaced)
        return effective(fact) <= self.at and not ended

    def contradict(self, one: Fact, other: Fact) -> Any:
        """G3: two statements that cannot both be meant."""
        froms = [
            each.get("from_contract") and read_when(each["from_contract"], self.zone).first for each in (one, other)
        ]
        if one["issuer"] != other["issuer"] or froms[0] != froms[1]:
            return False
        a, b = one["end"], other["end"]
        periods = [isinstance(end, dict) for end in (a, b)]
        if all(periods):
            return a["from"] == b["from"] and a["months"] != b["months"]
        return not any(periods) and "tba" not in (a, b) and last_day(a) != last_day(b)

    def overdue(self, track: str) -> Iterator[Finding]:
        """G4."""
        homes = self.based(track)
        codes = ("SUPPORT_DENIED_IN_WINDOW", "SECURITY_FIX_OVERDUE")
        behind = [
            each.verdicts[track] for each in homes if each.verdicts[track]["code"] in codes and self.runs_newest(each)
        ]
        if behind:
            level = min((each["level"] for each in behind), key=LEVELS.index)
            days = (self.at - min(read_instant(each["since"]) for each in behind)) // 86400
            about = {name for each in behind for name in each["about"]}
            yield self.made("G4", track, "MODEL_FIX_OVERDUE", level, len(behind), len(homes), about=about, days=days)

    def newest_release(self) -> Fact:
        """The newest release that is out and stayed out."""
        scheme = self.entry.get("scheme") or "opaque"
        newest: Fact = {}
        releases = best((fact for fact in self.shared.of("release") if fact["model"] == self.model), "version")
        for version, release in sorted(releases.items()):
            lost = [release[name] for name in ("retracted_at", "gone_at") if release.get(name)]
            own = (release.get("scheme") or scheme) == scheme != "opaque" and is_version(version, scheme)
            stable = release.get("channel") in (None, "stable") and self.available(release) <= self.at
            newer = not newest or compare(version, scheme, newest["version"], scheme) == "newer"
            if own and stable and newer and not any(read_instant(each) <= self.at for each in lost):
                newest = release
        return newest

    def available(self, release: Fact) -> int:
        """When it was out for certain."""
        since = release.get("available_from")
        return read_moment(since, self.zone).high if since else recorded(release)

    def runs_newest(self, device: Device) -> bool:
        """Whether the newest release, or a newer one, is installed."""
        if not self.newest:
            return False
        return compare(*device.evidence.installed, self.newest["version"], self.entry["scheme"]) in ("same", "newer")

    def heard(self) -> list[tuple[bool, bool]]:
        """The households heard: whether they run the newest release, and whether one of them only lags."""
        if not self.newest:
            return []
        since = days_after(self.available(self.newest), self.policy["rollout_grace_days"], self.zone)
        found = []
        for devices, speaking in zip(self.matched, self.speaking("M"), strict=True):
            heard = [each for each in devices if recorded(each.evidence.report) >= since and self.applies(each)]
            if heard:
                runs = any(map(self.runs_newest, heard))
                found.append((runs, not runs and speaking.verdicts["M"]["code"] == "CONSUMER_LAG"))
        return found

    def applies(self, device: Device) -> bool:
        """Whether the newest release is for this device."""
        low, high, regions = (self.newest.get(name) for name in ("hw_min", "hw_max", "regions"))
        revision = device.evidence.report.get("hw_revision")
        if (low, high) != (None, None) and revision is None:
            return False
        inside = (low is None or revision >= low) and (high is None or revision <= high)
        return inside and (regions is None or market(device.case) in regions)

    def unseen(self, track: str) -> Iterator[Finding]:
        """G5."""
        heard = self.heard()
        enough = self.numbers["claim_min_households"]["auto" if self.entry.get("auto_update") is True else "manual"]
        if track == "M" and self.newest and len(heard) >= enough and not any(runs for runs, _ in heard):
            yield self.made(
                "G5", "M", "CLAIMED_RELEASE_UNSEEN", "A", 0, len(heard), about=[f"release:{self.newest['version']}"]
            )

    def stalled(self, track: str) -> Iterator[Finding]:
        """G6."""
        heard = self.heard()
        running, r = sum(runs for runs, _ in heard), sum(not lags for _, lags in heard)
        if track != "M" or not self.newest or r < self.numbers["min_households"]:
            return
        stalled = self.at >= days_after(self.available(self.newest), self.numbers["stall_days"], self.zone)
        if stalled and running > 0 and running * 100 < self.numbers["stall_min_percent"] * r:
            yield self.made("G6", "M", "ROLLOUT_STALLED", "A", running, r, about=[f"release:{self.newest['version']}"])

    def codes(self, track: str) -> list[str]:
        """The code of each home."""
        return [device.verdicts[track]["code"] for device in self.based(track)]

    def notices(self, track: str) -> Iterator[Finding]:
        """G7."""
        outstanding = [
            code for code in self.codes("S") if code in ("NOTICE_UNPROVEN", "CONSUMER_LAG", "UPDATE_PENDING")
        ]
        unproven, of = outstanding.count("NOTICE_UNPROVEN"), len(outstanding)
        if (
            track == "S"
            and of >= self.numbers["notice_min_households"]
            and unproven * 100 > self.numbers["notice_max_percent"] * of
        ):
            yield self.made("G7", "S", "NOTICE_PRACTICE_DEFICIENT", "A", unproven, of)

    def lag(self, track: str) -> Iterator[Finding]:
        """G8."""
        codes = self.codes("M")
        lagging = codes.count("CONSUMER_LAG")
        if track == "M" and lagging * 100 > self.numbers["lag_max_percent"] * len(codes):
            yield self.made("G8", "M", "CONSUMER_LAG_PREVALENT", "C", lagging, len(codes))

    def waivers(self, track: str) -> Iterator[Finding]:
        """G9."""
        flags = [device.verdicts["S"]["flags"] for device in self.speaking("S")]
        waived = [each for each in flags if any(flag.startswith("WAIVER_") for flag in each)]
        invalid = sum("WAIVER_VALID" not in each for each in waived)
        if track == "S" and invalid * 100 > self.numbers["waiver_invalid_max_percent"] * len(waived):
            yield self.made("G9", "S", "WAIVER_PRACTICE_DEFICIENT", "A", invalid, len(waived))

    def unlisted(self, track: str) -> Iterator[Finding]:
        """G10."""
        households: dict[str, set[int]] = defaultdict(set)
        for index, devices in enumerate(self.matched):
            for device in devices:
                if device.verdicts["M"]["code"] == "FIRMWARE_UNKNOWN":
                    households[stripped(device.evidence.report["version_raw"])].add(index)
        often = {
            text: seen for text, seen in households.items() if len(seen) >= self.numbers["unlisted_min_households"]
        }
        if track == "M" and often:
            count = len(set().union(*often.values()))
            yield self.made("G10", "M", "UNLISTED_FIRMWARE_IN_FIELD", "A", count, len(self.matched), about=often)

    def carousel(self, track: str) -> Iterator[Finding]:
        """G11."""
        dropped: dict[str, int] = defaultdict(int)
        for fact in self.shared.of("key"):
            ended = read_instant(fact["ended_at"]) if fact.get("ended_at") else None
            valid_from = read_when(fact["valid_from"], self.zone).first
            term = day_end(add_months(valid_from, self.numbers["key_min_months"]), self.zone)
            if ended is not None and ended <= self.at and ended < term and fact.get("successor_signed") is not True:
                dropped[fact["party"]] += 1
        kind = "seller:" if track == "S" else "manufacturer:"
        about = [party for party, n in dropped.items() if n >= self.numbers["carousel_min"] and party.startswith(kind)]
        if about:
            of = len(self.based(track))
            yield self.made("G11", track, "IDENTITY_CAROUSEL", "A", of, of, about=about)

    def nothing_found(self, track: str) -> Iterator[Finding]:
        """G12."""
        homes = self.based(track)
        fine = sum(device.verdicts[track]["level"] in ("OK", "C") for device in homes)
        if homes and fine * 100 >= self.numbers["no_finding_percent"] * len(homes):
            yield self.made("G12", track, "NO_FINDING", "OK", fine, len(homes))


def last_day(end: str) -> Any:
    """The last day of an End that is no period, as written."""
    if month := read_month(end):
        return month.last
    return read_day(end) if len(end) == 10 else read_date_time(end)[0].date()


def judged(shared: Facts, device: dict[str, Any], at: int, known: int, policy: dict[str, Any]) -> Device:
    """A device on shared and own facts."""
    facts = [*shared, *device["facts"]]
    refuse_invalid(facts)
    case = Case(counted(facts, known), at, policy)
    return Device(device["device"], case, read_evidence(case), verdicts(facts, at, known, policy))


def passes_e1(device: Device) -> bool:
    """Whether a usable report is fresh."""
    return device.evidence.code not in ("EVIDENCE_REJECTED", "INSUFFICIENT_EVIDENCE")
