"""Section 2 and F0: the form of each kind of fact, and the first fact that breaks it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.collector.appraisal.second.values import read_day, read_instant, read_moment, read_when, written_end

Check = Callable[[Any], object]
Facts = list[dict[str, Any]]
ROLES = ("seller", "manufacturer", "consumer", "gateway", "operator", "third_party")
SCHEMES = ("uint32", "sequence", "multipart-numeric", "semver", "date-code", "vercmp", "opaque")


class InvalidFactError(Exception):
    """F0: the input holds an invalid fact, whose id this is."""


def demand(holds: bool) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise ValueError


def text(value: Any) -> None:
    demand(isinstance(value, str))


def integer(value: Any) -> None:
    demand(isinstance(value, int) and not isinstance(value, bool))


def boolean(value: Any) -> None:
    demand(isinstance(value, bool))


def texts(value: Any) -> None:
    demand(isinstance(value, list) and all(isinstance(each, str) for each in value))


class Word:
    """A word of a list."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, value: Any) -> None:
        demand(isinstance(value, str) and value in self.words)


def when(value: Any) -> None:
    read_when(value, "UTC")


def moment(value: Any) -> None:
    read_moment(value, "UTC")


def end(value: Any) -> None:
    if isinstance(value, dict):
        integer(value.get("months"))
        demand(value["months"] >= 0)
        if value.get("from") not in ("purchase", "placing"):
            read_day(value.get("from"))
    elif value != "tba":
        text(value)
        written_end(value, "UTC")


def range_(value: Any) -> None:
    demand(isinstance(value, dict))
    demand(value.get("all") is None or value["all"] is True)
    for part in ("text", "exact", "from", "before", "through"):
        if value.get(part) is not None:
            text(value[part])


def ranges(value: Any) -> None:
    demand(isinstance(value, list))
    for each in value:
        range_(each)


def offer(value: Any) -> None:
    demand(isinstance(value, dict))
    check_fields(value, {"result": Word("none", "offered", "failed"), "version": text})


def party(value: Any) -> None:
    demand(isinstance(value, str) and value.partition(":")[0] in ROLES and value.partition(":")[2] != "")


ENVELOPE: dict[str, Check] = {
    "id!": text,
    "kind!": text,
    "recorded_at!": read_instant,
    "issuer!": party,
    "asserted_at": read_instant,
    "corrects": text,
}
KINDS: dict[str, dict[str, Check]] = {
    "sale": {
        "device!": text,
        "seller!": text,
        "contract": when,
        "delivered": when,
        "jurisdiction": text,
        "seller_type": Word("trader", "private"),
        "buyer_type": Word("consumer", "business"),
        "supply": Word("single", "continuous"),
        "supply_end": when,
        "transfer": Word("sale", "lease", "gift"),
        "condition": Word("new", "used"),
        "liability_months": integer,
        "repaired_at": when,
    },
    "unit": {"device!": text, "placed": when, "substantially_modified": when, "market": text},
    "model": {
        "model!": text,
        "ids!": texts,
        "manufacturer!": text,
        "class": text,
        "power": Word("mains", "battery"),
        "scheme": Word(*SCHEMES),
        "general_availability": when,
        "expected_use_months": integer,
        "advisory_source": boolean,
        "auto_update": boolean,
    },
    "window": {"model!": text, "end": end, "withdraw": boolean, "replaces": texts, "from_contract": when},
    "waiver": {
        "seller!": text,
        "model!": text,
        "document_digest!": text,
        "accepted_at!": read_instant,
        "subject": text,
        "until": when,
        "signed_digest": text,
        "shown_digest": text,
        "shown_at": read_instant,
        "separate": boolean,
        "signer": text,
        "preticked": boolean,
        "excludes": texts,
    },
    "release": {
        "model!": text,
        "version!": text,
        "scheme": Word(*SCHEMES),
        "available_from": moment,
        "channel": Word("stable", "beta"),
        "fixes": texts,
        "security": boolean,
        "price": Word("free", "paid"),
        "regions": texts,
        "hw_min": integer,
        "hw_max": integer,
        "one_click": boolean,
        "digests": texts,
        "version_alt": text,
        "retracted_at": read_instant,
        "gone_at": read_instant,
    },
    "advisory": {
        "model!": text,
        "advisory!": text,
        "public_since": moment,
        "affected": ranges,
        "fixed_in": texts,
        "severity": Word("critical", "high", "medium", "low"),
        "exploited_since": moment,
        "no_fix": Word("no_fix_planned", "unsupported_when_assigned"),
        "os_release": when,
    },
    "notice": {
        "device!": text,
        "topic!": Word("update", "end_of_support"),
        "version": text,
        "received_at": read_instant,
        "says_available": boolean,
        "says_consequence": boolean,
        "instructions": Word("ok", "faulty"),
    },
    "report": {
        "device!": text,
        "seq!": integer,
        "ids!": texts,
        "result!": Word("ok", "unreachable", "refused", "parse_failed"),
        "version_raw": text,
        "version_alt": text,
        "scheme": Word(*SCHEMES),
        "digest": text,
        "hw": text,
        "hw_revision": integer,
        "offer": offer,
        "rejected": Word("signature", "key", "profile", "sequence", "freshness"),
    },
    "party": {"party!": party, "ceased!": when},
    "key": {"party!": party, "key!": text, "valid_from!": when, "ended_at": read_instant, "successor_signed": boolean},
}


def check_fields(fact: Mapping[str, Any], checks: Mapping[str, Check]) -> None:
    """Each field that is there has its form; each required one is there."""
    for name, check in checks.items():
        value = fact.get(name.rstrip("!"))
        if value is not None:
            check(value)
        elif name.endswith("!"):
            raise ValueError(name)


def check(fact: Mapping[str, Any]) -> None:
    """One fact by itself."""
    check_fields(fact, ENVELOPE)
    demand(fact["kind"] in KINDS)
    check_fields(fact, KINDS[fact["kind"]])
    if fact["kind"] == "window":
        demand((fact.get("end") is None) == (fact.get("withdraw") is True))
    if fact["kind"] in ("window", "waiver", "report"):
        demand(fact.get("corrects") is None)
    if fact.get("hw_min") is not None and fact.get("hw_max") is not None:
        demand(fact["hw_min"] <= fact["hw_max"])


def refuse_invalid(facts: Iterable[Any]) -> None:
    """F0: raise with the id of the first invalid fact in list order."""
    seen: set[str] = set()
    for fact in facts:
        try:
            check(fact)
            demand(fact["id"] not in seen)
        except (ValueError, AttributeError, TypeError, KeyError) as fault:
            raise InvalidFactError(fact.get("id") if isinstance(fact, dict) else None) from fault
        seen.add(fact["id"])
