"""Section 7, track S: what the seller owes this buyer, in every completion (C1, C2, T1, S1 to S7)."""

from collections.abc import Iterator
from datetime import date
from itertools import product

from tests.collector.appraisal.second.duty import (
    Duty,
    Track,
    Words,
    days,
    earliest_day,
    market,
    placed_span,
    sales,
)
from tests.collector.appraisal.second.promises import Promise, Statement, statement_days, statements
from tests.collector.appraisal.second.record import Case, Evidence, Fact, recorded
from tests.collector.appraisal.second.values import (
    Span,
    add_days,
    add_months,
    day_end,
    day_start,
    local_day,
    read_day,
    read_when,
)
from tests.collector.appraisal.second.waivers import Waivers, read_waivers


def seller_track(case: Case, evidence: Evidence) -> Track:
    """T1 to S7."""
    governing = sales(case)[-1:]
    if not governing:
        return Track("S", case.zone(None), market(case), missing=["sale"])
    sale = governing[0]
    jurisdiction = sale.get("jurisdiction")
    track = Track("S", case.zone(jurisdiction), market(case), f"seller:{sale['seller']}")
    reason = stated_reason(sale)
    if not reason and jurisdiction is None:
        track.missing = ["sale.jurisdiction"]
        return track
    if not reason and not case.row(jurisdiction).get("sales_law_from"):
        reason = "jurisdiction"
    if reason:
        track.duties = [({}, Duty(reason))]
        return track
    track.duties = list(seller_duties(case, evidence, sale, track.zone))
    if not track.duties:
        track.missing, track.flags = ["sale.contract", "sale.delivered"], {"DATES_CONTRADICT"}
    return track


def stated_reason(words: Words) -> str | None:
    """T1: why there is no duty, by the words of the sale."""
    if words.get("transfer") not in (None, "sale"):
        return "not_a_sale"
    if words.get("seller_type") == "private":
        return "private_seller"
    return "business_buyer" if words.get("buyer_type") == "business" else None


def contract_span(case: Case, evidence: Evidence, sale: Fact, zone: str) -> Span:
    """C1: the possible contract days on S."""
    today = local_day(case.at, zone)
    if sale.get("contract"):
        span = read_when(sale["contract"], zone)
        return Span(span.first, min(span.last, today))
    first, last = earliest_day(case, evidence, zone), [today, local_day(recorded(sale), zone)]
    if sale.get("delivered"):
        delivered = read_when(sale["delivered"], zone)
        first = max(first, add_days(delivered.first, -case.policy["delivery_default_days"]))
        last.append(delivered.last)
    if sale.get("condition") != "used":
        last.append(case.first_report(zone))
    return Span(first, min(last))


def delivered_days(case: Case, sale: Fact, contract: date, zone: str) -> list[date]:
    """C1: the ends of the possible delivery days for a contract day."""
    if sale.get("delivered"):
        span = read_when(sale["delivered"], zone)
        return days(Span(max(contract, span.first), span.last))
    last = add_days(contract, case.policy["delivery_default_days"])
    return days(Span(contract, last if sale.get("condition") == "used" else min(last, case.first_report(zone))))


def seller_duties(case: Case, evidence: Evidence, sale: Fact, zone: str) -> Iterator[tuple[Words, Duty]]:
    """The duty in every completion."""
    used = sale.get("condition") == "used"
    stated = statements(case, evidence, sale["seller"], used)
    law = case.row(sale["jurisdiction"])
    breaks = [read_day(value) for key, value in law.items() if key.endswith("_from") and value]
    breaks += statement_days(stated, zone)
    breaks += [read_when(each.from_contract, zone).first for each in stated if each.from_contract]
    placed: list[date | None] = [None]
    if any(each.anchor == "placing" for each in stated):
        placed = [*days(placed_span(case, evidence, zone)[0])]
    choices = {
        "sale.supply": [sale["supply"]] if sale.get("supply") else ["single", "continuous"],
        "sale.buyer_type": [sale["buyer_type"]] if sale.get("buyer_type") else ["consumer", "business"],
        "sale.seller_type": [sale["seller_type"]] if sale.get("seller_type") else ["trader", "private"],
        "window.end": ["none", "open"] if any(each.end == "tba" for each in stated) else ["none"],
    }
    waivers = read_waivers(case, evidence, sale, zone)
    for contract in days(contract_span(case, evidence, sale, zone), breaks):
        for delivered, place in product(delivered_days(case, sale, contract, zone), placed):
            for values in product(*choices.values()):
                words: Words = dict(zip(choices, values, strict=True))
                words |= {"sale.contract": contract, "sale.delivered": delivered, "unit.placed": place}
                yield words, Sold(case, evidence, sale, zone, words).duty(stated, waivers)


