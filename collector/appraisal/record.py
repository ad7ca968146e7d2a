"""Which facts count (appraisal.md section 2, K1 to K4).

The record is what was known of one device at `known`. It holds every fact that counts; who may read which of them, and
what must have happened by the judged instant, is said rule by rule.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from collector.appraisal.facts import (
    Advisory,
    AnyFact,
    Ceased,
    Fact,
    Model,
    Notice,
    Release,
    Report,
    Sale,
    SigningKey,
    Unit,
    UpdateWindow,
    Waiver,
)

FactT = TypeVar("FactT", bound=Fact)
_ROLES: Final = {"manufacturer": 4, "seller": 3, "operator": 2, "third_party": 1}


class Record:
    """The facts of one device that count, by kind, in an order that the input does not give."""

    def __init__(self, facts: Iterable[AnyFact], known: datetime) -> None:
        self._counted: dict[type, list[AnyFact]] = defaultdict(list)
        for fact in _counted(facts, known):
            self._counted[type(fact)].append(fact)
        self.sales = self._of(Sale)
        self.notices = self._of(Notice)
        self.waivers = self._of(Waiver)
        self.ceased = self._of(Ceased)
        self.keys = self._of(SigningKey)
        self.models = _best(self._of(Model), lambda fact: fact.model)
        self.reports = sorted(self._of(Report), key=lambda report: (report.recorded_at, report.seq, report.id))
        units = self._of(Unit)
        self.unit = max(units, key=lambda unit: (unit.recorded_at, unit.id)) if units else None

    def windows(self, model: str) -> list[UpdateWindow]:
        """K5: the statements of how long updates will come for a model."""
        return [fact for fact in self._of(UpdateWindow) if fact.model == model]

    def releases(self, model: str) -> list[Release]:
        """K4, K5: the releases of a model, one for each version string."""
        return _best([fact for fact in self._of(Release) if fact.model == model], lambda fact: fact.version)

    def advisories(self, model: str) -> list[Advisory]:
        """K4, K5: the advisories on a model, one for each name."""
        return _best([fact for fact in self._of(Advisory) if fact.model == model], lambda fact: fact.advisory)

    def _of(self, kind: type[FactT]) -> list[FactT]:
        return [fact for fact in self._counted[kind] if isinstance(fact, kind)]


def _counted(facts: Iterable[AnyFact], known: datetime) -> Sequence[AnyFact]:
    """K1, K2: recorded by `known` and not corrected by a counted fact of the same kind and issuer."""
    recorded = sorted((fact for fact in facts if fact.recorded_at <= known), key=lambda fact: fact.id)
    corrected = {(fact.corrects, type(fact), fact.issuer) for fact in recorded if fact.corrects is not None}
    return [fact for fact in recorded if (fact.id, type(fact), fact.issuer) not in corrected]


def _best(facts: Iterable[FactT], key: Callable[[FactT], str]) -> list[FactT]:
    """K4: for each key the fact of the strongest role, then recorded last, then with the greatest id."""
    best: dict[str, FactT] = {}
    for fact in sorted(facts, key=lambda fact: (_ROLES.get(fact.role, 0), fact.recorded_at, fact.id)):
        best[key(fact)] = fact
    return [best[name] for name in sorted(best)]
