"""What stands beside a verdict: the promises on record and whom they bind, answers, and messages nobody confirmed.

None of it changes the verdict. Which promise binds is the judge's own answer (`collector.appraisal.promises`).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import FactError
from collector.appraisal.days import day_end, day_start
from collector.appraisal.facts import UpdateWindow
from collector.appraisal.grounds import GroundFact, grounds
from collector.appraisal.promises import Promise, promises
from collector.catalogue.facts import facts_for
from collector.store import rows, views
from collector.web.debts import debts
from collector.web.language import Language
from collector.web.replay import Moments
from collector.web.room import Room
from collector.web.shown import stated

_ANSWERS: Final = 20
_GROUNDS: Final = 50


class PromiseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A promise in words.

    Attributes:
        said: Until when, or that it is taken back.
        holds_from: The first day of the contracts that it holds for, where it says one.
        replaced: What takes its place: who said so, and when it was recorded.
        binds: Whether the seller of this household is bound by it: a word of the texts.
    """

    said: Markup
    who: Markup
    recorded: Markup
    holds_from: Markup | None
    replaced: tuple[tuple[Markup, Markup], ...]
    binds: str


class NoticeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message about a device of which nobody knows whether it arrived; `id` is what an acknowledgement names."""

    id: str
    who: Markup
    fields: dict[str, str]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown beside the verdicts of a device; the answers are by the track of the party that gave them.

    `grounds` are the facts that the verdicts stand on, the newest of them; `older` is how many more there are.
    """

    grounds: tuple[GroundFact, ...]
    older: int
    promises: tuple[PromiseShown, ...]
    notices: tuple[NoticeShown, ...]
    answers: dict[str, list[rows.Statement]]


async def beside(
    connection: AsyncConnection, device: rows.Device, asked: Moments, language: Language, room: Room
) -> Beside:
    """What stands beside the verdict of an instant, by what was known at another."""
    known = int(asked.known.timestamp())
    facts = await facts_for(connection, device.gateway, device.device, room.policy, known=known)
    try:
        made = await asyncio.to_thread(promises, facts, asked.at, asked.known, room.policy)
        stands_on = await asyncio.to_thread(grounds, facts, asked.at, asked.known, room.policy)
    except FactError:  # the judge's fault is shown with the verdict, and hides nothing else
        made, stands_on = (), ()
    owing = debts(device, asked.at, asked.known, room.policy)
    parties = {"S": f"seller:{owing.S.name}", "M": f"manufacturer:{owing.M.name}"}
    given = await views.answers(connection, device, parties.values(), known=known, limit=_ANSWERS)
    return Beside(
        promises=tuple(_promise(each, language) for each in made),
        grounds=stands_on[-_GROUNDS:],
        older=max(0, len(stands_on) - _GROUNDS),
        notices=_unconfirmed(facts, language),
        answers={track: [each for each in given if each.issuer == party] for track, party in parties.items()},
    )


def _promise(promise: Promise, say: Language) -> PromiseShown:
    fact = promise.fact
    since = fact.from_contract.days(say.zone)[0] if fact.from_contract else None
    return PromiseShown(
        said=_said(fact, say),
        who=say.party(fact.issuer),
        recorded=say.day(fact.recorded_at),
        holds_from=say.day(day_start(since, say.zone)) if since else None,
        replaced=tuple((say.party(each.issuer), say.day(each.recorded_at)) for each in promise.replaced_by),
        binds=promise.binds,
    )


def _said(fact: UpdateWindow, say: Language) -> Markup:
    end = fact.end
    if end is None:
        return say("promises.withdrawn")
    if end.last is not None:
        return say("promises.until", day=say.last_day(day_end(end.last, say.zone)))
    if end.months is None:
        return say("promises.announced")
    if isinstance(end.anchor, str):
        return say(f"promises.{end.anchor}", months=end.months)
    anchor = end.anchor
    return say("promises.months", months=end.months, day=say.day(day_start(anchor, say.zone)) if anchor else "")


def _unconfirmed(facts: Sequence[dict[str, Any]], say: Language) -> tuple[NoticeShown, ...]:
    gone = {fact.get("corrects") for fact in facts if fact["kind"] == "notice"}
    waiting = [fact for fact in facts if fact["kind"] == "notice" and not fact.get("received_at")]
    return tuple(
        NoticeShown(id=fact["id"], who=say.party(fact["issuer"]), fields=stated(fact))
        for fact in sorted(waiting, key=lambda fact: (fact["recorded_at"], fact["id"]))
        if fact["id"] not in gone
    )
