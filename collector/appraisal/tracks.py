"""One track from its windows to its verdict: the completions, their join, and what the verdict says beside its code.

Sections 6 (C2 to C4) and 3 of appraisal.md.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from collector.appraisal.at import At
from collector.appraisal.codes import NO_DUTY, STRENGTH, Code, FindingCode, Flag, Level
from collector.appraisal.days import day_end
from collector.appraisal.evidence import Device
from collector.appraisal.exposure import Outlook, Outlooks, combinations
from collector.appraisal.join import Agreed, can_differ, deciding_names, deciding_words, possible_codes, possible_flags
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.state import Cell, Completion, Result, Scene, withdrawn
from collector.appraisal.verdict import Finding, Verdict, Window
from collector.appraisal.windows import Completions, Duty, Ground, Stopped

ValueT = TypeVar("ValueT")
Cells = dict[Duty, list[Cell]]
"""For each duty its cells, one for each filling-in of the shared words."""


def judge(record: Record, device: Device, ground: Ground, at: At, policy: Policy, outlooks: Outlooks) -> Verdict:
    """The verdict on one track."""
    return _Track(record, device, ground, at, policy).verdict(outlooks)


class _Track:
    def __init__(self, record: Record, device: Device, ground: Ground, at: At, policy: Policy) -> None:
        self._record = record
        self._device = device
        self._ground = ground
        self._at = at
        self._policy = policy
        self._flags = device.flags | self._debtor_gone()

    def verdict(self, outlooks: Outlooks) -> Verdict:
        """Judge and join every completion, unless T1 or the dates have stopped the track."""
        outcome = self._ground.outcome
        if isinstance(outcome, Stopped):
            flags = self._flags | outcome.flags
            return self._said(outcome.code, [], flags, reason=outcome.reason, missing=outcome.missing)
        duties = list(dict.fromkeys(duty for _, duty in outcome.rows))
        installed = self._device.installed
        if installed is None or self._device.code or all(duty.reason is not None for duty in duties):  # C2
            return self._joined(outcome, {duty: [self._without_fixes(duty)] for duty in duties}, None)
        ahead = outlooks.of(self._record, self._device, installed, self._ground, self._at, self._policy)
        scene = Scene(self._record, self._device, self._ground, ahead, self._at, self._policy)
        unknown = ahead.unknown_words()
        if len(unknown) > self._policy.max_unknowns:  # C3
            flags = self._flags.union(
                {Flag.TOO_MANY_UNKNOWNS}, *(duty.flags | withdrawn(scene, duty) for duty in duties)
            )
            return self._said(Code.INSUFFICIENT_EVIDENCE, duties, flags, missing=unknown)
        fillings = ahead.shared()
        cells = {
            duty: [
                Completion(scene, duty, shared).cell() if duty.reason is None else self._without_fixes(duty)
                for shared in fillings
            ]
            for duty in duties
        }
        return self._joined(outcome, cells, ahead)

    def _without_fixes(self, duty: Duty) -> Cell:
        """No duty, else the E3 code: no fix is looked at."""
        if duty.reason is not None:
            none = Code.NO_SELLER_DUTY if self._ground.track == "S" else Code.NO_MAKER_DUTY
            return Cell((), Result(none, Level.NONE), duty.flags)
        return Cell((), Result(self._device.code, Level.NONE), duty.flags | self._device.code_flags)

    def _joined(self, outcome: Completions, cells: Cells, ahead: Outlook | None) -> Verdict:
        """C4: the one code that every completion gives; else what would decide."""
        duties = list(cells)
        every = [cell for row in cells.values() for cell in row]
        flags = self._flags.union(*map(possible_flags, every))
        codes = set[Code]().union(*map(possible_codes, every))
        if len(codes) > 1:
            return self._said(Code.INSUFFICIENT_EVIDENCE, duties, flags, missing=_deciding(outcome, cells, ahead))
        (code,) = codes
        agreed = [Agreed(cell, code) for cell in every]
        return self._said(
            code,
            duties,
            flags,
            level=min((each.level() for each in agreed), key=lambda level: STRENGTH[level]),
            since=max((since for each in agreed if (since := each.since()) is not None), default=None),
            reason=_common([duty.reason for duty in duties]) if code in NO_DUTY else None,
            about=set[str]().union(*(each.about() for each in agreed)),
        )

    def _said(
        self,
        code: Code,
        duties: Sequence[Duty],
        flags: Iterable[Flag],
        *,
        level: Level = Level.NONE,
        since: datetime | None = None,
        reason: str | None = None,
        about: Collection[str] = (),
        missing: Iterable[str] = (),
    ) -> Verdict:
        """A verdict with its window, its finding and the sources that it rests on."""
        finding = _finding(duties)
        return Verdict(
            code=code,
            level=level,
            since=since,
            reason=reason,
            about=tuple(sorted(about)),
            flags=tuple(sorted(flags)),
            window=Window(
                start=_common([duty.start for duty in duties]),
                end_excl=_common([duty.end for duty in duties]),
                extended_end_excl=_common([duty.extended_end for duty in duties]),
                basis=_common([duty.basis for duty in duties]),
            ),
            window_finding=finding,
            missing=tuple(sorted(missing)),
            basis=self._basis(code, duties, finding, about),
            policy_version=self._policy.policy_version,
        )

    def _basis(
        self, code: Code, duties: Sequence[Duty], finding: Finding | None, about: Collection[str]
    ) -> tuple[str, ...]:
        """Section 3: the sources of everything that the verdict says."""
        track = self._ground.track
        keys = {f"{track}.{code}", *(f"{track}.window.{duty.basis}" for duty in duties if duty.basis)}
        keys = keys.union(*(duty.refs for duty in duties))
        if finding:
            keys.add(f"{track}.finding.{finding.code}")
        if track == "M" and self._device.model.device_class == "phone":
            advisories = self._record.advisories(self._device.model.model)
            if any(each.os_release is not None and each.advisory in about for each in advisories):
                keys.add("M.phone")
        return tuple(sorted({ref for key in keys for ref in self._policy.refs.get(key, ())}))

    def _debtor_gone(self) -> frozenset[Flag]:
        """F-debtor: the party that owes on this track has ceased."""
        zone = self._ground.zone
        gone = any(
            fact.party == self._ground.debtor and self._at.reached(day_end(fact.ceased.days(zone)[1], zone))
            for fact in self._record.ceased
        )
        return frozenset({Flag.DEBTOR_GONE} if gone else ())


def _deciding(outcome: Completions, cells: Cells, ahead: Outlook | None) -> set[str]:
    """C4: the unknowns that alone can change the code; if there is none, all that vary."""
    words = ahead.shared_words if ahead else ()
    own = [exposure.words for exposure in ahead.exposures] if ahead else []
    names = [name for name, _ in words]
    deciding = deciding_names(
        {values: cells[duty] for values, duty in outcome.rows},
        outcome.names,
        lambda one, other: any(map(can_differ, one, other)),
    )
    for row in cells.values():
        deciding |= deciding_names(dict(zip(combinations(words), row, strict=True)), names, can_differ)
        deciding |= set[str]().union(*(deciding_words(cell, own) for cell in row if cell.slots))
    columns = zip(*(values for values, _ in outcome.rows), strict=True)
    varying = {name for name, column in zip(outcome.names, columns, strict=True) if len(set(column)) > 1}
    return deciding or varying.union(names, (name for each in own for name, _ in each))


def _finding(duties: Sequence[Duty]) -> Finding | None:
    """C4: B if it is B in every completion, else A; of several the strongest, then the first of the table."""
    found: dict[FindingCode, list[Level]] = {}
    for duty in duties:
        for code, level in duty.findings:
            found.setdefault(code, []).append(level)
    if not found:
        return None
    joined = {
        code: Level.BREACH if levels == [Level.BREACH] * len(duties) else Level.QUESTION
        for code, levels in found.items()
    }
    code = min(joined, key=lambda each: (-STRENGTH[joined[each]], list(FindingCode).index(each)))
    return Finding(code, joined[code])


def _common(values: Sequence[ValueT | None]) -> ValueT | None:
    """The value that all completions share; None if they differ."""
    return values[0] if values and all(value == values[0] for value in values) else None
