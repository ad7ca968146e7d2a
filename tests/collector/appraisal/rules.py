"""How a table of rules is written: the ordinary household, what is otherwise, and what follows."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from collector.appraisal import Policy, appraise
from collector.appraisal.policies import shipped
from tests.collector.appraisal.households import ORDINARY, Json, report

POLICY = shipped("2026-11-a")


class Row(Struct, frozen=True, kw_only=True):
    """One household and what is said of it.

    Attributes:
        otherwise: Fields of ordinary facts by id; None leaves a field out, and for a fact leaves the fact out.
        also: Facts beside the ordinary ones.
        seen: Fields of the fresh report.
        says: What must be so, by path: `S.code`, `M.window.end_excl` …
    """

    says: Json
    otherwise: dict[str, Json | None] = field(default_factory=dict)
    also: list[Json] = field(default_factory=list)
    seen: Json = field(default_factory=dict)
    at: str = "2026-11-20T12:00:00Z"
    known: str | None = None
    policy: Policy = POLICY


def said(row: Row) -> Json:
    """What is said of the household of a row, at the paths that the row names."""
    kept = [fact for fact in ORDINARY if row.otherwise.get(fact["id"], {}) is not None]
    facts = [fact | (row.otherwise.get(fact["id"]) or {}) for fact in kept]
    fresh = report("fresh", "2026-01-31", 9, **row.seen) | {"recorded_at": row.at}
    at, known = datetime.fromisoformat(row.at), datetime.fromisoformat(row.known or row.at)
    verdicts = appraise([*facts, *row.also, fresh], at, known, row.policy)
    decoded = msgspec.json.decode(msgspec.json.encode(verdicts))
    return {path: _at(decoded, path) for path in row.says}


def _at(verdicts: Any, path: str) -> Any:
    for step in path.split("."):
        verdicts = verdicts[step]
    return verdicts
