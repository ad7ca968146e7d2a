"""What the device is owed and has not got: V3 to V10, S5 and S6 (appraisal.md section 8), in one completion.

`Completion` is one duty and one filling-in of the shared words. Advisories do not touch one another, so it gives for
each of them one `Result` for every choice of its own words, and leaves putting them together to `join`.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.codes import SUPPLY, Code, Flag, Level
from collector.appraisal.days import add_months, day_end, days_after, local_day
from collector.appraisal.evidence import Device
from collector.appraisal.exposure import Candidate, Choice, Exposure, Outlook, Shared, available
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.versions import Relation
from collector.appraisal.windows import Duty, Ground


class Result(Struct, frozen=True):
    """What one advisory comes to, or what is left without any; `code` is None if it does not count."""

    code: Code | None = None
    level: Level = Level.OK
    since: datetime | None = None
    about: tuple[str, ...] = ()
    flags: frozenset[Flag] = frozenset()


class Cell(Struct, frozen=True):
    """One completion of the days, the sale and the shared words; the words about single advisories still vary.

    Attributes:
        slots: For each advisory its results, one for each choice of its words; last V8's, which has one.
        rest: What is said if nothing in the slots counts.
        flags: What holds in any case.
    """

    slots: tuple[tuple[Result, ...], ...]
    rest: Result
    flags: frozenset[Flag]


class Scene(Struct, frozen=True):
    """What does not vary with the completions of one track."""

    record: Record
    device: Device
    ground: Ground
    outlook: Outlook
    at: At
    policy: Policy


class Completion:
    """One duty, one filling-in of the shared words."""

    def __init__(self, scene: Scene, duty: Duty, shared: Shared) -> None:
        self._scene = scene
        self._at = scene.at
        self._duty = duty
        self._shared = shared
        self._inside = duty.end is not None and not self._at.reached(duty.end)
        self._over = not self._inside and self._at.reached(duty.over_from)

    def cell(self) -> Cell:
        """What every advisory comes to, and what is said without any."""
        exposures = self._scene.outlook.exposures
        slots = [tuple(self._advisory(each, choice) for choice in each.choices) for each in exposures]
        return Cell((*slots, (self._unnamed(),)), self._rest(), self._duty.flags | withdrawn(self._scene, self._duty))

    def _advisory(self, exposure: Exposure, choice: Choice) -> Result:
        """V3 to V7: what one advisory comes to."""
        if not choice.affected:
            return Result()
        cures = [each for each in choice.cures if self._shared.fits(each)]
        if offered := [each for each in cures if self._shared.offers(each)]:
            code, since = self._supplied(offered, exploited=exposure.exploited)
            return self._weighed(code, since, choice.due, exposure.advisory.advisory, exposure)
        elsewhere = any(self._shared.offers(each) for each in choice.cures)
        return _flagged(self._not_supplied(exposure, choice, cures), {Flag.FIX_ELSEWHERE} if elsewhere else set())

    def _not_supplied(self, exposure: Exposure, choice: Choice, cures: Sequence[Candidate]) -> Result:
        """V3, V4: no fix for this device is out; `cures` are those that were."""
        name = exposure.advisory.advisory
        if refused := self._refused(exposure):
            return self._weighed(Code.SUPPORT_DENIED_IN_WINDOW, refused, refused, name, exposure)
        if not self._at.reached(choice.due):
            return self._weighed(Code.FIX_AWAITED, None, choice.due, name, exposure)
        since = max([choice.due, *(each.lost for each in cures if each.lost)])
        return self._weighed(Code.SECURITY_FIX_OVERDUE, since, choice.due, name, exposure)

    def _refused(self, exposure: Exposure) -> datetime | None:
        """V3: when the fix was refused, if that was inside the window or its extension."""
        said = exposure.advisory.effective
        if exposure.advisory.no_fix and self._at.reached(said) and said < self._duty.over_from:
            return max(said, exposure.public)
        return None

    def _supplied(self, cures: Sequence[Candidate], exploited: bool) -> tuple[Code, datetime | None]:
        """V5 to V7: what became of fixes that are out."""
        zone, policy = self._scene.ground.zone, self._scene.policy
        free = [each for each in cures if each.release.price == "free"]
        if not free:
            return Code.FIX_NOT_FREE, min(each.available for each in cures)
        offer = self._scene.device.report.offer
        if offer and offer.result in ("none", "failed"):
            grace = min(days_after(each.available, policy.rollout_grace_days, zone) for each in free)
            if self._at.reached(grace):
                return Code.FIX_NOT_DELIVERED, grace
        told = [each for each in free if each.told is not None]
        deadline = min(self._deadline(each, exploited) for each in told or free)
        if not self._at.reached(deadline):
            return Code.UPDATE_PENDING, None
        return (Code.CONSUMER_LAG if told else Code.NOTICE_UNPROVEN), deadline

    def _deadline(self, cure: Candidate, exploited: bool) -> datetime:
        """V7: when the consumer's reasonable time for one fix is over."""
        policy = self._scene.policy
        urgent = exploited and cure.release.one_click
        days = policy.reasonable_days_urgent if urgent else policy.reasonable_days
        return days_after(max(cure.available, cure.told or cure.available), days, self._scene.ground.zone)

    def _unnamed(self) -> Result:
        """V8: the security releases that name no advisory on record, judged together."""
        on_record = self._scene.outlook.on_record
        releases = [
            each
            for each in self._obtainable(Relation.NEWER)
            if (each.release.security and not each.release.fixes) or not on_record.issuperset(each.release.fixes)
        ]
        if self._over or not releases:
            return Result()
        code, since = self._supplied(releases, exploited=False)
        first = min(releases, key=lambda each: (each.available, each.release.version))
        return self._weighed(code, since, None, f"release:{first.release.version}", None)

    def _obtainable(self, relation: Relation) -> list[Candidate]:
        """The stable releases, applicable and offered, that stand so to the installed version."""
        shared = self._shared
        candidates = [each for each in self._scene.outlook.candidates if each.relation is relation]
        return [each for each in candidates if shared.fits(each) and shared.offers(each)]

    def _weighed(
        self, code: Code, since: datetime | None, due: datetime | None, about: str, exposure: Exposure | None
    ) -> Result:
        """S5, S6 and the level: whether and how a code counts here.

        Args:
            code: What V3 to V7 say.
            since: Since when.
            due: When it fell due; None for V8, which nothing makes due.
            about: What it is about.
            exposure: The advisory; None for V8.
        """
        duty = self._duty
        in_time = due is not None and due <= duty.owed_until
        if self._over and not (code in SUPPLY and in_time):  # S6
            left_open = exposure is not None and exposure.public < duty.over_from
            open_at_end = left_open and (code in SUPPLY or code is Code.FIX_AWAITED)
            return Result(flags=frozenset({Flag.OPEN_AT_END} if open_at_end else ()))
        if code not in SUPPLY:
            level = _LEVELS[code]
        elif self._inside or in_time:
            level = self._supply_level(code, due, exposure)
        else:  # S5
            code, level = Code.EXTENDED_PROMISE_MISSED, Level.QUESTION
        if since is not None and code is not Code.CONSUMER_LAG and duty.start is not None:
            since = max(since, duty.start)
        return Result(code, level, since, (about,))

    def _supply_level(self, code: Code, due: datetime | None, exposure: Exposure | None) -> Level:
        """M3, and the level of V3 to V6 on S: a breach only where the law or a promise carries the miss itself."""
        ground, hard_end = self._scene.ground, self._duty.hard_end
        if ground.track == "M":
            breach = self._duty.cra
        else:
            fell_due = due is not None and hard_end is not None and due <= hard_end
            breach = fell_due or (hard_end is not None and not self._at.reached(hard_end))
        if code is Code.SUPPORT_DENIED_IN_WINDOW:
            breach = breach and exposure is not None and exposure.advisory.issuer in ground.refusers
        return Level.BREACH if breach else Level.QUESTION

    def _rest(self) -> Result:
        """V9, V10 and S6: what is said if nothing counts."""
        newer = self._obtainable(Relation.NEWER)
        if self._over:
            flags = {Flag.UPDATE_OUTSTANDING} if newer else set()
            flags |= {Flag.NO_END_NOTICE} if self._nobody_announced_the_end() else set()
            return Result(Code.SUPPORT_ENDED, Level.NONE, self._duty.over_from, flags=frozenset(flags))
        if newer:
            silent = any(each.release.security is None and not each.release.fixes for each in newer)
            about = tuple(f"release:{each.release.version}" for each in newer)
            flags = {Flag.SECURITY_CONTENT_UNKNOWN} if silent else set()
            return Result(Code.FUNCTIONAL_UPDATE_PENDING, about=about, flags=frozenset(flags))
        if self._obtainable(Relation.UNKNOWN):
            return Result(Code.VERSION_NOT_COMPARABLE, Level.NONE)
        flags = set() if self._scene.device.model.advisory_source else {Flag.NO_ADVISORY_SOURCE}
        return Result(Code.UP_TO_DATE, flags=frozenset(flags))

    def _nobody_announced_the_end(self) -> bool:
        """F-end: whether the maker of a unit under the CRA is not shown to have told of the end of support."""
        return self._duty.cra and not any(
            notice.topic == "end_of_support"
            and notice.role == "manufacturer"
            and notice.received_at is not None
            and self._at.reached(notice.received_at)
            for notice in self._scene.record.notices
        )


def withdrawn(scene: Scene, duty: Duty) -> frozenset[Flag]:
    """F-withdrawn: an update of the support period that must still be there is not (CRA article 13(9))."""
    taken = duty.cra and any(
        (release.security or release.fixes)
        and release.gone_at is not None
        and scene.at.reached(release.gone_at)
        and _must_be_kept(available(release, scene.ground)[1], scene, duty)
        for release in scene.device.releases
    )
    return frozenset({Flag.FIX_WITHDRAWN} if taken else ())


def _must_be_kept(since: datetime, scene: Scene, duty: Duty) -> bool:
    if duty.start is None or not duty.start <= since < duty.owed_until:
        return False
    zone = scene.ground.zone
    kept = day_end(add_months(local_day(since, zone), scene.policy.cra_keep_months), zone)
    return not scene.at.reached(max(duty.owed_until, kept))


_LEVELS = {
    Code.NOTICE_UNPROVEN: Level.QUESTION,
    Code.CONSUMER_LAG: Level.CONSUMER,
    Code.UPDATE_PENDING: Level.OK,
    Code.FIX_AWAITED: Level.OK,
}


def _flagged(result: Result, flags: set[Flag]) -> Result:
    return Result(result.code, result.level, result.since, result.about, result.flags | flags)
