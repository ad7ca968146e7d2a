"""Random values for the fields of facts, of every form that the specification knows.

They are drawn from what a case already names and from the boundaries of the policy, so that days meet, versions compare
and parties are the same more often than chance would have it.
"""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.collector.appraisal.second import forms
from tests.collector.appraisal.second.forms import ENVELOPE, KINDS, Word
from tests.collector.appraisal.second.record import Fact
from tests.collector.appraisal.second.values import read_instant

LAW_DAYS = ["2010-01-01", "2022-04-27", "2024-01-01", "2024-04-29", "2026-07-31", "2026-09-27", "2027-12-11"]
TERMS = [0, 0, 0, -1, 1, 2, 7, 14, 30, -30, 60, 90, 180, -180, 365, 731, -365, 1827]
SECONDS = ["00:00:00", "09:30:00", "12:00:00", "21:59:59", "22:00:00", "22:59:59", "23:00:00", "23:59:59"]
OFFSETS = ["", "Z", "+02:00", ".250-08:00"]
VERSIONS = ["0.9", "1.0.0", "1.0.5", "1.1", "1.1.0", "1.2.0", "1.2.0-rc.1", "2.0.0", "rosa", ""]
VERSIONS += ["16908340", "0x01020034", "2026-05-01", "260601"]
SCHEMES = ["multipart-numeric"] * 4 + list(forms.SCHEMES)
OTHERS = ["consumer:c1", "operator:register", "third_party:nvd"]
RANGES = [{"all": True}, {"text": "before the summer"}, {}]
WORDS: dict[str, list[Any]] = {
    "jurisdiction": ["NL", "DE", "GB", "BE", "FR"],
    "market": ["NL", "DE", "GB", "FR"],
    "transfer": ["sale", "sale", "lease"],
    "liability_months": [6, 12, 18, 24, 36],
    "class": ["camera", "phone", "appliance", "toy", "other", "kettle"],
    "expected_use_months": [12, 36, 60, 84],
    "subject": ["update_duty", "limited functions"],
    "signer": ["buyer", "clerk"],
    "excludes": [[], ["manufacturer"]],
    "replaces": [[], ["win-1"], ["win-2"], ["win-1", "win-2"], ["new-0"], ["new-1"]],
    "regions": [["NL"], ["DE", "NL"], ["GB"], []],
    "hw_min": [1, 2, 3],
    "hw_max": [3, 4, 5],
    "hw_revision": [0, 1, 2, 3, 4, 5, 6],
    "hw": ["h1", "h2"],
    "digests": [["d-1"], ["d-2"], ["d-1", "d-2"], []],
    "digest": ["d-1", "d-2", "d-3"],
    "document_digest": ["doc-1", "doc-2"],
    "signed_digest": ["doc-1", "doc-2"],
    "shown_digest": ["doc-1", "doc-2"],
    "seq": [1, 2, 3, 10, 11],
    "result": ["ok", "ok", "ok", "unreachable", "refused", "parse_failed"],
    "offer": [{"result": "none"}, {"result": "offered", "version": "1.1.0"}, {"result": "failed", "version": "1.1.0"}],
    "version_alt": ["s1", "s2"],
    "key": ["k1", "k2"],
    "device": ["d1"],
}


