"""What the two tracks have in common before any fix is looked at: the duty, its window, and the days to try.

`seller` and `maker` complete what is unknown of the days and of the sale, and give for each completion one `Duty`:
none, or a window. `Ground` is what the rules of section 8 need to know of a track beyond that.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.codes import Code, FindingCode, Flag, Level
from collector.appraisal.days import add_days, day_start, local_day
from collector.appraisal.evidence import Device
from collector.appraisal.facts import Sale
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.statements import Statement
from collector.appraisal.verdict import Basis, Track

OPEN = "open"
"""`window.end` completed so that what is to be announced reaches past the judged instant."""


class Duty(Struct, frozen=True):
    """What is owed in one completion of the days and of the sale.

    Attributes:
        reason: Why nothing is owed; None where something is.
        start: The first instant of the window.
        end: Its end, exclusive; None where there is only an extension, or nothing.
        hard_end: The end that a promise, a statute or an agreed day carries (S3).
        extended_end: The end that a later statement promised.
        cra: Whether the Cyber Resilience Act covers the unit (M2).
    """

    reason: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    hard_end: datetime | None = None
    extended_end: datetime | None = None
    basis: Basis | None = None
    cra: bool = False
    findings: tuple[tuple[FindingCode, Level], ...] = ()
    flags: frozenset[Flag] = frozenset()
    refs: frozenset[str] = frozenset()

    @property
    def owed_until(self) -> datetime:
        """The end; the start where there is only an extension (S4)."""
        return next(instant for instant in (self.end, self.start) if instant is not None)

    @property
    def over_from(self) -> datetime:
        """The later of the end and the extended end."""
        return max(self.owed_until, self.extended_end or self.owed_until)


class Completions(Struct, frozen=True):
    """Every way in which the days and the sale can have been, each with its duty.

    Attributes:
        names: The unknowns, in the order of each row's values.
        rows: The values of one completion, and the duty in it.
    """

    names: tuple[str, ...]
    rows: list[tuple[tuple[object, ...], Duty]]


class Stopped(Struct, frozen=True):
    """A track that ends before its windows: what it says, and why."""

    code: Code
    reason: str | None = None
    missing: tuple[str, ...] = ()
    flags: frozenset[Flag] = frozenset()


class Ground(Struct, frozen=True):
    """A track, judged up to its windows.

    Attributes:
        zone: By whose calendar the track counts.
        market: Where the unit was placed on the market.
        debtor: Who owes on this track; None where nobody is known to.
        refusers: Whose word that no fix will come is the debtor's own (V3).
    """

    track: Track
    zone: ZoneInfo
    market: str
    debtor: str | None
    refusers: frozenset[str]
    outcome: Completions | Stopped


def sales_in_order(record: Record, at: At, policy: Policy) -> list[Sale]:
    """T1: the sales that may govern and have begun by the judged instant, the governing one last.

    A seller's own record of a sale is no witness against its buyer and is left out.
    """
    ordered = []
    for sale in record.sales:
        zone = policy.zone(sale.jurisdiction)
        first, last = sale.contract.days(zone) if sale.contract else (None, local_day(sale.recorded_at, zone))
        if sale.role != "seller" and (first is None or at.reached(day_start(first, zone))):
            ordered.append(((last, sale.recorded_at, sale.id), sale))
    return [sale for _, sale in sorted(ordered, key=lambda each: each[0])]


def market(record: Record, sales: Sequence[Sale], policy: Policy) -> str:
    """The market of the unit; absent: the governing sale's jurisdiction, else `default_market`."""
    stated = record.unit.market if record.unit else None
    return stated or (sales[-1].jurisdiction if sales else None) or policy.default_market


def first_report_day(record: Record, zone: ZoneInfo) -> date:
    """The local day of the first accepted report, whatever its result. E1 passed, so there is one."""
    return next(local_day(report.recorded_at, zone) for report in record.reports if report.rejected is None)


def available_day(device: Device, policy: Policy, zone: ZoneInfo) -> date:
    """The first day on which the model can have been had."""
    since = device.model.general_availability
    return since.days(zone)[0] if since else policy.earliest_day


def placed_days(record: Record, device: Device, policy: Policy, zone: ZoneInfo) -> tuple[date, date, bool]:
    """C1: the first and the last possible placing day, and whether it is stated.

    A seller's own record of a sale states no contract here either: it must not move a unit out of the maker's duty.
    """
    unit = record.unit
    stated = (unit.substantially_modified or unit.placed) if unit else None
    if stated is not None:
        return *stated.days(zone), True
    sold = [sale.contract.days(zone)[1] for sale in record.sales if sale.contract and sale.role != "seller"]
    return available_day(device, policy, zone), min([first_report_day(record, zone), *sold]), False


def begun(day: date, at: At, zone: ZoneInfo) -> date:
    """A day, but none after the local day of the judged instant."""
    return day if at.reached(day_start(day, zone)) else at.day(zone)


def tried(first: date, last: date, breaks: Iterable[date] = ()) -> list[date]:
    """C1: both ends of an interval and, inside it, each break with the day before and after; none if it is empty."""
    if first >= last:
        return [first] if first == last else []
    around = {add_days(day, step) for day in breaks for step in (-1, 0, 1)}
    return sorted({first, last} | {day for day in around if first < day < last})


def statement_days(made: Iterable[Statement]) -> Iterator[date]:
    """The days on which what statements promise can change."""
    for statement in made:
        yield from statement.days()


def announcements(made: Iterable[Statement]) -> tuple[str | None, ...]:
    """C2: the values of `window.end`; unknown if something is to be announced."""
    return ("none", OPEN) if any(statement.end.to_be_announced for statement in made) else (None,)


def counts_from(made: Iterable[Statement], anchor: str) -> bool:
    """Whether a statement counts a period from `purchase` or `placing`."""
    return any(statement.end.anchor == anchor for statement in made)
