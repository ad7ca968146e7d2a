"""G0 to G12: what many homes together show of a model, its maker and its sellers (appraisal.md section 11).

A finding says how many households, of how many, and whether the numbers are large enough to be published without
pointing at a home. None of these is a verdict on a seller or a maker: it is what their households show.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

from collector.appraisal.codes import STRENGTH, Code, FindingCode, Flag, FleetCode, Level
from collector.appraisal.days import add_months, day_end, days_after
from collector.appraisal.homes import TRACKS, Fleet, Home, number
from collector.appraisal.statements import Statement, statements
from collector.appraisal.verdict import FleetFinding, Track
from collector.appraisal.versions import stripped

_OVERDUE = (Code.SUPPORT_DENIED_IN_WINDOW, Code.SECURITY_FIX_OVERDUE)
_OUTSTANDING = (Code.NOTICE_UNPROVEN, Code.CONSUMER_LAG, Code.UPDATE_PENDING)


def findings(fleet: Fleet) -> list[FleetFinding]:
    """Every finding, by rule number, then S before M."""
    if too_few := _g0(fleet):
        return [too_few]
    rules = (_g1, _g2, _g3, _g4, _g5, _g6, _g7, _g8, _g9, _g10, _g11)
    found = [each for rule in rules for each in rule(fleet)]
    return [*found, *_g12(fleet, {each.track for each in found})]


def _finding(
    fleet: Fleet,
    rule: str,
    track: Track | None,
    code: FleetCode,
    level: Level,
    counts: tuple[int, int],
    about: Iterable[str] = (),
    days: int | None = None,
) -> FleetFinding:
    """G-base: a finding, and whether it may be published; `counts` are the households and of how many."""
    numbers = fleet.policy.fleet
    count, of = counts
    small_cell = any(1 <= cell < numbers.min_cell for cell in (count, of - count))
    return FleetFinding(
        rule=rule,
        track=track,
        code=code,
        level=level,
        count=count,
        of=of,
        about=tuple(sorted(set(about))),
        days=days,
        publishable=of >= numbers.min_households and not small_cell,
    )


def _g0(fleet: Fleet) -> FleetFinding | None:
    """Too few households, or too few of those that report have a known model."""
    numbers, n, counts = fleet.policy.fleet, fleet.households, (fleet.households, fleet.with_report)
    if n < numbers.min_households:
        return _finding(fleet, "G0", None, FleetCode.FLEET_TOO_SMALL, Level.NONE, counts)
    if n * 100 < numbers.min_coverage_percent * fleet.with_report:
        return _finding(fleet, "G0", None, FleetCode.COVERAGE_LOW, Level.NONE, counts)
    return None


def _g1(fleet: Fleet) -> Iterator[FleetFinding]:
    """Nobody was told in time how long updates come."""
    for track in TRACKS:
        shown = [each for each in fleet.matched if _shows_window(each, track)]
        levels = [
            found.level if found and found.code is FindingCode.WINDOW_MISSING else None
            for found in (each.says(track).window_finding for each in shown)
        ]
        if shown and None not in levels:
            level = Level.BREACH if set(levels) == {Level.BREACH} else Level.QUESTION
            counts = (number(shown), number(shown))
            yield _finding(fleet, "G1", track, FleetCode.NO_PUBLISHED_WINDOW, level, counts)


def _shows_window(home: Home, track: Track) -> bool:
    verdict = home.says(track)
    return bool(verdict.window.start or verdict.window.basis or verdict.window_finding)


def _g2(fleet: Fleet) -> Iterator[FleetFinding]:
    """A promise was shortened after the sale."""
    for track in TRACKS:
        homes = fleet.homes(track)
        shortened = [each for each in homes if Flag.WINDOW_SHORTENED_LATER in each.says(track).flags]
        if shortened:
            breach = any(each.says(track).level is Level.BREACH for each in shortened)
            level = Level.BREACH if breach else Level.QUESTION
            counts = (number(shortened), number(homes))
            yield _finding(fleet, "G2", track, FleetCode.WINDOW_SHORTENED, level, counts)


def _g3(fleet: Fleet) -> Iterator[FleetFinding]:
    """One issuer says two things at once."""
    if fleet.model is None:
        return
    windows = fleet.record.windows(fleet.model.model)
    sellers = sorted({fact.issuer for fact in windows if fact.role == "seller"})
    issuers: tuple[tuple[Track, list[str]], ...] = (("S", sellers), ("M", [fleet.model.maker_issuer]))
    for track, allowed in issuers:
        made = [each for each in statements(windows, allowed, fleet.zone, seller="") if each.holds(fleet.at)]
        about = {each.fact.id for pair in combinations(made, 2) if _contradict(*pair) for each in pair}
        if about:
            of = number(fleet.homes(track))
            yield _finding(fleet, "G3", track, FleetCode.WINDOW_CONTRADICTORY, Level.QUESTION, (of, of), about)


def _contradict(one: Statement, other: Statement) -> bool:
    if one.fact.issuer != other.fact.issuer or one.from_day != other.from_day:
        return False
    if one.end.last is not None and other.end.last is not None:
        return one.end.last != other.end.last
    periods = one.end.months is not None and other.end.months is not None and one.end.anchor == other.end.anchor
    return periods and one.end.months != other.end.months


def _g4(fleet: Fleet) -> Iterator[FleetFinding]:
    """Even the newest release misses a fix that is overdue."""
    for track in TRACKS:
        homes = fleet.homes(track)
        overdue = [
            each for each in homes if each.says(track).code in _OVERDUE and fleet.runs_newest(each.speaking(track))
        ]
        if not overdue:
            continue
        said = [each.says(track) for each in overdue]
        sinces = [verdict.since for verdict in said if verdict.since is not None]
        yield _finding(
            fleet,
            "G4",
            track,
            FleetCode.MODEL_FIX_OVERDUE,
            max((verdict.level for verdict in said), key=lambda level: STRENGTH[level]),
            (number(overdue), number(homes)),
            about=(name for verdict in said for name in verdict.about),
            days=(fleet.at.instant - min(sinces)).days,
        )


def _g5(fleet: Fleet) -> Iterator[FleetFinding]:
    """A release is claimed that nobody runs, among enough homes to expect one."""
    if fleet.newest is None or fleet.model is None:
        return
    heard = fleet.heard()
    of = number(each for each, _ in heard)
    least = fleet.policy.fleet.claim_min_households
    if not any(runs for _, runs in heard) and of >= (least.auto if fleet.model.auto_update else least.manual):
        about = [f"release:{fleet.newest.release.version}"]
        yield _finding(fleet, "G5", "M", FleetCode.CLAIMED_RELEASE_UNSEEN, Level.QUESTION, (0, of), about)


def _g6(fleet: Fleet) -> Iterator[FleetFinding]:
    """A release has stopped spreading, and not because consumers wait."""
    newest, numbers = fleet.newest, fleet.policy.fleet
    if newest is None or not fleet.at.reached(days_after(newest.available, numbers.stall_days, fleet.zone)):
        return
    heard = fleet.heard()
    running = number(each for each, runs in heard if runs)
    expected = number(each for each, runs in heard if runs or each.says("M").code is not Code.CONSUMER_LAG)
    stalled = running > 0 and running * 100 < numbers.stall_min_percent * expected
    if stalled and expected >= numbers.min_households:
        about = [f"release:{newest.release.version}"]
        yield _finding(fleet, "G6", "M", FleetCode.ROLLOUT_STALLED, Level.QUESTION, (running, expected), about)


def _g7(fleet: Fleet) -> Iterator[FleetFinding]:
    """Too many who could install a fix are not shown to have been told."""
    numbers = fleet.policy.fleet
    outstanding = [each for each in fleet.homes("S") if each.says("S").code in _OUTSTANDING]
    of = number(outstanding)
    unproven = number(each for each in outstanding if each.says("S").code is Code.NOTICE_UNPROVEN)
    if of >= numbers.notice_min_households and unproven * 100 > numbers.notice_max_percent * of:
        yield _finding(fleet, "G7", "S", FleetCode.NOTICE_PRACTICE_DEFICIENT, Level.QUESTION, (unproven, of))


def _g8(fleet: Fleet) -> Iterator[FleetFinding]:
    """Too many consumers do not install what they were told of."""
    homes = fleet.homes("M")
    of = number(homes)
    lagging = number(each for each in homes if each.says("M").code is Code.CONSUMER_LAG)
    if lagging * 100 > fleet.policy.fleet.lag_max_percent * of:
        yield _finding(fleet, "G8", "M", FleetCode.CONSUMER_LAG_PREVALENT, Level.CONSUMER, (lagging, of))


def _g9(fleet: Fleet) -> Iterator[FleetFinding]:
    """Too many waivers are invalid."""
    flags = [(each, set(each.says("S").flags)) for each in fleet.matched]
    tested = [(each, own) for each, own in flags if any(flag.startswith("WAIVER_") for flag in own)]
    of = number(each for each, _ in tested)
    invalid = number(each for each, own in tested if Flag.WAIVER_VALID not in own)
    if invalid * 100 > fleet.policy.fleet.waiver_invalid_max_percent * of:
        yield _finding(fleet, "G9", "S", FleetCode.WAIVER_PRACTICE_DEFICIENT, Level.QUESTION, (invalid, of))


def _g10(fleet: Fleet) -> Iterator[FleetFinding]:
    """Software runs in several homes that the maker never listed."""
    running: dict[str, list[int]] = defaultdict(list)
    for place, home in enumerate(fleet.matched):
        unlisted = [each for each in home.matched if each.verdicts["M"].code is Code.FIRMWARE_UNKNOWN]
        for text in {stripped(each.device.installed.text) for each in unlisted if each.device.installed}:
            running[text].append(place)
    least = fleet.policy.fleet.unlisted_min_households
    common = {text: places for text, places in running.items() if number(fleet.matched[i] for i in places) >= least}
    if common:
        count = number(fleet.matched[place] for place in set[int]().union(*common.values()))
        counts = (count, fleet.households)
        yield _finding(fleet, "G10", "M", FleetCode.UNLISTED_FIRMWARE_IN_FIELD, Level.QUESTION, counts, common)


def _g11(fleet: Fleet) -> Iterator[FleetFinding]:
    """A party changes its keys faster than it may, without signing the new with the old."""
    numbers, zone = fleet.policy.fleet, fleet.zone
    ended: dict[str, int] = defaultdict(int)
    for key in fleet.record.keys:
        least = day_end(add_months(key.valid_from.days(zone)[0], numbers.key_min_months), zone)
        gone = key.ended_at is not None and fleet.at.reached(key.ended_at) and key.ended_at < least
        ended[key.party] += gone and not key.successor_signed
    roles: tuple[tuple[Track, str], ...] = (("S", "seller:"), ("M", "manufacturer:"))
    for track, role in roles:
        about = [party for party, times in ended.items() if times >= numbers.carousel_min and party.startswith(role)]
        if about:
            of = number(fleet.homes(track))
            yield _finding(fleet, "G11", track, FleetCode.IDENTITY_CAROUSEL, Level.QUESTION, (of, of), about)


def _g12(fleet: Fleet, found_on: set[Track | None]) -> Iterator[FleetFinding]:
    """Nothing of the above, and nearly all homes are well; which does not mean compliant."""
    for track in TRACKS:
        homes = fleet.homes(track)
        well = number(each for each in homes if each.says(track).level in (Level.OK, Level.CONSUMER))
        of = number(homes)
        if track not in found_on and of > 0 and well * 100 >= fleet.policy.fleet.no_finding_percent * of:
            yield _finding(fleet, "G12", track, FleetCode.NO_FINDING, Level.OK, (well, of))