class Draw:
    """Values for one case."""

    def __init__(self, chance: random.Random, facts: list[Fact], at: str) -> None:
        def named(field: str, kind: str = "") -> set[str]:
            return {fact[field] for fact in facts if fact.get(field) and kind in ("", fact["kind"])}

        self.chance = chance
        self.days = sorted({*re.findall(r"\b\d{4}-\d\d-\d\d", str(facts)), *LAW_DAYS, at[:10]})
        self.sellers = sorted({*named("seller"), "tweede"})
        self.makers = sorted({*named("manufacturer"), "nemo"})
        models, advisories = sorted({*named("model"), "other/x"}), sorted(named("advisory")) or ["ADV-1"]
        self.versions = [*sorted(named("version") | named("version_raw")) * 2, *VERSIONS]
        self.ids = sorted({name for fact in facts if fact["kind"] == "model" for name in fact["ids"]} | {"gtin:0"})
        self.words = WORDS | {
            "model": [models[0]] * 5 + models,
            "manufacturer": [self.makers[0]] * 3 + self.makers,
            "seller": [self.sellers[0]] * 3 + self.sellers,
            "party": [f"seller:{self.sellers[0]}", f"manufacturer:{self.makers[0]}"],
            "scheme": SCHEMES,
            "version": self.versions,
            "version_raw": self.versions,
            "advisory": [*advisories, "ADV-1", "ADV-2", "ADV-3"],
            "fixes": [[name] for name in advisories] + [["ADV-1"], ["ADV-2"], ["ADV-1", "ADV-2"], ["ADV-9"], []],
        }
        self.forms = {
            forms.when: self.when,
            forms.moment: self.moment,
            forms.end: self.end,
            forms.ranges: self.ranges,
            forms.boolean: self.boolean,
            read_instant: self.instant,
        }

    def value(self, kind: str, field: str) -> Any:
        """A value for a field, as the table names it."""
        check, name = {**ENVELOPE, **KINDS[kind]}[field], field.rstrip("!")
        if name == "issuer":
            return self.issuer(kind)
        if check in self.forms:
            return self.forms[check]()
        if name in ("ids", "fixed_in"):
            return [self.chance.choice(self.ids if name == "ids" else self.versions) for _ in range(self.few())]
        return self.chance.choice(self.words.get(name) or (check.words if isinstance(check, Word) else []))

    def few(self) -> int:
        """How many."""
        return self.chance.choice([0, 1, 1, 2])

    def boolean(self) -> bool:
        """Rather yes."""
        return self.chance.random() < 0.6

    def issuer(self, kind: str) -> str:
        """Somebody who may say such a thing."""
        seller, maker = f"seller:{self.chance.choice(self.sellers)}", f"manufacturer:{self.chance.choice(self.makers)}"
        choices = {"window": [seller, maker, maker], "sale": [seller, *OTHERS[:2]]}
        return self.chance.choice(choices.get(kind, [seller, maker, *OTHERS]))

    def day(self) -> str:
        """A day at, or a term from, one that matters."""
        day = datetime.fromisoformat(self.chance.choice(self.days)) + timedelta(days=self.chance.choice(TERMS))
        return f"{day.date()}"

    def instant(self) -> str:
        """An instant of such a day, often a midnight of Amsterdam."""
        return f"{self.day()}T{self.chance.choice(SECONDS)}Z"

    def shortly_before(self, instant: str) -> str:
        """Within three days."""
        second = read_instant(instant) - self.chance.randint(0, 3 * 86400)
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def when(self) -> Any:
        """A When of any form."""
        first, last = sorted((self.day(), self.day()))
        return self.chance.choice([first] * 6 + [first[:7], self.instant(), {"from": first, "to": last}])

    def moment(self) -> str:
        """A Moment of any form."""
        return self.chance.choice([self.day(), self.instant()[:-1] + self.chance.choice(OFFSETS)])

    def end(self) -> Any:
        """An End of any form."""
        anchor = self.chance.choice(["purchase", "placing", self.day()])
        period = {"months": self.chance.choice([0, 6, 24, 60, 72]), "from": anchor}
        day = self.day()
        return self.chance.choice([day, day, day, day[:7], self.moment(), "tba", period, period])

    def ranges(self) -> list[Any]:
        """Ranges of any form."""
        return [self.range() for _ in range(self.few())]

    def range(self) -> Any:
        """A range of any form."""
        parts = self.chance.sample(["exact", "from", "before", "through"], self.chance.choice([1, 1, 2]))
        return self.chance.choice([*RANGES, *[{part: self.chance.choice(self.versions) for part in parts}] * 6])
