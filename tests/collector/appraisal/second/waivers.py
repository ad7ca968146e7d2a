"""Section 7, W: which waivers hold, and which tests the others failed."""

from dataclasses import dataclass

from tests.collector.appraisal.second.forms import Facts
from tests.collector.appraisal.second.record import Case, Evidence, Fact, recorded, role
from tests.collector.appraisal.second.values import INSTANT, Span, day_end, local_day, read_instant, read_when

ENVELOPE = ("id", "kind", "recorded_at", "issuer", "asserted_at", "corrects")


@dataclass(frozen=True)
class Waivers:
    """The outcome of the tests; `until` is the end that a valid one keeps."""

    tested: bool
    valid: bool
    until: int | None
    flags: frozenset[str]


def read_waivers(case: Case, evidence: Evidence, sale: Fact, zone: str) -> Waivers:
    """W1 to W7 for every document."""
    documents: dict[str, Facts] = {}
    for fact in case.of("waiver"):
        documents.setdefault(fact["document_digest"], []).append(fact)
    flags: set[str] = set()
    valid: Facts = []
    for deposits in documents.values():
        failed = {flag for deposit in deposits for flag in failures(case, evidence, sale, deposit, zone)}
        agreed = of_both_sides(case, sale, deposits, zone)
        if not agreed:
            failed.add("WAIVER_ONE_SIDED")
        flags |= failed or {"WAIVER_VALID"}
        valid += [] if failed else agreed
    until = [day_end(read_when(each["until"], zone).last, zone) for each in valid if each.get("until")]
    return Waivers(bool(documents), bool(valid), max(until, default=None), frozenset(flags))


def contract_day(sale: Fact, zone: str) -> Span | None:
    """The stated contract day, if it is one."""
    span = read_when(sale["contract"], zone) if sale.get("contract") else None
    return span if span and span.first == span.last else None


def failures(case: Case, evidence: Evidence, sale: Fact, deposit: Fact, zone: str) -> set[str]:
    """The flags of the tests of one deposit, all but W5."""
    accepted, day = read_instant(deposit["accepted_at"]), contract_day(sale, zone)
    digest, shown = deposit["document_digest"], deposit.get("shown_at")
    if isinstance(sale.get("contract"), str) and INSTANT.fullmatch(sale["contract"]):
        in_time = abs(accepted - read_instant(sale["contract"])) <= case.policy["waiver_same_act_seconds"]
    else:
        in_time = day is not None and local_day(accepted, zone) == day.first
    this_sale = deposit["seller"] == sale["seller"] and deposit["model"] == evidence.model["model"]
    informed = deposit.get("shown_digest") == digest and shown is not None and read_instant(shown) <= accepted
    tests = {
        "WAIVER_LATE": in_time,
        "WAIVER_UNSPECIFIC": deposit.get("subject") == "update_duty" and this_sale and informed,
        "WAIVER_BUNDLED": deposit.get("separate") is True and deposit.get("signed_digest") == digest,
        "WAIVER_IDENTITY": deposit.get("signer") == "buyer" and deposit.get("preticked") is False,
        "WAIVER_VOID_SCOPE": not deposit.get("excludes"),
    }
    return {flag for flag, holds in tests.items() if not holds}


def of_both_sides(case: Case, sale: Fact, deposits: Facts, zone: str) -> Facts:
    """W5: what a consumer and this seller both deposited, in time and alike."""
    day = contract_day(sale, zone)
    if day is None:
        return []
    if isinstance(sale["contract"], str) and INSTANT.fullmatch(sale["contract"]):
        concluded = read_instant(sale["contract"])
    else:
        concluded = day_end(day.first, zone)
    latest = concluded + case.policy["waiver_deposit_hours"] * 3600
    in_time = [deposit for deposit in deposits if recorded(deposit) <= latest]
    buyers = [words(deposit) for deposit in in_time if role(deposit) == "consumer"]
    sellers = [words(deposit) for deposit in in_time if deposit["issuer"] == f"seller:{sale['seller']}"]
    return [deposit for deposit in buyers if deposit in sellers]


def words(deposit: Fact) -> Fact:
    """All fields but the envelope's; nothing excluded is the same as no word about it (W7)."""
    return {name: value for name, value in deposit.items() if name not in ENVELOPE and value not in (None, [])}
