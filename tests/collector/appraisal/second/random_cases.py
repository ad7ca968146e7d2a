"""Random cases: a labelled or hand-written case, changed in a few places that matter to a rule."""

import copy
import random
from collections.abc import Sequence
from typing import Any

from tests.collector.appraisal.second.draw import Draw
from tests.collector.appraisal.second.forms import KINDS
from tests.collector.appraisal.second.record import Fact

Case = dict[str, Any]
OFTEN = ["window", "release", "advisory", "report"]
ADDED = [*OFTEN, *OFTEN, "sale", "unit", "waiver", "notice", "party", "model"]
ENVELOPE = ("recorded_at!", "asserted_at", "issuer!")


class Changer:
    """Changes the facts of a case, in place, by one source of chance."""

    def __init__(
        self, case: Case, facts: list[Fact], beside: Sequence[Fact], policies: Sequence[str], seed: int
    ) -> None:
        self.chance = random.Random(seed)
        self.case, self.facts, self.policies = case, facts, policies
        self.draw = Draw(self.chance, [*facts, *beside], case["at"])

    def change(self) -> None:
        """One to six changes, at times most of them of one kind."""
        changes = [self.set_field] * 6 + [self.drop_field] * 2 + [self.add_fact] * 3
        changes += [self.copy_fact, self.drop_fact, self.judge_otherwise]
        focus = self.chance.choice([None, None, None, *OFTEN, "sale"])
        for _ in range(self.chance.choice([1, 1, 2, 3, 4, 6])):
            if focus and self.chance.random() < 0.6:
                self.add(focus)
            elif self.facts:
                self.chance.choice(changes)()
        if self.chance.random() < 0.3:
            self.chance.shuffle(self.facts)

    def judge_otherwise(self) -> None:
        """Judge another instant, mostly with reports up to it; or with other knowledge; or by another policy."""
        which = self.chance.choice(["at", "at", "known", "policy"])
        self.case[which] = self.chance.choice(self.policies) if which == "policy" else self.draw.instant()
        if which == "at" and self.chance.random() < 0.8:
            self.case["known"] = max(self.case["at"], self.case["known"])
            for fact in self.facts:
                if fact["kind"] == "report" and self.chance.random() < 0.7:
                    fact["recorded_at"] = self.draw.shortly_before(self.case["at"])

    def drop_fact(self) -> None:
        """One fact less."""
        self.facts.remove(self.chance.choice(self.facts))

    def copy_fact(self) -> None:
        """The same said again, a little otherwise, or corrected."""
        fact = copy.deepcopy(self.chance.choice(self.facts))
        original, fact["id"] = fact["id"], self.name()
        if fact["kind"] not in ("window", "waiver", "report") and self.chance.random() < 0.5:
            fact["corrects"] = original
        self.facts.append(fact)
        for _ in range(self.chance.randrange(3)):
            self.set(fact)

    def add_fact(self) -> None:
        """One fact more."""
        self.add(self.chance.choice(ADDED))

    def add(self, kind: str) -> None:
        """A fact of drawn fields."""
        fact: Fact = {"id": self.name(), "kind": kind}
        for field in [*ENVELOPE, *KINDS[kind]]:
            if field != "withdraw" and (field.endswith("!") or self.chance.random() < 0.5):
                fact[field.rstrip("!")] = self.draw.value(kind, field)
        if kind == "window" and "end" not in fact:
            fact["withdraw"] = True
        self.facts.append(in_order(fact))

    def drop_field(self) -> None:
        """Nobody said so."""
        fact = self.chance.choice(self.facts)
        optional = [name for name in KINDS[fact["kind"]] if name in fact and name not in ("end", "withdraw")]
        if optional:
            fact[self.chance.choice(optional)] = None

    def set_field(self) -> None:
        """Something else was said."""
        self.set(self.chance.choice(self.facts))

    def set(self, fact: Fact) -> None:
        """Another value in one field."""
        field = self.chance.choice([*ENVELOPE, *KINDS[fact["kind"]]])
        fact[field.rstrip("!")] = True if field == "withdraw" else self.draw.value(fact["kind"], field)
        if field in ("end", "withdraw"):
            fact["withdraw" if field == "end" else "end"] = None
        in_order(fact)

    def name(self) -> str:
        """An id, mostly a free one; short enough to be listed in `replaces`."""
        return f"new-{self.chance.choice([len(self.facts), len(self.facts), self.chance.randrange(10**6), 0, 1])}"


def in_order(fact: Fact) -> Fact:
    """A fact whose revisions do not run backwards."""
    if fact.get("hw_min") and fact.get("hw_max"):
        fact["hw_max"] = max(fact["hw_min"], fact["hw_max"])
    return fact


def changed_case(case: Case, policies: Sequence[str], seed: int) -> Case:
    """A case of one device with a few changes."""
    case = copy.deepcopy(case)
    Changer(case, case["facts"], [], policies, seed).change()
    return case


def changed_fleet(case: Case, policies: Sequence[str], seed: int) -> Case:
    """A fleet with a few changes: to what is shared, to the devices of some homes, to how many they are."""
    case, chance = copy.deepcopy(case), random.Random(seed)
    fleet = case["fleet"]
    for _ in range(chance.choice([1, 2, 3])):
        household = copy.deepcopy(chance.choice(fleet["households"]))
        household["repeat"] = max(1, household.get("repeat", 1) + chance.choice([0, 0, 1, -1, 5, -20, 70]))
        if chance.random() < 0.5:
            fleet["households"].append(household)
        own = chance.choice(household["devices"])["facts"]
        facts, beside = (fleet["shared"], own) if chance.random() < 0.4 else (own, fleet["shared"])
        Changer(case, facts, beside, policies, chance.randrange(2**32)).change()
    return case
