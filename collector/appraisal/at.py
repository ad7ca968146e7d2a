"""The judged instant. No rule may look at it but through `reached` and `day`.

A verdict is a pure function of facts that compares thresholds with the judged instant and does nothing else with it.
So the earliest threshold that was asked for and not yet reached is the earliest instant at which anything can differ:
up to it every comparison made comes out the same, so the same comparisons are made, and the same verdict follows.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from collector.appraisal.days import day_end, local_day


class At:
    """The judged instant, and the next one at which the verdict may differ.

    Attributes:
        changes_at: When anything but the age of the report may make a difference; None: never.
        stale_at: E1: when the report that speaks grows too old; None where none does.
    """

    __slots__ = ("changes_at", "instant", "stale_at")

    def __init__(self, instant: datetime) -> None:
        self.instant = instant
        self.changes_at: datetime | None = None
        self.stale_at: datetime | None = None

    def reached(self, threshold: datetime) -> bool:
        """Whether the threshold lies at or before the judged instant."""
        if threshold <= self.instant:
            return True
        if self.changes_at is None or threshold < self.changes_at:
            self.changes_at = threshold
        return False

    def outlived(self, threshold: datetime) -> bool:
        """The same of the age of the report that speaks: kept apart, as only that of a device that goes on is moved."""
        self.stale_at = None if threshold <= self.instant else threshold
        return self.stale_at is None

    def day(self, zone: ZoneInfo) -> date:
        """The local day of the judged instant; what depends on it may differ from the next midnight on."""
        today = local_day(self.instant, zone)
        self.reached(day_end(today, zone))
        return today
