"""What of a device's own facts can change its verdict, so that devices which differ in nothing else are judged once.

What is left of them are facts again, which stand for those of every such device: beside the same facts about models and
parties they give the same verdicts and the same boundary at any judged instant, if all are recorded by then. What is
left out, and why no rule can tell:

- whose device it is: no rule reads a device id, and of a consumer only that he is one (T1, W5);
- a fact's id: it orders facts that are equally old, so the order stays; ids stay where one own fact corrects another;
- when an own fact was signed: only statements about models count from then (S1, V3);
- when a sale was recorded, if it is the only one and says when the contract was made (T1, C1);
- when a report came: E1 asks how old the newest is, which the caller must ask himself; else only the local day of the
  first one counts (C1), and that only up to the last day that a known contract leaves for the delivery.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from collector.appraisal.days import add_days, day_start, local_day
from collector.appraisal.policy import Policy
from collector.appraisal.values import When

Fact = dict[str, Any]
_UNREAD: Final = frozenset({"id", "device", "asserted_at"})
_EVER: Final = "1970-01-01T00:00:00Z"
_QUARTER_S: Final = 900
"""Local midnights of every zone fall on quarters of an hour in UTC."""
_UTC: Final = timedelta(days=2)
"""By how much a day in UTC may miss a local one, and one to spare."""


class Likeness:
    """Tells what counts of own facts under one policy.

    Args:
        policy: The numbers.
    """

    def __init__(self, policy: Policy) -> None:
        zones = {row.zone for row in policy.jurisdictions.values()}
        self._delivery = timedelta(days=policy.delivery_default_days)

        @lru_cache(maxsize=65536)
        def midnight(quarter: int) -> int:
            instant = datetime.fromtimestamp(quarter * _QUARTER_S, UTC)
            return max(int(day_start(local_day(instant, zone), zone).timestamp()) for zone in zones)

        self._midnight = midnight
        self._last_day = lru_cache(maxsize=65536)(self._last_day_of)

    def first_report(self, received_at: int) -> int:
        """The earliest instant that is on the same local day everywhere, Unix seconds."""
        return self._midnight(received_at // _QUARTER_S)

    def stated(self, facts: Sequence[Fact], first_report: int) -> tuple[int, tuple[Fact, ...]]:
        """What counts of the facts that are stated of a device, and of when it was first reported.

        Args:
            facts: Sales, units and notices, in the form of appraisal.md.
            first_report: When the first accepted report came, Unix seconds.

        Raises:
            ValueError: A fact is not as the door lets them in.
        """
        ordered = sorted(facts, key=lambda fact: str(fact["id"]))
        if not any(fact.get("corrects") for fact in ordered):
            sales = [fact for fact in ordered if fact["kind"] == "sale"]
            if len(sales) == 1:
                first_report = self._as_delivered(sales[0], first_report)
            ordered = [_read(fact, number, is_only_sale=len(sales) == 1) for number, fact in enumerate(ordered)]
        return self.first_report(first_report), tuple(ordered)

    def _as_delivered(self, sale: Fact, first_report: int) -> int:
        """C1: a first report after the last possible delivery says no more than one on that day."""
        contract = sale.get("contract")
        if not isinstance(contract, str) or str(sale["issuer"]).startswith("seller:"):
            return first_report
        return min(first_report, self._last_day(contract))

    def _last_day_of(self, contract: str) -> int:
        last = add_days(When.parse(contract).last, (self._delivery + _UTC).days)
        return int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp())


def _read(fact: Fact, number: int, *, is_only_sale: bool) -> Fact:
    kept = {name: value for name, value in fact.items() if value is not None and name not in _UNREAD}
    if kept["issuer"].startswith("consumer:"):
        kept["issuer"] = "consumer:own"
    if is_only_sale and kept["kind"] == "sale" and kept.get("contract") is not None:
        kept["recorded_at"] = _EVER
    return {**kept, "id": f"own:{number:04}", "device": "own"}
