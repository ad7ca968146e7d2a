"""The facts that a verdict stands on: of all that is on record, those that its rules read (K1 to K5).

For pages and programs, so that whoever doubts a verdict knows which signed bytes to look at: these alone give it again.
What was corrected, what a nearer word overrules, what another model or another seller is about, is not among them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from collector.appraisal.at import At
from collector.appraisal.evidence import Device, Ended, examine
from collector.appraisal.facts import Fact, Report, parse_facts
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.windows import sales_in_order


class GroundFact(Struct, frozen=True):
    """A fact by its id: for a statement or a report the digest of the signed bytes."""

    kind: str
    id: str
    issuer: str
    recorded_at: datetime


def grounds(
    facts: Iterable[Mapping[str, Any]], at: datetime, known: datetime, policy: Policy
) -> tuple[GroundFact, ...]:
    """What both tracks of a verdict stand on, in the order in which it was recorded.

    Raises:
        FactError: Names the first invalid fact in list order (F0).
    """
    record, instant = Record(parse_facts(facts), known), At(at)
    shown = examine(record, instant, policy)
    read: list[Fact] = [*_reports(record, instant, policy), *record.models, *record.sales]
    if not isinstance(shown, Ended):
        read += _of_device(record, shown, instant, policy)
    told = {each.id: GroundFact(_kind(each), each.id, each.issuer, each.recorded_at) for each in read}
    return tuple(sorted(told.values(), key=lambda fact: (fact.recorded_at, fact.id)))


def _kind(fact: Fact) -> str:
    return str(fact.__struct_config__.tag)


def _reports(record: Record, at: At, policy: Policy) -> Iterator[Report]:
    """The first of each run of reports that say the same, the newest of each sort, and what silence is counted by."""
    reports = [report for report in record.reports if at.reached(report.recorded_at)]
    yield from reports[:1]
    yield from (report for before, report in pairwise(reports) if not _is_again(before, report))
    yield from [report for report in record.reports if report.rejected is None][:1]  # C1: also one from after `at`
    yield from [report for report in reports if report.usable][-1:]
    yield from [report for report in reports if report.rejected is None][-policy.silent_after :]
    yield from [report for report in reports if report.rejected is not None][-1:]


def _is_again(before: Report, report: Report) -> bool:
    """Whether it says what the one before it said."""
    envelope = {name: getattr(before, name) for name in ("id", "seq", "recorded_at", "asserted_at")}
    return replace(report, **envelope) == before


def _of_device(record: Record, device: Device, at: At, policy: Policy) -> Iterator[Fact]:
    model = device.model
    debtors = {model.maker_issuer, *(sale.seller_issuer for sale in sales_in_order(record, at, policy)[-1:])}
    yield from [record.unit] if record.unit else []
    yield from (window for window in record.windows(model.model) if window.issuer in debtors)
    yield from record.waivers
    yield from record.notices
    yield from (gone for gone in record.ceased if gone.party in debtors)
    yield from record.releases(model.model)
    yield from record.advisories(model.model)
