"""Track S: what the seller owes this buyer (section 7, T1 and S1 to S7). Reads no date of the Cyber Resilience Act.

Law: Directive (EU) 2019/771 articles 7 and 10, in the Netherlands BW 7:18; the duty to pass a producer's period on is
Directive 2011/83 article 6(1)(lc).
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import product
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.codes import Code, FindingCode, Flag, Level
from collector.appraisal.days import add_days, add_months, day_end, day_start, local_day, period_end
from collector.appraisal.evidence import Device
from collector.appraisal.facts import Sale
from collector.appraisal.policy import Jurisdiction, Policy
from collector.appraisal.record import Record
from collector.appraisal.statements import Anchors, Promise, Statement, later, promise, statements
from collector.appraisal.verdict import Basis
from collector.appraisal.waivers import waived
from collector.appraisal.windows import (
    OPEN,
    Completions,
    Duty,
    Ground,
    Stopped,
    announcements,
    available_day,
    begun,
    counts_from,
    first_report_day,
    market,
    placed_days,
    statement_days,
    tried,
)

NAMES = (
    "sale.contract",
    "sale.delivered",
    "unit.placed",
    "sale.seller_type",
    "sale.buyer_type",
    "sale.supply",
    "window.end",
)


Binding = Literal["yes", "no", "after", "depends"]
"""Whether a statement was in force at the contract (S1); `after`: it was made after it (S4)."""


class Floor(Struct, frozen=True):
    """S2: what is owed without any promise; statutory for continuous supply, expected for single supply."""

    statute: datetime | None = None
    expectation: datetime | None = None
    refs: frozenset[str] = frozenset()


def seller_ground(record: Record, device: Device, sales: Sequence[Sale], at: At, policy: Policy) -> Ground:
    """Track S up to its windows; of the sales in T1's order the last one governs."""
    place = market(record, sales, policy)
    if not sales:
        stopped = Stopped(Code.INSUFFICIENT_EVIDENCE, missing=("sale",))
        return Ground("S", policy.zone(None), place, None, frozenset(), stopped)
    sale = sales[-1]
    refusers = frozenset({sale.seller_issuer, device.model.maker_issuer})
    outcome = _stated(sale, policy) or _Sold(record, device, sale, at, policy).complete()
    return Ground("S", policy.zone(sale.jurisdiction), place, sale.seller_issuer, refusers, outcome)


def bindings(
    record: Record, device: Device, sales: Sequence[Sale], at: At, policy: Policy
) -> dict[str, Binding] | None:
    """How each statement of the allowed issuers, by its id, binds the seller of this sale; None without one."""
    if not sales or _stated(sales[-1], policy) is not None:
        return None
    return _Sold(record, device, sales[-1], at, policy).bindings()


def _stated(sale: Sale, policy: Policy) -> Stopped | None:
    """T1: the first match on what is stated."""
    row = policy.jurisdictions.get(sale.jurisdiction or "")
    if sale.transfer != "sale":
        return Stopped(Code.NO_SELLER_DUTY, reason="not_a_sale")
    if sale.seller_type == "private":
        return Stopped(Code.NO_SELLER_DUTY, reason="private_seller")
    if sale.buyer_type == "business":
        return Stopped(Code.NO_SELLER_DUTY, reason="business_buyer")
    if sale.jurisdiction is None:
        return Stopped(Code.INSUFFICIENT_EVIDENCE, missing=("sale.jurisdiction",))
    if row is None or row.sales_law_from is None:
        return Stopped(Code.NO_SELLER_DUTY, reason="jurisdiction")
    return None


