"""Every code as a page of its own: how it weighs, what it rests on, where to turn.

The legal bases are the policy's `refs` (appraisal.md sections 3 and 10), by `TRACK.CODE` and `TRACK.finding.CODE`. An
entry is a statute, a standard, what a maker said in public, or our own policy; one that ends in `[unconfirmed]` names a
text that was not checked. What flags and findings about models rest on stands in `bases`.
"""

import re
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Final

import msgspec

from collector.appraisal.codes import V0_ORDER, Code, FindingCode, Flag, FleetCode, Level
from collector.appraisal.policy import Policy
from collector.store.rows import TRACKS
from collector.web import bases

_UNCONFIRMED: Final = " [unconfirmed]"
_SOURCE: Final = re.compile(r"policy|public|\d+/\d+|[A-Z]+")
_KINDS: Final = {"policy": "policy", "public": "promise", "EN": "standard"}

_BREACH: Final = (Level.BREACH, Level.QUESTION)
WEIGHS: Final[dict[str, tuple[Level, ...]]] = {
    Code.SUPPORT_DENIED_IN_WINDOW: _BREACH,
    Code.SECURITY_FIX_OVERDUE: _BREACH,
    Code.FIX_NOT_FREE: _BREACH,
    Code.FIX_NOT_DELIVERED: _BREACH,
    Code.EXTENDED_PROMISE_MISSED: (Level.QUESTION,),
    Code.NOTICE_UNPROVEN: (Level.QUESTION,),
    Code.CONSUMER_LAG: (Level.CONSUMER,),
    Code.UPDATE_PENDING: (Level.OK,),
    Code.FIX_AWAITED: (Level.OK,),
    Code.FUNCTIONAL_UPDATE_PENDING: (Level.OK,),
    Code.UP_TO_DATE: (Level.OK,),
    Code.SUPPORT_ENDED: (Level.NONE,),
    Code.NO_SELLER_DUTY: (Level.NONE,),
    Code.NO_MAKER_DUTY: (Level.NONE,),
    Code.INSUFFICIENT_EVIDENCE: (Level.NONE,),
    Code.MODEL_UNKNOWN: (Level.NONE, Level.QUESTION),
    Code.MODEL_AMBIGUOUS: (Level.NONE, Level.QUESTION),
    Code.VERSION_NOT_COMPARABLE: (Level.NONE,),
    Code.FIRMWARE_UNKNOWN: (Level.NONE,),
    Code.EVIDENCE_REJECTED: (Level.NONE,),
    FindingCode.WINDOW_MISSING: _BREACH,
    FindingCode.WINDOW_TOO_SHORT: _BREACH,
    FindingCode.WINDOW_BELOW_EXPECTATION: (Level.QUESTION,),
}
"""The levels that each code may have, as section 3 lists them, in the order in which the pages show them."""

GROUPS: Final = {"code": Code, "finding": FindingCode, "flag": Flag, "fleet": FleetCode}
"""The groups of the texts, and the codes in each."""
_LEVELS: Final = {**WEIGHS, **bases.FLAG_WEIGHS, **bases.FLEET_WEIGHS}
EVERY: Final = tuple(_LEVELS)
"""Each code that has a page, in the order in which the pages show them."""
_COMPLAINTS: Final = (
    frozenset(V0_ORDER[: V0_ORDER.index(Code.CONSUMER_LAG) + 1]) | frozenset(FindingCode) | bases.COMPLAINTS
)
_DESKS: Final = {"S": "acm", "M": "rdi"}


class Ref(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a legal basis.

    Attributes:
        text: The entry without its mark.
        source: The key of the source's full name.
        kind: `statute`, `standard`, `promise` or `policy`.
        value: What our policy says, where it is ours.
    """

    text: str
    source: str
    kind: str
    unconfirmed: bool
    value: str | None


class CodePage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a code shows beside its texts.

    Attributes:
        group: The texts' group.
        levels: None for most flags.
        rests: `statute`, `policy`, `both`, `standard`, `promise` or `observation`.
        refs: By track; the empty one for what belongs to neither.
        desks: Where to turn.
    """

    code: str
    group: str
    levels: tuple[Level, ...]
    rests: str
    refs: dict[str, tuple[Ref, ...]]
    desks: tuple[str, ...]


def code_page(code: str, policy: Policy) -> CodePage | None:
    """The page of a code, None where there is no such code."""
    if code not in _LEVELS:
        return None
    by_track = {track: refs(entries, policy) for track, entries in _entries(code, policy).items()}
    return CodePage(
        code=code,
        group=group_of(code),
        levels=_LEVELS[code],
        rests=_rests({ref.kind for entries in by_track.values() for ref in entries}),
        refs=by_track,
        desks=tuple(_DESKS[track] for track in by_track) if code in _COMPLAINTS else (),
    )


def group_of(code: str) -> str:
    """The group that holds the texts of a code."""
    return next(group for group, codes in GROUPS.items() if code in list(codes))


def _entries(code: str, policy: Policy) -> dict[str, tuple[str, ...]]:
    if code not in WEIGHS:
        return bases.entries(code, policy)
    infix = "finding." if code in list(FindingCode) else ""
    keys = {track: f"{track}.{infix}{code}" for track in TRACKS}
    return {track: tuple(policy.refs[key]) for track, key in keys.items() if key in policy.refs}


def refs(entries: Iterable[str], policy: Policy) -> tuple[Ref, ...]:
    """The entries of a basis, each with what it is."""
    return tuple(_ref(entry, policy) for entry in entries)


def _ref(entry: str, policy: Policy) -> Ref:
    text = entry.removesuffix(_UNCONFIRMED)
    found = _SOURCE.match(text)
    source = found[0] if found else ""
    number = _number(policy, text.removeprefix("policy ")) if source == "policy" else None
    return Ref(
        text=text,
        source=source,
        kind=_KINDS.get(source, "statute"),
        unconfirmed=entry != text,
        value=None if number is None else _value(number),
    )


def _number(policy: Policy, name: str) -> Any:
    try:
        return attrgetter(name)(policy)
    except AttributeError:
        return None


def _value(number: Any) -> str:
    plain = msgspec.to_builtins(number)
    if isinstance(plain, dict):
        return ", ".join(f"{name} {value}" for name, value in plain.items())
    return str(plain)


def _rests(kinds: set[str]) -> str:
    if "statute" in kinds:
        return "both" if "policy" in kinds else "statute"
    return next((kind for kind in ("standard", "promise", "policy") if kind in kinds), "observation")
