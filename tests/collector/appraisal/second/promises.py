"""Section 7, Statements; S1 and S4: what was promised on the day of reference, and what was promised later."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tests.collector.appraisal.second.duty import Duty
from tests.collector.appraisal.second.record import Case, Evidence, effective, recorded
from tests.collector.appraisal.second.values import add_months, day_end, day_start, local_day, read_day, written_end

OPEN = float("inf")
"""The end of a statement that is to be announced and reaches past the judged instant."""


@dataclass(frozen=True)
class Statement:
    """A window fact that states an end, and how long it was in force."""

    issuer: str
    recorded: int
    effective: int
    out: float
    end: Any
    from_contract: Any

    @property
    def anchor(self) -> str | None:
        """What a period counts from."""
        return self.end["from"] if isinstance(self.end, dict) else None

    def in_force_on(self, day: date, zone: str) -> bool:
        """S1: at some moment of a local day."""
        return max(self.effective, day_start(day, zone)) < min(self.out, day_end(day, zone))

    def states(self, days: dict[str, date | None], tba: str | None, zone: str) -> float | None:
        """The end that it states, or nothing."""
        if self.end == "tba":
            return OPEN if tba == "open" else None
        if not isinstance(self.end, dict):
            return written_end(self.end, zone)
        anchor = days[self.end["from"]] if self.end["from"] in days else read_day(self.end["from"])
        assert anchor is not None
        return day_end(add_months(anchor, self.end["months"]), zone)


def statements(case: Case, evidence: Evidence, seller: str | None = None, used: bool = False) -> list[Statement]:
    """Section 7, Statements: those of the allowed issuers."""
    own = f"seller:{seller}" if seller is not None else None
    allowed = {own, None if used else f"manufacturer:{evidence.model['manufacturer']}"}
    windows = [fact for fact in case.of("window") if fact["model"] == evidence.model["model"]]
    stated = []
    for fact in windows:
        if fact["issuer"] in allowed and fact.get("end") is not None:
            ended = [
                max(recorded(other), effective(other))
                for other in windows
                if fact["id"] in (other.get("replaces") or []) and other["issuer"] in (fact["issuer"], own)
            ]
            out, end = min(ended, default=OPEN), fact["end"]
            stated.append(
                Statement(fact["issuer"], recorded(fact), effective(fact), out, end, fact.get("from_contract"))
            )
    return stated


def statement_days(stated: list[Statement], zone: str) -> Iterator[date]:
    """The local days on which a statement became effective, was recorded or went out of force."""
    for each in stated:
        yield local_day(each.effective, zone)
        yield local_day(each.recorded, zone)
        if each.out != OPEN:
            yield local_day(int(each.out), zone)


class Promise:
    """S1 and S4: what was stated on the reference day, and what was stated later."""

    def __init__(
        self, stated: list[Statement], day: date, anchors: dict[str, date | None], tba: str, zone: str, at: int
    ) -> None:
        self.at = at
        on_day = [each for each in stated if each.in_force_on(day, zone)]
        self.ends = [(each, each.states(anchors, tba, zone)) for each in stated]
        self.end = max((end for each, end in self.ends if each in on_day and end is not None), default=None)
        self.on_time = [each for each in on_day if each.recorded < day_end(day, zone) and each.end != "tba"]
        self.on_time_end = max(
            (end for each, end in self.ends if each in self.on_time and end is not None), default=OPEN
        )
        self.later = [
            (each, end) for each, end in self.ends if day_end(day, zone) <= each.effective <= at and end is not None
        ]
        self.flags = {"WINDOW_TBA"} if any(each.end == "tba" for each in on_day) else set()
        if self.end is not None and any(end < (at + 1 if self.end == OPEN else self.end) for _, end in self.later):
            self.flags.add("WINDOW_SHORTENED_LATER")

    def extend(self, duty: Duty, reason: str) -> Duty:
        """S4, M4: the extended end, or no duty at all."""
        assert duty.start is not None
        base = duty.start if duty.end is None else duty.end
        extended = max((end for each, end in self.later if each.out > self.at and end > base), default=None)
        if duty.end is None and extended is None:
            return replace(duty, reason=reason)
        return replace(duty, extended=extended, basis=duty.basis or "extension")
