"""Waivers: whether the parties validly agreed to deviate from the update duty (section 7, W1 to W7; track S only).

A test that meets an Unknown fails (Decision 15), so a waiver never depends on how a vague contract day turns out.
Deposits with one document digest are one waiver; a test holds if it holds in every deposit.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from collector.appraisal.codes import Flag
from collector.appraisal.days import day_end, local_day
from collector.appraisal.facts import Fact, Sale, Waiver
from collector.appraisal.policy import Policy

_ENVELOPE = frozenset(field.name for field in structs.fields(Fact))


class Waived(Struct, frozen=True):
    """What the waivers of a sale come to.

    Attributes:
        flags: WAIVER_VALID, or a flag for each test that failed.
        valid: Whether one of them replaces the floor.
        until: The latest last day that a valid one keeps; None if each waives the whole duty.
    """

    flags: frozenset[Flag] = frozenset()
    valid: bool = False
    until: date | None = None


def waived(waivers: Sequence[Waiver], sale: Sale, model: str, zone: ZoneInfo, policy: Policy) -> Waived:
    """Test every waiver against the sale.

    Args:
        waivers: Every counted deposit.
        sale: The governing sale.
        model: The matched model.
        zone: The zone of the sale.
        policy: The numbers.
    """
    deposits = sorted(waivers, key=lambda waiver: waiver.document_digest)
    flags: set[Flag] = set()
    valid: list[Waiver] = []
    for _, group in groupby(deposits, key=lambda waiver: waiver.document_digest):
        one = list(group)
        agreed = _agreed(one, sale, zone, policy)
        failed = _failed(one, agreed, sale, model, zone, policy)
        flags |= failed or {Flag.WAIVER_VALID}
        valid += [] if failed else agreed
    last_days = [waiver.until.days(zone)[1] for waiver in valid if waiver.until is not None]
    return Waived(frozenset(flags), bool(valid), max(last_days, default=None))


def _failed(
    one: Sequence[Waiver], agreed: Sequence[Waiver], sale: Sale, model: str, zone: ZoneInfo, policy: Policy
) -> set[Flag]:
    tests = {
        "W1": (Flag.WAIVER_LATE, all(_same_act(each, sale, zone, policy) for each in one)),
        "W2": (Flag.WAIVER_UNSPECIFIC, all(_is_of(each, sale, model) for each in one)),
        "W3": (Flag.WAIVER_BUNDLED, all(each.separate and each.signed_digest == each.document_digest for each in one)),
        "W4": (Flag.WAIVER_UNSPECIFIC, all(_shown(each) for each in one)),
        "W5": (Flag.WAIVER_ONE_SIDED, bool(agreed)),
        "W6": (Flag.WAIVER_IDENTITY, all(each.signer == "buyer" and each.preticked is False for each in one)),
        "W7": (Flag.WAIVER_VOID_SCOPE, not any(each.excludes for each in one)),
    }
    return {flag for flag, holds in tests.values() if not holds}


def _contract(sale: Sale) -> datetime | date | None:
    """The contract as an instant or a day; None if it is unknown or vague."""
    if sale.contract is None or sale.contract.first != sale.contract.last:
        return None
    return sale.contract.instant or sale.contract.first


def _same_act(waiver: Waiver, sale: Sale, zone: ZoneInfo, policy: Policy) -> bool:
    """W1: accepted with the contract, in one act."""
    contract = _contract(sale)
    if isinstance(contract, datetime):
        return abs(waiver.accepted_at - contract) <= timedelta(seconds=policy.waiver_same_act_seconds)
    return contract is not None and local_day(waiver.accepted_at, zone) == contract


def _is_of(waiver: Waiver, sale: Sale, model: str) -> bool:
    """W2: about the update duty, this model and this seller."""
    return (waiver.subject, waiver.model, waiver.seller) == ("update_duty", model, sale.seller)


def _shown(waiver: Waiver) -> bool:
    """W4: the same document was shown, not after it was accepted."""
    shown_in_time = waiver.shown_at is not None and waiver.shown_at <= waiver.accepted_at
    return waiver.shown_digest == waiver.document_digest and shown_in_time


def _agreed(one: Sequence[Waiver], sale: Sale, zone: ZoneInfo, policy: Policy) -> list[Waiver]:
    """W5: the copies that a consumer and this seller both deposited in time, the one as the other."""
    contract = _contract(sale)
    if contract is None:
        return []
    concluded = contract if isinstance(contract, datetime) else day_end(contract, zone)
    in_time = [each for each in one if each.recorded_at - concluded <= timedelta(hours=policy.waiver_deposit_hours)]
    sellers = [_content(each) for each in in_time if each.issuer == sale.seller_issuer]
    return [each for each in in_time if each.role == "consumer" and _content(each) in sellers]


def _content(deposit: Waiver) -> dict[str, object]:
    """All fields of a deposit but the envelope's."""
    return {name: value for name, value in structs.asdict(deposit).items() if name not in _ENVELOPE}