class Sold:
    """The governing sale in one completion."""

    def __init__(self, case: Case, evidence: Evidence, sale: Fact, zone: str, words: Words) -> None:
        self.case, self.evidence, self.sale, self.zone, self.words = case, evidence, sale, zone, words
        self.law, self.policy, self.used = case.row(sale["jurisdiction"]), case.policy, sale.get("condition") == "used"
        self.contract, self.delivered = words["sale.contract"], words["sale.delivered"]

    def duty(self, stated: list[Statement], waivers: Waivers) -> Duty:
        """T1's second half, S3 and S4."""
        words, zone = self.words, self.zone
        reason = stated_reason({"seller_type": words["sale.seller_type"], "buyer_type": words["sale.buyer_type"]})
        if reason or self.contract < read_day(self.law["sales_law_from"]):
            return Duty(reason or "contract_before_law")
        anchors = {"purchase": self.delivered, "placing": words["unit.placed"]}
        for_this = [each for each in stated if self.holds_from(each) <= self.contract]
        promise = Promise(for_this, self.contract, anchors, words["window.end"], zone, self.case.at)
        floor, expectation = (None, None) if waivers.valid else self.floors()
        ends = {"promise": promise.end, "statute": floor, "expectation": expectation, "waiver": waivers.until}
        by_basis = {basis: end for basis, end in ends.items() if end is not None}
        end = max(by_basis.values(), default=None)
        lengthened = self.repaired() and (floor is not None or (self.used and expectation is not None))
        refs = {"S.used": self.used, "S.waiver": waivers.tested, "S.repair": lengthened}
        duty = Duty(
            start=day_start(self.delivered, zone),
            end=end,
            hard_end=max((end for basis, end in by_basis.items() if basis != "expectation"), default=None),
            basis=next((basis for basis, each in by_basis.items() if each == end), None),
            findings=frozenset(self.findings(promise, floor, expectation)),
            flags=self.before_register(promise) | promise.flags | waivers.flags,
            refs=frozenset(ref for ref, applies in refs.items() if applies),
        )
        return promise.extend(duty, "waived")

    def holds_from(self, statement: Statement) -> date:
        """The first contract day for which a statement holds."""
        return read_when(statement.from_contract, self.zone).first if statement.from_contract else date.min

    def repaired(self) -> bool:
        """S2: whether there is a repair year."""
        since, repaired = self.law["repair_extension_from"], self.sale.get("repaired_at")
        if not repaired or not since or self.contract < read_day(since):
            return False
        return day_start(read_when(repaired, self.zone).last, self.zone) <= self.case.at

    def floors(self) -> tuple[int | None, int | None]:
        """S2: the hard floor of continuous supply, and the expectation of single supply."""
        policy, zone, agreed = self.policy, self.zone, self.sale.get("liability_months")
        months = policy["statutory_months"]
        if self.used and agreed is not None:
            months = max(policy["used_min_months"], min(months, agreed))
        extra = policy["repair_extension_months"] if self.repaired() else 0
        statutory = add_months(self.delivered, months + extra)
        if self.words["sale.supply"] == "continuous":
            if self.sale.get("supply_end"):
                statutory = max(statutory, add_months(read_when(self.sale["supply_end"], zone).last, extra))
            return day_end(statutory, zone), None
        if self.used:
            return None, day_end(statutory, zone)
        by_class = policy["expectation_months"]
        expected = by_class.get(self.evidence.model.get("class") or "other", by_class["other"])
        return None, day_end(add_months(self.delivered, max(policy["expectation_floor_months"], expected)), zone)

    def before_register(self, promise: Promise) -> frozenset[str]:
        """S7: nothing was on time, and nobody can be said to have been silent."""
        before = self.contract < read_day(self.policy["register_from"])
        return frozenset({"BEFORE_REGISTER"} if before and not promise.on_time else ())

    def findings(self, promise: Promise, floor: int | None, expectation: int | None) -> Iterator[tuple[str, str]]:
        """S7."""
        if self.contract >= read_day(self.policy["register_from"]):
            informed = self.law["window_info_from"] and self.contract >= read_day(self.law["window_info_from"])
            if not promise.on_time:
                yield "WINDOW_MISSING", "A"
            elif informed and not any(each.issuer == f"seller:{self.sale['seller']}" for each in promise.on_time):
                yield "WINDOW_MISSING", "B"
        if promise.on_time and floor is not None and promise.on_time_end < floor:
            yield "WINDOW_TOO_SHORT", "B"
        if promise.on_time and expectation is not None and promise.on_time_end < expectation:
            yield "WINDOW_BELOW_EXPECTATION", "A"
