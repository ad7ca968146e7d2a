"""Households as hypothesis draws them: an ordinary one, and what strays from it.

The ordinary household has a camera with an open hole and a fix. Drawn are facts beside it, and single fields of any
fact that are set otherwise or left out. So a failing example shrinks to the few strays that make it fail. Days come
from a short list, so that thresholds meet: a statement on the contract day, a deadline in the judged second, a
purchase on the day on which clocks change.
"""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

MODEL, MAKER, SELLER, BUYER, OPERATOR = "acme/cam-2", "manufacturer:acme", "seller:shop", "consumer:c1", "operator:o"
BEFORE = ["2024-02-29", "2025-11-30", "2026-01-31", "2026-03-10", "2026-03-12", "2026-03-29"]
AFTER = ["2026-09-01", "2026-09-27", "2026-10-25", "2026-11-01", "2027-12-10", "2027-12-11", "2028-02-29"]
DAYS = [*BEFORE, *AFTER]
ENDS = ["2026-03-29", "2026-10-25", "2026-12-31", "2028-02", "2031-03-31", "2033-12-31"]
TIMES = ["12:00:00Z", "00:00:00Z", "22:00:00Z", "22:59:59Z", "23:00:00Z"]
INSTANTS = [f"{day}T{time}" for day, time in product(DAYS, TIMES)]
INTERVALS = [{"from": first, "to": last} for first in DAYS for last in DAYS if first < last]
WHENS = [*DAYS, *DAYS, "2026-03", "2027-12", *INTERVALS[::4], *INSTANTS[::4]]
MOMENTS = [*DAYS, *INSTANTS[::3], *(f"{day}T12:00:00" for day in DAYS)]


def told(kind: str, name: str, issuer: str, recorded: str, **fields: Any) -> Json:
    """A fact."""
    return {"id": name, "kind": kind, "issuer": issuer, "recorded_at": f"{recorded}T12:00:00Z", **fields}


def release(name: str, version: str, day: str, **fields: Any) -> Json:
    return told("release", name, MAKER, day, model=MODEL, version=version, available_from=day, **fields)


def statement(name: str, issuer: str, day: str, **fields: Any) -> Json:
    return told("window", name, issuer, day, model=MODEL, **fields)


def report(name: str, day: str, seq: int, **fields: Any) -> Json:
    seen = {"device": "d1", "seq": seq, "ids": ["model:CAM-2"], "result": "ok", "version_raw": "1.0.0"}
    return told("report", name, "gateway:g1", day, **{**seen, **fields})


def advisory(name: str, **fields: Any) -> Json:
    said = {"public_since": "2026-09-01", "affected": [{"through": "1.0.0"}], "severity": "critical"}
    return told("advisory", name, MAKER, "2026-09-01", model=MODEL, advisory=name.upper(), **{**said, **fields})


def deposit(name: str, issuer: str) -> Json:
    digest = "c" * 64
    digests = {"document_digest": digest, "signed_digest": digest, "shown_digest": digest}
    act = {"accepted_at": "2026-03-10T10:00:00Z", "shown_at": "2026-03-10T09:00:00Z", "separate": True}
    agreed = {"subject": "update_duty", "signer": "buyer", "preticked": False, **digests, **act}
    return told("waiver", name, issuer, "2026-03-10", seller="shop", model=MODEL, **agreed)


SALE = {
    "device": "d1",
    "seller": "shop",
    "contract": "2026-03-10",
    "delivered": "2026-03-12",
    "jurisdiction": "NL",
    "seller_type": "trader",
    "buyer_type": "consumer",
    "supply": "single",
}
NOTICE = {"device": "d1", "topic": "update", "version": "1.1.0", "received_at": "2026-10-01T12:00:00Z"}
TOLD = {"says_available": True, "says_consequence": True, "instructions": "ok"}

