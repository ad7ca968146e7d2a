"""Track M: what the manufacturer owes this unit (section 7, M1 to M4). Reads no delivery date.

Law: Cyber Resilience Act, Regulation (EU) 2024/2847 article 13(8) and (19); in Britain the PSTI regulations,
SI 2023/1007 schedule 1.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import product

from collector.appraisal.at import At
from collector.appraisal.codes import Code, FindingCode, Flag, Level
from collector.appraisal.days import day_end, day_start, period_end
from collector.appraisal.evidence import Device
from collector.appraisal.facts import Sale
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.statements import Anchors, Promise, later, promise, statements
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

NAMES = ("unit.placed", "sale.contract", "window.end")


def maker_ground(record: Record, device: Device, sales: Sequence[Sale], at: At, policy: Policy) -> Ground:
    """Track M up to its windows; of the sales in T1's order the first one tells when the unit was bought."""
    place = market(record, sales, policy)
    issuer = device.model.maker_issuer
    outcome = _Placed(record, device, sales, place, at, policy).complete()
    return Ground("M", policy.zone(place), place, issuer, frozenset({issuer}), outcome)


class _Placed:
    """The unit on its market, completed."""

    def __init__(
        self, record: Record, device: Device, sales: Sequence[Sale], place: str, at: At, policy: Policy
    ) -> None:
        self._record = record
        self._sales = sales
        self._device = device
        self._at = at
        self._policy = policy
        self._row = policy.jurisdictions.get(place)
        self._zone = policy.zone(place)
        windows = record.windows(device.model.model)
        self._made = statements(windows, [device.model.maker_issuer], self._zone, seller="")
        self._first, self._last, self._stated = placed_days(record, device, policy, self._zone)

    def complete(self) -> Completions | Stopped:
        """C1, C2: a duty for every day and word that is possible."""
        rows: list[tuple[tuple[object, ...], Duty]] = [
            ((placed, contract, end), self._duty(placed, contract, end == OPEN))
            for placed, contract, end in product(self._placing(), self._contracts(), announcements(self._made))
        ]
        if not rows:
            missing = ("unit.placed",)
            return Stopped(Code.INSUFFICIENT_EVIDENCE, missing=missing, flags=frozenset({Flag.DATES_CONTRADICT}))
        return Completions(NAMES, rows)

    def _placing(self) -> Iterator[date]:
        breaks = {self._policy.cra_from, *(statement_days(self._made) if self._stated else ())}
        yield from tried(self._first, self._last, breaks)

    def _contracts(self) -> list[date | None]:
        """C1: the contract days of the first sale, if any rule of this market or any statement asks for one."""
        psti_from = self._row.psti_from if self._row else None
        if psti_from is None and not counts_from(self._made, "purchase"):
            return [None]
        if self._sales and (contract := self._sales[0].contract):
            first, last = contract.days(self._zone)
        else:
            first = available_day(self._device, self._policy, self._zone)
            last = first_report_day(self._record, self._zone)
        return list(tried(first, begun(last, self._at, self._zone), [psti_from] if psti_from else []))

    def _duty(self, placed: date, contract: date | None, announced: bool) -> Duty:
        """M1, M2 and M4 in one completion."""
        zone = self._zone
        reference = placed if self._stated else self._last  # M1
        anchors = Anchors(contract, placed, announced)
        promised = promise(self._made, reference, zone, anchors)
        cra = self._row is not None and self._row.eu and placed >= self._policy.cra_from
        floor = self._floor(placed) if cra else None
        end = max((each for each in (promised.end, floor) if each is not None), default=None)
        start = day_start(placed, zone)
        shortened, extended = later(self._made, day_end(reference, zone), promised.end, end or start, self._at, anchors)
        findings, flags = self._findings(promised, floor, reference, self._silence_is_breach(cra, contract))
        return Duty(
            reason=None if end or extended else "no_promise",
            start=start,
            end=end,
            extended_end=extended,
            basis=("promise" if end == promised.end else "statute") if end else "extension" if extended else None,
            cra=cra,
            findings=findings,
            flags=flags | ({Flag.WINDOW_SHORTENED_LATER} if shortened else set()),
        )

    def _floor(self, placed: date) -> datetime:
        """M2: the support period that the CRA asks for; shorter where the maker documented a shorter use."""
        use, least = self._device.model.expected_use_months, self._policy.cra_min_months
        return period_end(placed, least if use is None else min(least, use), self._zone)

    def _findings(
        self, promised: Promise, floor: datetime | None, reference: date, silence_is_breach: bool
    ) -> tuple[tuple[tuple[FindingCode, Level], ...], frozenset[Flag]]:
        """M2: what is wrong with what was said of the window."""
        found: list[tuple[FindingCode, Level]] = []
        flags = {Flag.WINDOW_TBA} if promised.to_be_announced else set()
        if not promised.on_time_issuers:
            if reference < self._policy.register_from:
                flags.add(Flag.BEFORE_REGISTER)
            else:
                level = Level.BREACH if silence_is_breach else Level.QUESTION
                found.append((FindingCode.WINDOW_MISSING, level))
        if promised.on_time_end is not None and floor is not None and promised.on_time_end < floor:
            found.append((FindingCode.WINDOW_TOO_SHORT, Level.BREACH))
        return tuple(found), frozenset(flags)

    def _silence_is_breach(self, cra: bool, contract: date | None) -> bool:
        psti_from = self._row.psti_from if self._row else None
        return cra or (psti_from is not None and contract is not None and contract >= psti_from)
