"""Statements of an update window: who may make one, when it is in force, what it promises (section 7; S1, S4, M2, M4).

Both tracks read statements by the same rules from a day of reference: the contract day on S, the placing day on M. A
statement that takes another one's place works from its recording on, so backdating can only help the consumer.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.days import LATEST, ONE_SECOND, day_end, day_start, local_day, period_end, shift
from collector.appraisal.facts import UpdateWindow
from collector.appraisal.values import End


class Anchors(Struct, frozen=True):
    """The days of one completion from which periods are counted.

    Attributes:
        purchase: The delivery day on S, the contract day on M.
        placing: The placing day.
        announced: Whether a `tba` reaches past the judged instant (`window.end` completed as `open`).
    """

    purchase: date | None
    placing: date | None
    announced: bool


class Statement(Struct, frozen=True):
    """A statement in the zone of one track; `from_day` is None where it holds for every contract."""

    fact: UpdateWindow
    end: End
    in_force: datetime
    out_of_force: datetime | None
    from_day: date | None
    zone: ZoneInfo

    def last(self, anchors: Anchors) -> datetime | None:
        """D2, D3: the end that it states, exclusive; None if it states none."""
        end = self.end
        if end.last is not None:
            written = day_end(end.last, self.zone)
            return written if end.instant is None else max(written, shift(end.instant, ONE_SECOND))
        if end.months is None:
            return LATEST if anchors.announced else None
        anchor = {"purchase": anchors.purchase, "placing": anchors.placing}.get(str(end.anchor), end.anchor)
        return period_end(anchor, end.months, self.zone) if isinstance(anchor, date) else None

    def covers(self, contract: date) -> bool:
        """Whether it holds for a contract of that day (`from_contract`)."""
        return self.from_day is None or self.from_day <= contract

    def held_on(self, start: datetime, end: datetime) -> bool:
        """Whether it was in force at some moment of a span."""
        return self.in_force < end and (self.out_of_force is None or self.out_of_force > max(start, self.in_force))

    def holds(self, at: At) -> bool:
        """Whether it is in force at the judged instant."""
        return at.reached(self.in_force) and (self.out_of_force is None or not at.reached(self.out_of_force))

    def days(self) -> list[date]:
        """The local days on which it became effective, was recorded, or went out of force."""
        instants = (self.in_force, self.fact.recorded_at, self.out_of_force)
        return [local_day(instant, self.zone) for instant in instants if instant is not None]


class Promise(Struct, frozen=True):
    """What the statements in force on the day of reference come to.

    Attributes:
        end: The latest end that they state.
        on_time_end: The latest end that those on time state.
        on_time_issuers: Who made those on time.
        to_be_announced: Whether one of those in force is a `tba`.
    """

    end: datetime | None
    on_time_end: datetime | None
    on_time_issuers: frozenset[str]
    to_be_announced: bool


def statements(windows: Iterable[UpdateWindow], issuers: Sequence[str], zone: ZoneInfo, seller: str) -> list[Statement]:
    """The statements of the allowed issuers.

    Args:
        windows: Every counted window fact of the model.
        issuers: Whose statements bind on this track.
        zone: The zone of the track.
        seller: Who else may take a statement out of force: this seller on S; empty on M.
    """
    facts = list(windows)
    return [
        Statement(
            fact=fact,
            end=fact.end,
            in_force=fact.effective,
            out_of_force=_out_of_force(fact, facts, seller),
            from_day=fact.from_contract.days(zone)[0] if fact.from_contract else None,
            zone=zone,
        )
        for fact in facts
        if fact.end is not None and fact.issuer in issuers
    ]


def promise(made: Iterable[Statement], day: date, zone: ZoneInfo, anchors: Anchors) -> Promise:
    """S1: the latest end of the statements in force at some moment of a local day."""
    start, end = day_start(day, zone), day_end(day, zone)
    held = [statement for statement in made if statement.held_on(start, end)]
    on_time = [each for each in held if each.fact.recorded_at < end and not each.end.to_be_announced]
    return Promise(
        end=_latest(each.last(anchors) for each in held),
        on_time_end=_latest(each.last(anchors) for each in on_time),
        on_time_issuers=frozenset(each.fact.issuer for each in on_time),
        to_be_announced=any(each.end.to_be_announced for each in held),
    )


def later(
    made: Iterable[Statement], after: datetime, promised: datetime | None, beyond: datetime, at: At, anchors: Anchors
) -> tuple[bool, datetime | None]:
    """S4: whether a later statement shortened the promise, and the latest end of those that extend the window.

    Args:
        made: The statements that hold for this contract.
        after: The end of the day of reference.
        promised: The end of the promise, if any.
        beyond: What an extension must exceed: the end of the window, else its start.
        at: The judged instant.
        anchors: The days from which periods are counted.
    """
    since = [each for each in made if each.in_force >= after and at.reached(each.in_force)]
    ends = [(each, end) for each in since if (end := each.last(anchors)) is not None]
    # An end that was only announced reaches past `at` (C2): a day named later that does so too takes nothing from it.
    shortened = promised is not None and any(
        at.reached(end) if promised == LATEST else end < promised for _, end in ends
    )
    return shortened, _latest(end for each, end in ends if end > beyond and each.holds(at))


def replacing(fact: UpdateWindow, facts: Iterable[UpdateWindow], seller: str) -> list[UpdateWindow]:
    """The facts that take a statement's place: by its own issuer, or by this seller."""
    return [other for other in facts if fact.id in other.replaces and other.issuer in (fact.issuer, seller)]


def _out_of_force(fact: UpdateWindow, facts: Iterable[UpdateWindow], seller: str) -> datetime | None:
    """The earliest instant from which a fact that replaces this one works."""
    return min((max(other.recorded_at, other.effective) for other in replacing(fact, facts, seller)), default=None)


def _latest(ends: Iterable[datetime | None]) -> datetime | None:
    return max((end for end in ends if end is not None), default=None)
