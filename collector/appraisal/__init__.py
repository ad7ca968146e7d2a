"""The judge: what the recorded facts mean for one device on one day. See README.md."""

from collector.appraisal.appraise import Appraisal, appraise, appraise_facts, next_boundary
from collector.appraisal.errors import AppraisalError, CaseError, FactError, PolicyError
from collector.appraisal.facts import parse_fact, parse_facts
from collector.appraisal.policy import Policy
from collector.appraisal.verdict import Verdict, Verdicts
from collector.appraisal.versions import compare

__all__ = [
    "Appraisal",
    "AppraisalError",
    "CaseError",
    "FactError",
    "Policy",
    "PolicyError",
    "Verdict",
    "Verdicts",
    "appraise",
    "appraise_facts",
    "compare",
    "next_boundary",
    "parse_fact",
    "parse_facts",
]
