"""Sections 6 and 7, what both tracks share: the duty, the days to try, the sale and the unit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.collector.appraisal.second.record import Case, Evidence, Fact, recorded, role
from tests.collector.appraisal.second.values import Span, add_days, day_start, local_day, read_day, read_when

Words = dict[str, Any]
"""What one completion puts for each unknown."""


@dataclass(frozen=True)
class Duty:
    """The outcome of section 7 in one completion."""

    reason: str | None = None
    start: int | None = None
    end: float | None = None
    extended: float | None = None
    hard_end: float | None = None
    basis: str | None = None
    cra: bool = False
    findings: frozenset[tuple[str, str]] = frozenset()
    flags: frozenset[str] = frozenset()
    refs: frozenset[str] = frozenset()


@dataclass
class Track:
    """A track of one case: its zone and market, its completions, or why there are none."""

    name: str
    zone: str
    market: str
    debtor: str = ""
    duties: list[tuple[Words, Duty]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def days(span: Span, breaks: Iterable[date] = ()) -> list[date]:
    """C1: both ends and, inside, each break with the day before and after."""
    near = {add_days(each, step) for each in breaks for step in (-1, 0, 1)}
    return sorted(day for day in {*span, *near} if span.first <= day <= span.last)


def earliest_day(case: Case, evidence: Evidence, zone: str) -> date:
    """From when on there may have been such a thing."""
    if evidence.model.get("general_availability"):
        return read_when(evidence.model["general_availability"], zone).first
    return read_day(case.policy["earliest_day"])


def sales(case: Case) -> list[Fact]:
    """T1: in order, those that may govern."""

    def order(sale: Fact) -> tuple[date, int, str]:
        zone = case.zone(sale.get("jurisdiction"))
        last = read_when(sale["contract"], zone).last if sale.get("contract") else local_day(recorded(sale), zone)
        return last, recorded(sale), sale["id"]

    def begun(sale: Fact) -> bool:
        zone = case.zone(sale.get("jurisdiction"))
        return not sale.get("contract") or day_start(read_when(sale["contract"], zone).first, zone) <= case.at

    return sorted((sale for sale in case.of("sale") if role(sale) != "seller" and begun(sale)), key=order)


def unit(case: Case) -> Fact:
    """K4: the latest record of the unit."""
    return max(case.of("unit"), key=lambda fact: (recorded(fact), fact["id"]), default={})


def market(case: Case) -> str:
    """The unit's, else the sale's, else the default one."""
    sale = sales(case)[-1:]
    return str(unit(case).get("market") or (sale and sale[0].get("jurisdiction")) or case.policy["default_market"])


def placed_span(case: Case, evidence: Evidence, zone: str) -> tuple[Span, bool]:
    """C1: the possible placing days, and whether one is stated."""
    stated = unit(case).get("substantially_modified") or unit(case).get("placed")
    if stated:
        return read_when(stated, zone), True
    sold = [sale for sale in case.of("sale") if role(sale) != "seller" and sale.get("contract")]
    last = [read_when(sale["contract"], zone).last for sale in sold]
    return Span(earliest_day(case, evidence, zone), min([*last, case.first_report(zone)])), False
