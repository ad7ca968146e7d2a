"""What flags and findings about models rest on; a policy's `refs` have entries for verdicts only.

An entry that begins with a track is a key of `refs`, and stands for what that verdict, finding or window rests on.
Every other entry is one itself, in the form of `refs`. Under the empty track stands what belongs to neither.
"""

from collections.abc import Mapping
from typing import Final

from collector.appraisal.codes import Flag, FleetCode, Level
from collector.appraisal.policy import Policy

_BREACH: Final = (Level.BREACH, Level.QUESTION)
FLEET_WEIGHS: Final[Mapping[str, tuple[Level, ...]]] = {
    FleetCode.MODEL_FIX_OVERDUE: _BREACH,
    FleetCode.NO_PUBLISHED_WINDOW: _BREACH,
    FleetCode.WINDOW_SHORTENED: _BREACH,
    FleetCode.WINDOW_CONTRADICTORY: (Level.QUESTION,),
    FleetCode.CLAIMED_RELEASE_UNSEEN: (Level.QUESTION,),
    FleetCode.ROLLOUT_STALLED: (Level.QUESTION,),
    FleetCode.NOTICE_PRACTICE_DEFICIENT: (Level.QUESTION,),
    FleetCode.WAIVER_PRACTICE_DEFICIENT: (Level.QUESTION,),
    FleetCode.UNLISTED_FIRMWARE_IN_FIELD: (Level.QUESTION,),
    FleetCode.IDENTITY_CAROUSEL: (Level.QUESTION,),
    FleetCode.CONSUMER_LAG_PREVALENT: (Level.CONSUMER,),
    FleetCode.NO_FINDING: (Level.OK,),
    FleetCode.FLEET_TOO_SMALL: (Level.NONE,),
    FleetCode.COVERAGE_LOW: (Level.NONE,),
}
"""The levels that a finding about a model may have (appraisal.md section 11), in the order of the pages."""

FLAG_WEIGHS: Final[Mapping[str, tuple[Level, ...]]] = {
    flag: (Level.BREACH,) if flag is Flag.FIX_WITHDRAWN else () for flag in Flag
}
"""Flags change no code, so they have no level; but one weighs as a breach (appraisal.md section 8)."""

Bases = Mapping[str, tuple[str, ...]]
_WAIVER: Final = ("2019/771 art. 7(5)", "BW 7:18(6) [unconfirmed]")
_PROMISE: Final = {"S": ("S.window.promise",), "M": ("M.window.promise",)}
_UNSAID: Final = {"S": ("S.finding.WINDOW_MISSING",), "M": ("M.finding.WINDOW_MISSING",)}
_KEYS: Final = ("policy fleet.key_min_months", "policy fleet.carousel_min")

BASES: Final[Mapping[str, Bases]] = {
    FleetCode.MODEL_FIX_OVERDUE: {"S": ("S.SECURITY_FIX_OVERDUE",), "M": ("M.SECURITY_FIX_OVERDUE",)},
    FleetCode.NO_PUBLISHED_WINDOW: _UNSAID,
    FleetCode.WINDOW_SHORTENED: _PROMISE,
    FleetCode.WINDOW_CONTRADICTORY: _PROMISE,
    FleetCode.CLAIMED_RELEASE_UNSEEN: {"M": ("M.FIX_NOT_DELIVERED", "policy fleet.claim_min_households")},
    FleetCode.ROLLOUT_STALLED: {
        "M": ("M.FIX_NOT_DELIVERED", "policy fleet.stall_days", "policy fleet.stall_min_percent")
    },
    FleetCode.NOTICE_PRACTICE_DEFICIENT: {
        "S": ("S.NOTICE_UNPROVEN", "policy fleet.notice_min_households", "policy fleet.notice_max_percent")
    },
    FleetCode.WAIVER_PRACTICE_DEFICIENT: {"S": ("S.waiver", "policy fleet.waiver_invalid_max_percent")},
    FleetCode.UNLISTED_FIRMWARE_IN_FIELD: {"M": ("policy fleet.unlisted_min_households",)},
    FleetCode.IDENTITY_CAROUSEL: {"S": _KEYS, "M": _KEYS},
    FleetCode.CONSUMER_LAG_PREVALENT: {"M": ("M.CONSUMER_LAG", "policy fleet.lag_max_percent")},
    FleetCode.NO_FINDING: {"": ("policy fleet.no_finding_percent",)},
    FleetCode.FLEET_TOO_SMALL: {"": ("policy fleet.min_households",)},
    FleetCode.COVERAGE_LOW: {"": ("policy fleet.min_coverage_percent",)},
    Flag.BEFORE_REGISTER: {"": ("policy register_from",)},
    Flag.DEBTOR_GONE: {"M": ("CRA art. 13(23)",)},
    Flag.DEVICE_SILENT: {"": ("policy silent_after",)},
    Flag.FIX_ELSEWHERE: {"S": ("S.SUPPORT_DENIED_IN_WINDOW",), "M": ("M.SUPPORT_DENIED_IN_WINDOW",)},
    Flag.FIX_WITHDRAWN: {"M": ("CRA art. 13(9)",)},
    Flag.NO_END_NOTICE: {"M": ("CRA art. 13(19)",)},
    Flag.TOO_MANY_UNKNOWNS: {"": ("policy max_unknowns",)},
    Flag.WAIVER_BUNDLED: {"S": _WAIVER},
    Flag.WAIVER_IDENTITY: {"S": _WAIVER},
    Flag.WAIVER_LATE: {"S": (*_WAIVER, "policy waiver_same_act_seconds")},
    Flag.WAIVER_ONE_SIDED: {"S": (*_WAIVER, "policy waiver_deposit_hours")},
    Flag.WAIVER_UNSPECIFIC: {"S": _WAIVER},
    Flag.WAIVER_VALID: {"S": _WAIVER},
    Flag.WAIVER_VOID_SCOPE: {"S": _WAIVER},
    Flag.WINDOW_SHORTENED_LATER: _PROMISE,
    Flag.WINDOW_TBA: _UNSAID,
}
"""By code, then by track. A flag that is not here tells what was observed, and needs no law."""

COMPLAINTS: Final = frozenset(
    {
        *(code for code, levels in FLEET_WEIGHS.items() if Level.QUESTION in levels),
        *(flag for flag in Flag if flag.startswith("WAIVER_") and flag is not Flag.WAIVER_VALID),
        *(Flag.DEBTOR_GONE, Flag.FIX_ELSEWHERE, Flag.FIX_WITHDRAWN, Flag.NO_END_NOTICE),
        *(Flag.WINDOW_SHORTENED_LATER, Flag.WINDOW_TBA),
    }
)
"""With these somebody may turn to an authority."""


def entries(code: str, policy: Policy) -> dict[str, tuple[str, ...]]:
    """What a code rests on, by track, in the form of `refs`."""
    return {
        track: tuple(entry for name in named for entry in policy.refs.get(name, (name,)))
        for track, named in BASES.get(code, {}).items()
    }
