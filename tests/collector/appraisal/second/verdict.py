"""Sections 3 and 6: one verdict from all completions (C2 to C4), each of which is tried by itself."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import product
from typing import Any

from tests.collector.appraisal.second.duty import Duty, Track, Words
from tests.collector.appraisal.second.forms import Facts
from tests.collector.appraisal.second.maker import maker_track
from tests.collector.appraisal.second.promises import OPEN
from tests.collector.appraisal.second.record import Case, Evidence, counted, debtor_gone, read_evidence, role
from tests.collector.appraisal.second.seller import seller_track
from tests.collector.appraisal.second.state import LEVELS, Outcome, State, withdrawn
from tests.collector.appraisal.second.values import written

FINDINGS = ["WINDOW_MISSING", "WINDOW_TOO_SHORT", "WINDOW_BELOW_EXPECTATION"]
WINDOW = ("start", "end_excl", "extended_end_excl", "basis")
Verdict = dict[str, Any]


def verdicts(facts: Facts, at: int, known: int, policy: dict[str, Any]) -> dict[str, Verdict]:
    """Both tracks of one device."""
    case = Case(counted(facts, known), at, policy)
    evidence = read_evidence(case)
    if evidence.ends_both_tracks:
        return {name: ended(case, evidence, name) for name in "SM"}
    return {
        track.name: judge(case, evidence, track)
        for track in (seller_track(case, evidence), maker_track(case, evidence))
    }


def ended(case: Case, evidence: Evidence, name: str) -> Verdict:
    """E1, E2: the reports alone decide."""
    assert evidence.code
    by_seller = any(role(sale) == "seller" for sale in case.of("sale"))
    asked = name == "S" and by_seller and evidence.code in ("MODEL_UNKNOWN", "MODEL_AMBIGUOUS")
    outcome = Outcome(evidence.code, "A" if asked else "N", flags=evidence.flags)
    return made(case, evidence, Track(name, "", ""), outcome, evidence.missing)


def judge(case: Case, evidence: Evidence, track: Track) -> Verdict:
    """One track."""
    flags = evidence.flags | track.flags
    if track.debtor and debtor_gone(case, track.debtor, track.zone):
        flags.add("DEBTOR_GONE")
    if track.missing:
        return made(case, evidence, track, Outcome("INSUFFICIENT_EVIDENCE", "N", flags=flags), track.missing)
    state = State(case, evidence, track)
    owed = not evidence.code and any(not duty.reason for _, duty in track.duties)
    unknown = state.unknown_words() if owed else {}
    if len(unknown) > case.policy["max_unknowns"]:
        for _, duty in track.duties:
            flags |= duty.flags | (set() if duty.reason else withdrawn(state, duty))
        return made(
            case, evidence, track, Outcome("INSUFFICIENT_EVIDENCE", "N", flags=flags | {"TOO_MANY_UNKNOWNS"}), unknown
        )
    completions: list[tuple[Words, Outcome]] = []
    seen: dict[Hashable, Outcome] = {}
    for days, duty in track.duties:
        for values in product(*unknown.values()):
            words = dict(zip(unknown, values, strict=True))
            if (duty, values) not in seen:
                seen[duty, values] = state.outcome(duty, words)
            outcome = seen[duty, values]
            flags |= duty.flags | outcome.flags
            completions.append((days | words, outcome))
    return joined(case, evidence, track, completions, flags)


def joined(
    case: Case, evidence: Evidence, track: Track, completions: list[tuple[Words, Outcome]], flags: set[str]
) -> Verdict:
    """C4."""
    outcomes = [outcome for _, outcome in completions]
    if len({outcome.code for outcome in outcomes}) > 1:
        return made(case, evidence, track, Outcome("INSUFFICIENT_EVIDENCE", "N", flags=flags), deciding(completions))
    first = outcomes[0]
    level = max((outcome.level for outcome in outcomes), key=LEVELS.index)
    since = max((outcome.since for outcome in outcomes if outcome.since is not None), default=None)
    about = {name for outcome in outcomes for name in outcome.about}
    reason = common(outcome.reason for outcome in outcomes)
    return made(case, evidence, track, Outcome(first.code, level, since, about, flags, reason), [])


def deciding(completions: list[tuple[Words, Outcome]]) -> list[str]:
    """C4: the unknowns that decide, else all that vary."""
    names = list(completions[0][0])
    varying = [name for name in names if len({words[name] for words, _ in completions}) > 1]
    found = []
    for name in varying:
        codes: dict[Hashable, set[str]] = defaultdict(set)
        for words, outcome in completions:
            codes[tuple(words[other] for other in varying if other != name)].add(outcome.code)
        if any(len(each) > 1 for each in codes.values()):
            found.append(name)
    return found or varying


def common(values: Iterable[Any]) -> Any:
    """The value that all have, else nothing."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def finding(duties: list[Duty]) -> dict[str, str] | None:
    """C4: B if it is B in every completion, A if it holds in some."""
    found = []
    for code in FINDINGS:
        if all((code, "B") in duty.findings for duty in duties):
            found.append({"code": code, "level": "B"})
        elif any(code == other for duty in duties for other, _ in duty.findings):
            found.append({"code": code, "level": "A"})
    return min(found, key=lambda each: each["level"] != "B", default=None)


def made(case: Case, evidence: Evidence, track: Track, outcome: Outcome, missing: Iterable[str]) -> Verdict:
    """Section 3: the form of a verdict."""
    duties = [duty for _, duty in track.duties]
    values: list[Callable[[Duty], Any]] = [lambda duty: duty.start, lambda duty: duty.end, lambda duty: duty.extended]
    ends = [common(value(duty) for duty in duties) for value in values]
    assert OPEN not in ends
    window = dict(zip(WINDOW, [*map(written, ends), common(duty.basis for duty in duties)], strict=True))
    found = finding(duties) if duties else None
    refs = {f"{track.name}.{outcome.code}", *(ref for duty in duties for ref in duty.refs)}
    refs |= {f"{track.name}.window.{duty.basis}" for duty in duties}
    if found:
        refs.add(f"{track.name}.finding.{found['code']}")
    phone = evidence.model.get("class") == "phone" and track.name == "M"
    if phone and any(
        evidence.advisories[name].get("os_release") for name in outcome.about if name in evidence.advisories
    ):
        refs.add("M.phone")
    return {
        "code": outcome.code,
        "level": outcome.level,
        "since": written(outcome.since) if outcome.level in "BAC" or outcome.code == "SUPPORT_ENDED" else None,
        "reason": outcome.reason,
        "about": sorted(outcome.about),
        "flags": sorted(outcome.flags),
        "window": window,
        "window_finding": found,
        "missing": sorted(missing),
        "basis": sorted({entry for ref in refs for entry in case.policy["refs"].get(ref, [])}),
        "policy_version": case.policy["policy_version"],
    }