class _Sold:
    """The governing sale, completed."""

    def __init__(self, record: Record, device: Device, sale: Sale, at: At, policy: Policy) -> None:
        self._record = record
        self._device = device
        self._sale = sale
        self._at = at
        self._policy = policy
        self._law: Jurisdiction = policy.jurisdictions[sale.jurisdiction or ""]
        self._zone = self._law.zone
        issuers = [sale.seller_issuer] if sale.used else [sale.seller_issuer, device.model.maker_issuer]
        windows = record.windows(device.model.model)
        self._made = statements(windows, issuers, self._zone, seller=sale.seller_issuer)
        self._waived = waived(record.waivers, sale, device.model.model, self._zone, policy)
        self._first_report = first_report_day(record, self._zone)

    def complete(self) -> Completions | Stopped:
        """C1, C2: a duty for every day and word that is possible."""
        sale = self._sale
        duty = lru_cache(maxsize=None)(self._duty)
        words = product(
            [sale.seller_type] if sale.seller_type else ["trader", "private"],
            [sale.buyer_type] if sale.buyer_type else ["consumer", "business"],
            [sale.supply] if sale.supply else ["single", "continuous"],
            announcements(self._made),
        )
        rows: list[tuple[tuple[object, ...], Duty]] = [
            (
                (*days, seller_type, buyer_type, supply, end),
                _unconcerned(seller_type, buyer_type) or duty(*days, supply, end == OPEN),
            )
            for days, (seller_type, buyer_type, supply, end) in product(list(self._days()), list(words))
        ]
        if not rows:
            missing = ("sale.contract", "sale.delivered")
            return Stopped(Code.INSUFFICIENT_EVIDENCE, missing=missing, flags=frozenset({Flag.DATES_CONTRADICT}))
        return Completions(NAMES, rows)

    def bindings(self) -> dict[str, Binding]:
        """S1, S4 for every contract day that is possible."""
        days = sorted({contract for contract, _, _ in self._days()})
        return {each.fact.id: _binding(each, days, self._zone) for each in self._made} if days else {}

    def _days(self) -> Iterator[tuple[date, date, date | None]]:
        """C1: the contract, delivery and placing days to try."""
        placed: list[date | None] = [None]
        if counts_from(self._made, "placing"):
            first, last, _ = placed_days(self._record, self._device, self._policy, self._zone)
            placed = list(tried(first, last))
        from_days = (statement.from_day for statement in self._made if statement.from_day)
        breaks = {*self._law.law_dates, *statement_days(self._made), *from_days}
        for contract in tried(*self._contract_days(), breaks):
            yield from product([contract], tried(*self._delivery_days(contract)), placed)

    def _contract_days(self) -> tuple[date, date]:
        sale, policy, zone = self._sale, self._policy, self._zone
        if sale.contract:
            first, last = sale.contract.days(zone)
            return first, begun(last, self._at, zone)
        first = available_day(self._device, policy, zone)
        latest = [local_day(sale.recorded_at, zone)]
        if sale.delivered:
            first_delivery, last_delivery = sale.delivered.days(zone)
            first = max(first, add_days(first_delivery, -policy.delivery_default_days))
            latest.append(last_delivery)
        if not sale.used:
            latest.append(self._first_report)
        return first, begun(min(latest), self._at, zone)

    def _delivery_days(self, contract: date) -> tuple[date, date]:
        if self._sale.delivered:
            first, last = self._sale.delivered.days(self._zone)
            return max(first, contract), last
        last = add_days(contract, self._policy.delivery_default_days)
        return contract, last if self._sale.used else min(last, self._first_report)

    def _duty(self, contract: date, delivered: date, placed: date | None, supply: str, announced: bool) -> Duty:
        """S1 to S7 in one completion."""
        if self._law.sales_law_from is None or contract < self._law.sales_law_from:
            return Duty(reason="contract_before_law")
        anchors = Anchors(delivered, placed, announced)
        made = [each for each in self._made if each.covers(contract)]
        promised = promise(made, contract, self._zone, anchors)
        floor = Floor() if self._waived.valid else self._floor(contract, delivered, supply)
        start = day_start(delivered, self._zone)
        hard_end, end, basis = _ends(promised, floor, self._until())
        shortened, extended = later(made, day_end(contract, self._zone), promised.end, end or start, self._at, anchors)
        owed = end is not None or extended is not None
        findings, flags = self._findings(promised, floor, contract)
        used = {"S.used"} if self._sale.used else set[str]()
        tested = {"S.waiver"} if self._record.waivers else set[str]()
        return Duty(
            reason=None if owed else "waived",
            start=start,
            end=end,
            hard_end=hard_end,
            extended_end=extended,
            basis=basis or ("extension" if owed else None),
            findings=findings,
            flags=flags | self._waived.flags | ({Flag.WINDOW_SHORTENED_LATER} if shortened else set()),
            refs=floor.refs | used | tested,
        )

    def _until(self) -> datetime | None:
        return None if self._waived.until is None else day_end(self._waived.until, self._zone)

    def _floor(self, contract: date, delivered: date, supply: str) -> Floor:
        """S2: what is owed without any promise."""
        sale, policy, zone = self._sale, self._policy, self._zone
        if supply == "single" and not sale.used:
            months = policy.expectation(self._device.model.device_class)
            return Floor(expectation=period_end(delivered, months, zone))
        repair = self._repair_months(contract)
        refs = frozenset({"S.repair"} if repair else ())
        owed = period_end(delivered, self._statutory_months() + repair, zone)
        if supply == "single":
            return Floor(expectation=owed, refs=refs)
        if sale.supply_end:
            owed = max(owed, day_end(add_months(sale.supply_end.days(zone)[1], repair), zone))
        return Floor(statute=owed, refs=refs)

    def _statutory_months(self) -> int:
        policy, agreed = self._policy, self._sale.liability_months
        if not self._sale.used or agreed is None:
            return policy.statutory_months
        return min(policy.statutory_months, max(agreed, policy.used_min_months))

    def _repair_months(self, contract: date) -> int:
        since, repaired = self._law.repair_extension_from, self._sale.repaired_at
        if since is None or repaired is None or contract < since:
            return 0
        by_now = self._at.reached(day_start(repaired.days(self._zone)[1], self._zone))
        return self._policy.repair_extension_months if by_now else 0

    def _findings(
        self, promised: Promise, floor: Floor, contract: date
    ) -> tuple[tuple[tuple[FindingCode, Level], ...], frozenset[Flag]]:
        """S7: what is wrong with what was said of the window."""
        found: list[tuple[FindingCode, Level]] = []
        flags = {Flag.WINDOW_TBA} if promised.to_be_announced else set()
        silent = not promised.on_time_issuers
        if contract < self._policy.register_from:
            flags |= {Flag.BEFORE_REGISTER} if silent else set()
        elif silent:
            found.append((FindingCode.WINDOW_MISSING, Level.QUESTION))
        elif self._sale.seller_issuer not in promised.on_time_issuers and self._must_inform(contract):
            found.append((FindingCode.WINDOW_MISSING, Level.BREACH))
        if promised.on_time_end is not None:
            if floor.statute is not None and promised.on_time_end < floor.statute:
                found.append((FindingCode.WINDOW_TOO_SHORT, Level.BREACH))
            if floor.expectation is not None and promised.on_time_end < floor.expectation:
                found.append((FindingCode.WINDOW_BELOW_EXPECTATION, Level.QUESTION))
        return tuple(found), frozenset(flags)

    def _must_inform(self, contract: date) -> bool:
        return self._law.window_info_from is not None and contract >= self._law.window_info_from


