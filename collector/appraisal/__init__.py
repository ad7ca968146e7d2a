"""The judge: what the recorded facts mean for one device, or one model in many homes, on one day. See README.md."""

from collector.appraisal.appraise import Appraisal, appraise, appraise_facts, next_boundary
from collector.appraisal.errors import AppraisalError, CaseError, FactError, PolicyError
from collector.appraisal.facts import parse_fact, parse_facts
from collector.appraisal.fleet import FleetAppraisal, appraise_fleet, appraise_homes
from collector.appraisal.policy import Policy
from collector.appraisal.verdict import FleetFinding, FleetVerdict, Verdict, Verdicts
from collector.appraisal.versions import compare

__all__ = [
    "Appraisal",
    "AppraisalError",
    "CaseError",
    "FactError",
    "FleetAppraisal",
    "FleetFinding",
    "FleetVerdict",
    "Policy",
    "PolicyError",
    "Verdict",
    "Verdicts",
    "appraise",
    "appraise_facts",
    "appraise_fleet",
    "appraise_homes",
    "compare",
    "next_boundary",
    "parse_fact",
    "parse_facts",
]
