"""The verdict, typed, and its one JSON form (appraisal.md section 3)."""

from datetime import datetime
from typing import Literal, TypedDict

from msgspec import Struct, json

from collector.appraisal.codes import Code, FindingCode, Flag, FleetCode, Level

Track = Literal["S", "M"]
Basis = Literal["promise", "statute", "expectation", "waiver", "extension"]


class Window(Struct, frozen=True):
    """The span for which updates are owed, half-open; a field is null where the completions differ."""

    start: datetime | None = None
    end_excl: datetime | None = None
    extended_end_excl: datetime | None = None
    basis: Basis | None = None


class Finding(Struct, frozen=True):
    """What is wrong with the window itself."""

    code: FindingCode
    level: Level


class Verdict(Struct, frozen=True, kw_only=True):
    """What is said of one device on one track."""

    code: Code
    level: Level
    since: datetime | None = None
    reason: str | None = None
    about: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    window: Window = Window()
    window_finding: Finding | None = None
    missing: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    policy_version: str

    def to_json(self) -> bytes:
        """The bytes of this verdict: always the same for the same verdict."""
        return json.encode(self)


class FleetFinding(Struct, frozen=True, kw_only=True):
    """What one rule says of one model in many homes; counts are households."""

    rule: str
    track: Track | None
    code: FleetCode
    level: Level
    count: int
    of: int
    about: tuple[str, ...]
    days: int | None
    publishable: bool


class FleetVerdict(Struct, frozen=True, kw_only=True):
    """What is said of one model in many homes."""

    model: str
    households: int
    with_report: int
    findings: tuple[FleetFinding, ...]
    policy_version: str

    def to_json(self) -> bytes:
        """The bytes of this verdict: always the same for the same verdict."""
        return json.encode(self)


class Verdicts(TypedDict):
    """Both tracks, computed apart and never merged (T0)."""

    S: Verdict
    M: Verdict