def _unconcerned(seller_type: str, buyer_type: str) -> Duty | None:
    """T1: a completion in which this is no consumer sale."""
    if seller_type == "private":
        return Duty(reason="private_seller")
    return Duty(reason="business_buyer") if buyer_type == "business" else None


def _binding(statement: Statement, days: Sequence[date], zone: ZoneInfo) -> Binding:
    spans = [(day_start(day, zone), day_end(day, zone)) for day in days]
    held = {statement.covers(day) and statement.held_on(*span) for day, span in zip(days, spans, strict=True)}
    if len(held) > 1:
        return "depends"
    if held == {True}:
        return "yes"
    return "after" if all(statement.in_force >= end for _, end in spans) else "no"


def _ends(
    promised: Promise, floor: Floor, until: datetime | None
) -> tuple[datetime | None, datetime | None, Basis | None]:
    """S3: the hard end, the end, and the first basis that carries the end."""
    by_basis: list[tuple[Basis, datetime | None]] = [
        ("promise", promised.end),
        ("statute", floor.statute),
        ("expectation", floor.expectation),
        ("waiver", until),
    ]
    stated = [(basis, end) for basis, end in by_basis if end is not None]
    end = max((end for _, end in stated), default=None)
    hard = max((end for basis, end in stated if basis != "expectation"), default=None)
    return hard, end, next((basis for basis, each in stated if each == end), None)