ORDINARY = [
    told("model", "model", OPERATOR, "2024-01-01", model=MODEL, ids=["model:CAM-2"], manufacturer="acme")
    | {"class": "camera", "power": "battery", "scheme": "semver", "general_availability": "2025-11-30"}
    | {"advisory_source": True},
    told("unit", "unit", OPERATOR, "2026-01-31", device="d1", placed="2026-01-31", market="NL"),
    told("sale", "sale", BUYER, "2026-03-12", **SALE),
    statement("promise", MAKER, "2025-11-30", end="2031-03-31"),
    release("rel-1", "1.0.0", "2025-11-30"),
    release("rel-2", "1.1.0", "2026-09-27", fixes=["ADV-1"]),
    advisory("adv-1"),
]
BESIDE = [
    [statement("word", SELLER, "2026-01-31", end="2028-02")],
    [statement("later", MAKER, "2026-09-27", end="2033-12-31")],
    [statement("short", MAKER, "2026-03-10", end="2026-12-31", replaces=["promise"])],
    [statement("back", SELLER, "2026-10-25", withdraw=True, replaces=["later", "promise"])],
    [statement("tba", MAKER, "2026-01-31", end="tba")],
    [statement("period", SELLER, "2026-03-10", end={"months": 60, "from": "purchase"})],
    [statement("placing", MAKER, "2026-09-01", end={"months": 24, "from": "placing"})],
    [statement("hearsay", "third_party:wiki", "2026-01-31", end="2033-12-31")],
    [release("rel-3", "1.2.0", "2026-10-25", security=True)],
    [release("rel-4", "1.0.1", "2026-10-25", fixes=["ADV-9"], regions=["US"])],
    [release("rel-5", "0.9.0", "2025-11-30", hw_min=2, hw_max=3)],
    [advisory("adv-2", affected=[{"all": True}], severity="low")],
    [advisory("adv-3", affected=[{"text": "older ones"}], exploited_since="2026-10-25")],
    [advisory("adv-4", affected=[], fixed_in=["0.9.0", "1.2.0"], no_fix="no_fix_planned")],
    [told("notice", "notice", SELLER, "2026-10-01", **NOTICE, **TOLD)],
    [
        told(
            "notice",
            "end",
            MAKER,
            "2027-12-10",
            device="d1",
            topic="end_of_support",
            received_at="2027-12-10T12:00:00Z",
        )
    ],
    [deposit("waiver-1", SELLER), deposit("waiver-2", BUYER)],
    [deposit("waiver-1", SELLER)],
    [told("sale", "shop-sale", SELLER, "2026-03-12", **SALE)],
    [told("sale", "resale", BUYER, "2027-12-11", **{**SALE, "contract": "2027-12-10", "delivered": None})],
    [told("party", "party", OPERATOR, "2026-10-25", party=SELLER, ceased="2026-10-25")],
    [report("once", "2026-01-31", 1, version_raw="1.1.0", hw="hw-a")],
    [report("silent-1", "2026-03-12", 2, result="unreachable"), report("silent-2", "2026-03-12", 3, result="refused")],
]
OTHERWISE: dict[str, dict[str, list[Any]]] = {
    "model": {
        "class": ["toy", "phone", "fridge"],
        "scheme": ["multipart-numeric", "opaque", "uint32"],
        "general_availability": ["2024-02-29", "2026-03-12", "2026-03"],
        "expected_use_months": [36, 120],
        "advisory_source": [],
    },
    "unit": {"placed": WHENS, "substantially_modified": WHENS, "market": ["GB", "US", "DE"]},
    "sale": {
        "issuer": [SELLER],
        "contract": WHENS,
        "delivered": WHENS,
        "jurisdiction": ["DE", "DE", "GB"],
        "seller_type": ["private"],
        "buyer_type": ["business"],
        "supply": ["continuous", "continuous"],
        "supply_end": ENDS,
        "transfer": ["lease"],
        "condition": ["used", "used"],
        "liability_months": [6, 18],
        "repaired_at": ["2026-09-27", "2026-10"],
    },
    "window": {
        "issuer": [MAKER, SELLER],
        "recorded_at": INSTANTS,
        "asserted_at": INSTANTS,
        "from_contract": DAYS,
        "replaces": [["promise"], ["later"]],
    },
    "release": {
        "available_from": MOMENTS,
        "channel": ["beta"],
        "fixes": [["ADV-1"], ["ADV-1", "ADV-2", "ADV-3"], ["ADV-9"], []],
        "security": [True, False],
        "price": ["paid"],
        "regions": [["NL", "DE"], ["US"]],
        "hw_min": [2],
        "hw_max": [3],
        "one_click": [True],
        "retracted_at": INSTANTS,
        "gone_at": INSTANTS,
    },
    "advisory": {
        "issuer": ["third_party:cvedb", SELLER],
        "asserted_at": INSTANTS,
        "public_since": MOMENTS,
        "affected": [[{"all": True}], [{"text": "some"}], [{"exact": "1.0.0"}], [{"from": "1.0.0", "before": "1.1.0"}]],
        "fixed_in": [["1.1.0"], ["0.9.0", "1.1.0"], ["1.0.0"]],
        "severity": ["high", "medium", "low"],
        "exploited_since": MOMENTS,
        "no_fix": ["no_fix_planned", "unsupported_when_assigned"],
        "os_release": WHENS,
    },
    "notice": {"version": ["1.2.0", "v1.1.0"], "received_at": INSTANTS, "says_consequence": [False]},
    "waiver": {"recorded_at": ["2026-03-12T12:00:00Z", "2026-03-20T12:00:00Z"], "until": ["2026-09", "2027-12-31"]},
    "party": {"party": [MAKER], "ceased": WHENS},
    "report": {
        "version_raw": ["1.1.0", "0.7.0", "1.2.0", "v1.0.0", "?"],
        "hw": ["hw-a", "hw-b"],
        "hw_revision": [1, 2, 4],
        "offer": [{"result": "none"}, {"result": "failed"}, {"result": "offered"}],
        "rejected": ["sequence"],
    },
}
REQUIRED = {"issuer", "recorded_at", "party", "ceased"}
STRAYS = [
    (kind, name, value)
    for kind, fields in OTHERWISE.items()
    for name, values in fields.items()
    for value in [*values[:6], *values[6::7], *([] if name in REQUIRED else [None])]
]


