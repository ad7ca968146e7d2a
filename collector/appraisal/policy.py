"""The policy: every number of the appraisal, as one table of data (appraisal.md section 10, P1).

No number stands in code. A policy is named by its `policy_version`, which every verdict carries; its digest tells two
tables of one name apart.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, ValidationError, convert, json

from collector.appraisal.errors import PolicyError


class FixDueDays(Struct, frozen=True):
    """Within how many days of publication a fix is due."""

    exploited: int
    critical: int
    high: int
    medium: int
    low: int


class ReportMaxAgeDays(Struct, frozen=True):
    """How old the newest usable report may be."""

    mains: int
    battery: int


class Jurisdiction(Struct, frozen=True):
    """What holds in one country; a date that is null is not in force there."""

    zone: ZoneInfo
    eu: bool
    sales_law_from: date | None
    window_info_from: date | None
    repair_extension_from: date | None
    psti_from: date | None

    @property
    def law_dates(self) -> tuple[date, ...]:
        """The days from which the rules for a sale change."""
        dates = (self.sales_law_from, self.window_info_from, self.repair_extension_from, self.psti_from)
        return tuple(day for day in dates if day is not None)


class ClaimMinHouseholds(Struct, frozen=True):
    """How many households must have been heard before a release that none runs is called unseen."""

    auto: int
    manual: int


class FleetPolicy(Struct, frozen=True):
    """The numbers of section 11."""

    min_households: int
    min_cell: int
    min_coverage_percent: int
    claim_min_households: ClaimMinHouseholds
    stall_days: int
    stall_min_percent: int
    notice_max_percent: int
    notice_min_households: int
    lag_max_percent: int
    waiver_invalid_max_percent: int
    unlisted_min_households: int
    key_min_months: int
    carousel_min: int
    no_finding_percent: int


class Policy(Struct, frozen=True):
    """The numbers that a verdict rests on."""

    policy_version: str
    fix_due_days: FixDueDays
    phone_fix_months: int
    reasonable_days: int
    reasonable_days_urgent: int
    rollout_grace_days: int
    report_max_age_days: ReportMaxAgeDays
    silent_after: int
    expectation_floor_months: int
    expectation_months: dict[str, int]
    statutory_months: int
    used_min_months: int
    repair_extension_months: int
    cra_from: date
    cra_min_months: int
    cra_keep_months: int
    default_market: str
    earliest_day: date
    register_from: date
    delivery_default_days: int
    waiver_same_act_seconds: int
    waiver_deposit_hours: int
    max_unknowns: int
    jurisdictions: dict[str, Jurisdiction]
    fleet: FleetPolicy
    refs: dict[str, list[str]]

    def __post_init__(self) -> None:
        if self.default_market not in self.jurisdictions:
            raise ValueError("default_market must be one of the jurisdictions")
        if "other" not in self.expectation_months:
            raise ValueError("expectation_months must hold `other`")

    def zone(self, country: str | None) -> ZoneInfo:
        """D1: the zone of a country; of `default_market` where the policy has no row."""
        row = self.jurisdictions.get(country or self.default_market)
        return (row or self.jurisdictions[self.default_market]).zone

    def expectation(self, device_class: str) -> int:
        """S2: for how many months a buyer may expect updates for a class of device."""
        months = self.expectation_months.get(device_class, self.expectation_months["other"])
        return max(self.expectation_floor_months, months)

    def digest(self) -> str:
        """SHA-256 over the table in its sorted JSON form, in hex."""
        return hashlib.sha256(json.encode(self, enc_hook=str, order="sorted")).hexdigest()


def policy_from(data: Mapping[str, Any], zone_named: Callable[[str], ZoneInfo]) -> Policy:
    """The policy that a table of data holds.

    Args:
        data: The table as it was read.
        zone_named: Gives the rules of a time zone by IANA name; raises ValueError for an unknown one.

    Raises:
        PolicyError: A number is missing or of the wrong form.
    """

    def build(kind: type, value: object) -> object:
        if kind is ZoneInfo and isinstance(value, str):
            return zone_named(value)
        raise ValueError("expected the IANA name of a time zone")

    try:
        return convert(data, Policy, dec_hook=build)
    except ValidationError as fault:
        raise PolicyError(f"the policy is not complete: {fault}") from fault
