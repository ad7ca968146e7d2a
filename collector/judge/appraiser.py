"""What is said of cases and of single devices: appraisals, each distinct one made once, in the form that is stored.

Pure but for its memory. What was said of one case holds for every other that comes to the same, until time can change
it. A fault is an outcome too, so nobody's facts hold up the others.
"""

import hashlib
import logging
import weakref
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from collector.appraisal import Appraisal, Policy, appraise_facts, parse_facts
from collector.appraisal.exposure import Outlooks
from collector.catalogue.case import Case, encode
from collector.catalogue.instants import to_instant
from collector.catalogue.shelf import Snapshot
from collector.store import cases
from collector.store.cases import Outcome, Said

KEPT: Final = 50_000
"""Outcomes that are kept for whatever comes to the same: those that were wanted last."""

Fact = dict[str, Any]
_log = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True):
    """An outcome, when it was found, and from when on it may be otherwise."""

    judged_at: int
    until: float
    outcome: Outcome


class Appraiser:
    """Appraises under one policy.

    Args:
        policy: The numbers.

    Attributes:
        count: How many appraisals were made.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._policy_digest = policy.digest()
        self._kept: dict[bytes, _Kept] = {}
        # Nearly all cases come to one of a few verdicts, whose text is the larger part of an outcome.
        self._said = weakref.WeakValueDictionary[str, Said]()
        self._outlooks: dict[bytes, Outlooks] = {}
        self._outlooks_at = 0
        self.count = 0

    def of_case(self, case: Case, snapshot: Snapshot) -> Outcome:
        """What is said of a case, and of every other that comes to the same."""
        which = hashlib.sha256(snapshot.about(case.ids).digest + encode(msgspec.structs.replace(case, ids=()))).digest()
        kept = self._kept.pop(which, None)
        if kept is None or not kept.judged_at <= snapshot.now < kept.until:
            kept = self._judge(case, snapshot)
        self._kept[which] = kept
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return kept.outcome

    def of_device(self, name: str, facts: Iterable[Fact], now: int) -> Outcome:
        """What is said of one device by itself, by all of its facts; the name is for the log."""
        instant = to_instant(now)
        self.count += 1
        try:
            appraisal = appraise_facts(parse_facts(facts), instant, instant, self._policy)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one device's facts, the others are judged
            return _fault(name, error)
        boundary = appraisal.boundary
        return self._outcome(appraisal, None if boundary is None else int(boundary.timestamp()))

    def _judge(self, case: Case, snapshot: Snapshot) -> _Kept:
        instant = to_instant(snapshot.now)
        self.count += 1
        try:
            facts = snapshot.facts(case)
            appraisal = appraise_facts(facts, instant, instant, self._policy, self._outlooks_of(case, snapshot))
        except Exception as error:  # noqa: BLE001  # as above
            return _Kept(snapshot.now, float("inf"), _fault(f"case of {', '.join(case.ids)}", error))
        ahead = [fact.recorded_at for fact in facts if fact.recorded_at > instant]
        if appraisal.changes_at is not None:
            ahead.append(appraisal.changes_at)
        again_at = int(min(ahead).timestamp()) if ahead else None
        outcome = self._outcome(appraisal, again_at, snapshot.about(case.ids).age_s)
        return _Kept(snapshot.now, float("inf") if again_at is None else again_at, outcome)

    def _outlooks_of(self, case: Case, snapshot: Snapshot) -> Outlooks:
        if self._outlooks_at != snapshot.now:
            self._outlooks, self._outlooks_at = {}, snapshot.now
        return self._outlooks.setdefault(snapshot.about(case.ids).digest, Outlooks())

    def _outcome(self, appraisal: Appraisal, again_at: int | None, age_s: int | None = None) -> Outcome:
        text = msgspec.json.encode(appraisal.verdicts)
        shown = appraisal.shown
        model = shown.model.model if shown.model is not None else None
        said = cases.said(msgspec.json.decode(text), text, self._policy_digest)
        return Outcome(
            model=model,
            said=self._said.setdefault(said.digest, said),
            again_at=again_at,
            age_s=age_s,
        )


def _fault(name: str, error: Exception) -> Outcome:
    _log.exception("%s cannot be judged", name)
    return Outcome(fault=f"{type(error).__name__}: {error}")
