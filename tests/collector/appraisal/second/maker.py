"""Section 7, track M: what the manufacturer owes this unit, in every completion (C1, C2, M1 to M4)."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

from tests.collector.appraisal.second.duty import Duty, Track, Words, days, earliest_day, market, placed_span, sales
from tests.collector.appraisal.second.promises import Promise, Statement, statement_days, statements
from tests.collector.appraisal.second.record import Case, Evidence
from tests.collector.appraisal.second.values import Span, add_months, day_end, day_start, local_day, read_day, read_when


def maker_track(case: Case, evidence: Evidence) -> Track:
    """M1 to M4."""
    name = market(case)
    track = Track("M", case.zone(name), name, f"manufacturer:{evidence.model['manufacturer']}")
    track.duties = list(maker_duties(case, evidence, name, track.zone))
    if not track.duties:
        track.missing, track.flags = ["unit.placed"], {"DATES_CONTRADICT"}
    return track


def maker_duties(case: Case, evidence: Evidence, market: str, zone: str) -> Iterator[tuple[Words, Duty]]:
    """The duty in every completion."""
    stated = statements(case, evidence)
    span, is_stated = placed_span(case, evidence, zone)
    breaks = [read_day(case.policy["cra_from"])]
    if is_stated:
        breaks += statement_days(stated, zone)
    contracts: list[date | None] = [None]
    if case.row(market).get("psti_from") or any(each.anchor == "purchase" for each in stated):
        contracts = [*first_contract_days(case, evidence, case.row(market), zone)]
    tba = ["none", "open"] if any(each.end == "tba" for each in stated) else ["none"]
    for placed, contract, mode in product(days(span, breaks), contracts, tba):
        words: Words = {"unit.placed": placed, "sale.contract": contract, "window.end": mode}
        reference = placed if is_stated else span.last
        yield words, maker_duty(case, evidence, stated, reference, words, case.row(market), zone)


def first_contract_days(case: Case, evidence: Evidence, law: dict[str, Any], zone: str) -> list[date]:
    """C1: when the unit was first sold."""
    first = sales(case)[:1]
    today = local_day(case.at, zone)
    if first and first[0].get("contract"):
        span = read_when(first[0]["contract"], zone)
    else:
        span = Span(earliest_day(case, evidence, zone), case.first_report(zone))
    return days(Span(span.first, min(span.last, today)), [read_day(law["psti_from"])] if law.get("psti_from") else [])


def maker_duty(
    case: Case,
    evidence: Evidence,
    stated: list[Statement],
    reference: date,
    words: Words,
    law: dict[str, Any],
    zone: str,
) -> Duty:
    """M2 and M4 in one completion."""
    placed, contract = words["unit.placed"], words["sale.contract"]
    promise = Promise(stated, reference, {"purchase": contract, "placing": placed}, words["window.end"], zone, case.at)
    cra = bool(law.get("eu")) and placed >= read_day(case.policy["cra_from"])
    floor, findings, flags = None, set(), set(promise.flags)
    if cra:
        months = case.policy["cra_min_months"]
        expected = evidence.model.get("expected_use_months")
        floor = day_end(add_months(placed, months if expected is None else min(months, expected)), zone)
    if not promise.on_time and reference < read_day(case.policy["register_from"]):
        flags.add("BEFORE_REGISTER")
    elif not promise.on_time:
        psti = law.get("psti_from") and contract >= read_day(law["psti_from"])
        findings.add(("WINDOW_MISSING", "B" if cra or psti else "A"))
    elif floor is not None and promise.on_time_end < floor:
        findings.add(("WINDOW_TOO_SHORT", "B"))
    ends = [value for value in (promise.end, floor) if value is not None]
    end = max(ends, default=None)
    basis = None if end is None else "promise" if promise.end == end else "statute"
    duty = Duty(None, day_start(placed, zone), end, None, end, basis, cra, frozenset(findings), frozenset(flags))
    return promise.extend(duty, "no_promise")
