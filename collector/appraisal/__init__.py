"""The judge: what the recorded facts mean for one device, or one model in many homes, on one day. See README.md."""

from collector.appraisal.appraise import Appraisal, appraise, appraise_facts, next_boundary
from collector.appraisal.errors import AppraisalError, CaseError, FactError, PolicyError
from collector.appraisal.facts import parse_fact, parse_facts
from collector.appraisal.fleet import appraise_fleet, fleet_verdict
from collector.appraisal.policy import Policy
from collector.appraisal.verdict import FleetFinding, FleetVerdict, Verdict, Verdicts
from collector.appraisal.versions import compare

__all__ = [
    "Appraisal",
    "AppraisalError",
    "CaseError",
    "FactError",
    "FleetFinding",
    "FleetVerdict",
    "Policy",
    "PolicyError",
    "Verdict",
    "Verdicts",
    "appraise",
    "appraise_facts",
    "appraise_fleet",
    "compare",
    "fleet_verdict",
    "next_boundary",
    "parse_fact",
    "parse_facts",
]
