"""A device and its verdicts in words: what the templates print.

Nothing is decided here. A verdict comes from the judge; this room says it in a sentence, names who owes and until when,
and keeps the seller's track and the manufacturer's apart.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import msgspec
from markupsafe import Markup

from collector.appraisal.codes import NO_DUTY
from collector.appraisal.policy import Policy
from collector.appraisal.verdict import Verdict, Window
from collector.store.rows import Device, Json, Reading
from collector.web.codes import Ref, refs
from collector.web.debts import Debtor, Debts, Tracks, debts, tracks
from collector.web.language import Language
from collector.web.timeline import Timeline, timeline

_ENVELOPE: Final = frozenset({"id", "kind", "issuer", "recorded_at", "asserted_at", "device"})


class FindingShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said about the window itself."""

    code: str
    level: str
    sentence: Markup


class TrackShown(msgspec.Struct, frozen=True, kw_only=True):
    """One track in words.

    Attributes:
        named: Who owes, where that is on record.
        owed: Until when, and on what ground.
        extended: Until when later promises run.
        days: The days of the window, by the keys of their labels.
    """

    track: str
    code: str
    level: str
    sentence: Markup
    named: str | None
    owed: Markup
    extended: Markup | None
    reason: Markup | None
    since: Markup | None
    finding: FindingShown | None
    about: tuple[Markup, ...]
    missing: tuple[Markup, ...]
    flags: tuple[tuple[str, Markup], ...]
    days: tuple[tuple[str, Markup], ...]
    picture: Timeline | None
    refs: tuple[Ref, ...]
    policy_version: str


class DeviceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A device in words.

    Attributes:
        title: Its model; else what it calls itself.
        note: What kind of product it is, or why its model is not known.
        failure: What came of the last reading, where that was nothing good.
        version: What it ran at the last good reading.
    """

    row: Device
    href: str
    title: str
    note: Markup
    ids: tuple[str, ...]
    version: Markup
    version_alt: str | None
    offer: Markup | None
    failure: Markup | None
    read_at: Markup | None
    seen: Markup
    ago: str
    tracks: tuple[TrackShown, ...]


class Showing:
    """Says things in one language, at one instant, under one policy."""

    def __init__(self, language: Language, now: datetime, policy: Policy) -> None:
        self._say = language
        self._now = now
        self._policy = policy

    def device(self, row: Device) -> DeviceShown:
        """A device and its verdicts."""
        say, good = self._say, row.good
        owing = debts(row, self._now, self._now, self._policy)
        verdict = tracks(row.verdict)
        seen = instant(row.last_seen_at)
        ids = (good or row.reading).ids
        return DeviceShown(
            row=row,
            href=f"/devices/{row.gateway}/{row.device}",
            title=row.model or (_plain(ids[0]) if ids else str(say("device.unidentified"))),
            note=self._note(row, verdict, owing.device_class),
            ids=ids,
            version=self._version(good),
            version_alt=good.version_alt if good else None,
            offer=self._offer(good),
            failure=self._failure(row.reading),
            read_at=say.moment(instant(row.last_read_at)) if row.last_read_at else None,
            seen=say.moment(seen),
            ago=say.distance(seen, self._now),
            tracks=self.tracks(verdict, owing) if verdict else (),
        )

    def tracks(self, verdict: Tracks, owing: Debts) -> tuple[TrackShown, ...]:
        """Both tracks, in the order in which a household reads them."""
        return (self._track("S", verdict.S, owing.S), self._track("M", verdict.M, owing.M))

    def _track(self, track: str, verdict: Verdict, debtor: Debtor) -> TrackShown:
        # Its days are those of the debtor's zone.
        say = replace(self._say, zone=debtor.zone)
        window = verdict.window
        return TrackShown(
            track=track,
            code=verdict.code,
            level=verdict.level,
            sentence=say(f"code.{verdict.code}.sentence"),
            named=debtor.name,
            owed=self._owed(say, track, verdict),
            extended=self._extended(say, window),
            reason=say.word("reason", verdict.reason) if verdict.reason else None,
            since=say.day(verdict.since) if verdict.since else None,
            finding=self._finding(verdict),
            about=tuple(named(say, "about_item", name) for name in verdict.about),
            missing=tuple(_missing(say, name) for name in verdict.missing),
            flags=tuple((str(flag), say(f"flag.{flag}.sentence")) for flag in verdict.flags),
            days=_days(say, window, self._now),
            picture=timeline(window.start, window.end_excl, window.extended_end_excl, self._now),
            refs=refs(verdict.basis, self._policy),
            policy_version=verdict.policy_version,
        )

    def _finding(self, verdict: Verdict) -> FindingShown | None:
        found = verdict.window_finding
        if found is None:
            return None
        sentence = self._say(f"finding.{found.code}.sentence")
        return FindingShown(code=found.code, level=found.level, sentence=sentence)

    def _note(self, row: Device, verdict: Tracks | None, device_class: str | None) -> Markup:
        if row.model is not None:
            return self._say.word("class", device_class or "other")
        ambiguous = verdict is not None and verdict.S.code == "MODEL_AMBIGUOUS"
        return self._say("device.ambiguous_model" if ambiguous else "device.unknown_model")

    def _version(self, good: Reading | None) -> Markup:
        if good is None:
            return self._say("device.never_read")
        if good.version_raw is None:
            return self._say("device.no_version")
        return self._say("device.version", version=good.version_raw)

    def _offer(self, good: Reading | None) -> Markup | None:
        offer = good.offer if good else None
        if offer is None or offer.result == "none":
            return None
        if offer.result == "failed":
            return self._say("device.offer_failed")
        if offer.version is None:
            return self._say("device.offer_offered_unnamed")
        return self._say("device.offer_offered", version=offer.version)

    def reading(self, reading: Reading | None) -> Markup:
        """What one reading said."""
        if reading is None:
            return self._say("device.removed")
        failure = self._failure(reading)
        return self._say("device.failed_step", what=failure) if failure else self._version(reading)

    def _failure(self, reading: Reading) -> Markup | None:
        """Why there is no reading, None where there is one."""
        if reading.result == "ok":
            return None
        if reading.reason is not None and f"read_reason.{reading.reason}" in self._say:
            return self._say(f"read_reason.{reading.reason}")
        what = self._say.word("result", reading.result)
        return what if reading.reason is None else Markup("{} (<code>{}</code>)").format(what, reading.reason)

    def _owed(self, say: Language, track: str, verdict: Verdict) -> Markup:
        window = verdict.window
        if verdict.code in NO_DUTY:
            return say("owed.none")
        if window.end_excl is None or window.basis == "extension":
            return say("owed.unknown") if window.extended_end_excl is None else say("owed.none_but")
        tense = "until" if self._now < window.end_excl else "was"
        basis = say(f"owed.basis.{window.basis or 'unknown'}")
        return say(f"owed.{track}_{tense}", day=say.last_day(window.end_excl), basis=basis)

    def _extended(self, say: Language, window: Window) -> Markup | None:
        end = window.extended_end_excl
        if end is None:
            return None
        return say("owed.extended" if self._now < end else "owed.extended_was", day=say.last_day(end))


def instant(seconds: int) -> datetime:
    """Unix seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def stated(fact: Json) -> dict[str, str]:
    """What a statement says, without its envelope."""
    return {name: _word(value) for name, value in fact.items() if name not in _ENVELOPE and value is not None}


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_word, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {_word(part)}" for name, part in value.items())
    return msgspec.json.encode(value).decode()


def _plain(model_id: str) -> str:
    return model_id.partition(":")[2].replace("%2F", "/")


def named(say: Language, group: str, name: str) -> Markup:
    """What a `kind:name` is called; the text as it is where there is no word for its kind."""
    kind, colon, rest = name.partition(":")
    return say(f"{group}.{kind}", name=rest) if colon and f"{group}.{kind}" in say else Markup.escape(name)


def _missing(say: Language, name: str) -> Markup:
    """`advisory:X.severity` is said as `advisory.severity` with X in it; a name may hold dots and colons itself."""
    kind, colon, rest = name.partition(":")
    if not colon:
        return say.word("missing", name)
    about, _, field = rest.rpartition(".")
    return say.word("missing", f"{kind}.{field}", name=about)


def _days(say: Language, window: Window, now: datetime) -> tuple[tuple[str, Markup], ...]:
    days = [("now", say.day(now))]
    if window.start is not None:
        days.insert(0, ("start", say.day(window.start)))
    if window.end_excl is not None and window.basis != "extension":
        days.append(("end", say.last_day(window.end_excl)))
    if window.extended_end_excl is not None:
        days.append(("extended", say.last_day(window.extended_end_excl)))
    return tuple(days)