class Household:
    """The facts of one device, and when it is judged."""

    def __init__(self, facts: list[Json], at: datetime, known: datetime) -> None:
        self.facts = facts
        self.at = at
        self.known = known

    def __repr__(self) -> str:
        return f"at={self.at} known={self.known} facts={self.facts}"

    def having(self, facts: list[Json]) -> "Household":
        """The same moment with other facts."""
        return Household(facts, self.at, self.known)

    def of(self, kind: str) -> list[Json]:
        """The facts of a kind."""
        return [each for each in self.facts if each["kind"] == kind]

    def without(self, kind: str) -> list[Json]:
        """All facts but those of a kind."""
        return [each for each in self.facts if each["kind"] != kind]


moments = st.builds(
    lambda day, time, later: datetime.fromisoformat(f"{day}T{time}").astimezone(UTC) + timedelta(days=later),
    st.sampled_from([*AFTER, *AFTER, *BEFORE[3:]]),
    st.sampled_from(TIMES),
    st.sampled_from([0, 31, 60, 400, 1800]),
)
strays = st.lists(st.tuples(st.sampled_from(STRAYS), st.integers(0, 2)), max_size=6)


def beside(*left_out: str) -> st.SearchStrategy[list[list[Json]]]:
    """Facts beside the ordinary ones, but none of these kinds."""
    offered = [facts for facts in BESIDE if facts[0]["kind"] not in left_out]
    return st.lists(st.sampled_from(offered), max_size=5, unique_by=lambda facts: facts[0]["id"])


@st.composite
def households(draw: st.DrawFn, *left_out: str) -> Household:
    """An ordinary household and what strays from it; beside the ordinary facts none of these kinds."""
    at = draw(moments)
    fresh = report("fresh", "2026-01-31", 9) | {"recorded_at": f"{at.isoformat()[:19]}Z"}
    facts = [dict(each) for each in [*ORDINARY, *(each for group in draw(beside(*left_out)) for each in group), fresh]]
    for (kind, name, value), place in draw(strays):
        alike = [each for each in facts if each["kind"] == kind]
        if alike:
            alike[place % len(alike)][name] = value
    return Household(facts, at, at + timedelta(days=draw(st.sampled_from([0, 60]))))
