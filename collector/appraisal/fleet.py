"""One model in many homes (appraisal.md section 11): facts in, fleet verdict out. Pure, like `appraise`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from collector.appraisal.appraise import Appraisal, appraise_facts
from collector.appraisal.at import At
from collector.appraisal.errors import CaseError
from collector.appraisal.facts import AnyFact, parse_facts
from collector.appraisal.fleet_rules import findings
from collector.appraisal.homes import Fleet, Home, home
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.verdict import FleetVerdict


class OwnDevice(Struct, frozen=True):
    """A device and the facts that are its own."""

    device: str
    facts: list[Any]


class Household(Struct, frozen=True):
    """A home; `repeat` stands for so many homes of the same kind."""

    household: str
    devices: list[OwnDevice]
    repeat: Annotated[int, Meta(ge=1)] = 1


class FleetInput(Struct, frozen=True):
    """A model, what is known of it, and the homes."""

    model: str
    shared: list[Any]
    households: list[Household]


def appraise_fleet(fleet: Mapping[str, Any], at: datetime, known: datetime, policy: Policy) -> FleetVerdict:
    """Judge one model over many homes.

    Args:
        fleet: The model, the shared facts, the households with their devices and own facts.
        at: The judged instant.
        known: What had been recorded by then counts.
        policy: The numbers.

    Raises:
        FactError: Names the first invalid fact in list order (F0).
        CaseError: It is not written as a fleet.
    """
    try:
        given = msgspec.convert(fleet, FleetInput)
    except msgspec.ValidationError as fault:
        raise CaseError(f"this is no fleet: {fault}") from fault
    shared = parse_facts(given.shared)

    def judged(own: OwnDevice) -> tuple[str, Appraisal]:
        facts = [*shared, *parse_facts(own.facts, beside=shared)]
        return own.device, appraise_facts(facts, at, known, policy)

    homes = [home(each.repeat, given.model, map(judged, each.devices)) for each in given.households]
    return appraise_homes(given.model, shared, homes, at, known, policy).verdict


class FleetAppraisal(Struct, frozen=True):
    """What was judged; at `boundary` the same homes may give another verdict (None: never)."""

    verdict: FleetVerdict
    boundary: datetime | None


def appraise_homes(
    model: str, shared: Sequence[AnyFact], homes: Sequence[Home], at: datetime, known: datetime, policy: Policy
) -> FleetAppraisal:
    """Judge one model over homes in which every device is already appraised.

    Args:
        model: The model.
        shared: The facts that are not of one device: the model's entry, windows, releases, keys.
        homes: The homes, from `home`.
        at: The judged instant, for which the devices were appraised.
        known: What had been recorded by then counts.
        policy: The numbers.
    """
    fleet = Fleet(model, Record(shared, known), homes, At(at), policy)
    verdict = FleetVerdict(
        model=model,
        households=fleet.households,
        with_report=fleet.with_report,
        findings=tuple(findings(fleet)),
        policy_version=policy.policy_version,
    )
    return FleetAppraisal(verdict, fleet.at.changes_at)
