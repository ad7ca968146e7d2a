"""Who owes, and in which zone the days of that debt are counted: read from what is on record, by the judge's own rules.

A verdict names no party, because a party's name is no part of the judgement. The seller is that of the governing sale
(appraisal.md T1), the manufacturer and the class those of the best entry of the model (K4); the zones are those of D1.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from collector.appraisal.at import At
from collector.appraisal.errors import FactError
from collector.appraisal.facts import AnyFact, parse_fact
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.verdict import Verdict
from collector.appraisal.windows import market, sales_in_order
from collector.store.rows import Device, Json


class Tracks(msgspec.Struct, frozen=True, kw_only=True):
    """Both tracks of a verdict: the seller's and the manufacturer's, never merged."""

    S: Verdict
    M: Verdict


class Debtor(msgspec.Struct, frozen=True, kw_only=True):
    """The party on one track; `name` is None where nobody is on record."""

    name: str | None
    zone: ZoneInfo


class Debts(msgspec.Struct, frozen=True, kw_only=True):
    """Who owes for one device, by track, and what kind of product it is."""

    S: Debtor
    M: Debtor
    device_class: str | None


def tracks(stored: Json | None) -> Tracks | None:
    """A stored verdict, typed."""
    return None if stored is None else msgspec.convert(stored, Tracks)


def debts(device: Device, at: datetime, known: datetime, policy: Policy) -> Debts:
    """Who owes what there is to owe for a device at an instant, by what was known at another."""
    record = Record(_valid(device.naming), known)
    sales = sales_in_order(record, At(at), policy)
    sale = sales[-1] if sales else None
    model = next((model for model in record.models if model.model == device.model), None)
    return Debts(
        S=Debtor(name=sale.seller if sale else None, zone=policy.zone(sale.jurisdiction if sale else None)),
        M=Debtor(name=model.manufacturer if model else None, zone=policy.zone(market(record, sales, policy))),
        device_class=model.device_class if model else None,
    )


def _valid(facts: Iterable[Json]) -> Iterator[AnyFact]:
    """A fact that the judge would refuse names nobody, and hides no other."""
    for fact in facts:
        with contextlib.suppress(FactError):
            yield parse_fact(fact)
