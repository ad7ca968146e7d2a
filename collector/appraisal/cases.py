"""Case files: one case in, the object to print out. What `updateplicht-collector appraise` does with each file.

The form of a case is that of the labelled cases: `case`, `at`, `known`, `policy`, and `facts` or `fleet`.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from collector.appraisal.appraise import appraise
from collector.appraisal.errors import CaseError, FactError
from collector.appraisal.fleet import appraise_fleet
from collector.appraisal.policy import Policy
from collector.appraisal.values import parse_instant


class Case(Struct, frozen=True):
    """A question to the judge: these facts, at this instant, as known then, under this policy."""

    case: str
    at: str
    known: str
    policy: Annotated[str, Meta(min_length=1)]
    facts: list[Any] | None = None
    fleet: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.facts is None) == (self.fleet is None):
            raise ValueError("a case has either `facts` or `fleet`")


def read(content: bytes) -> object:
    """What a case file holds; a byte order mark is passed over (RFC 8259 section 8.1).

    Raises:
        CaseError: No JSON, or one that two readers could read differently.
    """
    try:
        text = content.decode("utf-8-sig")
        json.loads(text, object_pairs_hook=_each_name_once)  # msgspec keeps the last of two
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as fault:
        raise CaseError(f"cannot be read as JSON: {fault}") from fault


def answer(given: object, policy_named: Callable[[str], Policy]) -> dict[str, Any]:
    """The answer to a case: its sentence, and the verdicts, or the id of the first invalid fact.

    Args:
        given: The case as its file was read.
        policy_named: Gives a policy by name; raises PolicyError if there is none.

    Raises:
        CaseError: This is no case.
        PolicyError: No policy of that name, or one that is not complete.
    """
    try:
        case = msgspec.convert(given, Case)
        at, known = parse_instant(case.at), parse_instant(case.known)
    except ValueError as fault:  # msgspec's ValidationError is one
        raise CaseError(f"this is no case: {fault}") from fault
    policy = policy_named(case.policy)
    try:
        if case.fleet is not None:
            return {"case": case.case, "fleet": appraise_fleet(case.fleet, at, known, policy)}
        return {"case": case.case, **appraise(case.facts or [], at, known, policy)}
    except FactError as fault:
        return {"case": case.case, "error": fault.fact_id}


def _each_name_once(pairs: list[tuple[str, object]]) -> None:
    """RFC 8259 section 4: what an object means that has a name twice is anybody's guess."""
    name, times = Counter(name for name, _ in pairs).most_common(1)[0] if pairs else ("", 1)
    if times > 1:
        raise ValueError(f"{name!r} stands twice in one object")
