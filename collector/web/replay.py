"""A verdict for any day, with what was known on any day: judged on demand, by the same judge, and not stored.

`at` is the judged instant, `known` the instant by which facts had to be recorded. A day stands for its last second in
the register's zone.
"""

import asyncio
import re
from datetime import date, datetime

import msgspec
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import AppraisalError, appraise
from collector.appraisal.days import ONE_SECOND, day_end
from collector.appraisal.grounds import GroundFact, grounds
from collector.appraisal.values import parse_instant
from collector.catalogue.facts import facts_for
from collector.store.rows import Device
from collector.web.debts import Tracks
from collector.web.room import Room

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: the judged instant, and the instant by which facts were recorded."""

    at: datetime
    known: datetime


def moments(at: str, known: str, room: Room) -> Moments:
    """What two texts ask for; what is left out means now.

    Raises:
        ValidationException: One of them is neither a day nor an instant.
    """
    return Moments(at=_moment("at", at, room), known=_moment("known", known, room))


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """Both tracks, and the facts that they stand on."""

    tracks: Tracks
    grounds: tuple[GroundFact, ...]


async def replay(connection: AsyncConnection, device: Device, asked: Moments, room: Room) -> Replayed:
    """Both tracks, judged by the policy in force.

    Raises:
        HTTPException: The facts on record cannot be judged.
    """
    known = int(asked.known.timestamp())
    facts = await facts_for(connection, device.gateway, device.device, room.policy, known=known)
    try:
        verdicts = await asyncio.to_thread(appraise, facts, asked.at, asked.known, room.policy)
        stands_on = await asyncio.to_thread(grounds, facts, asked.at, asked.known, room.policy)
    except AppraisalError as error:
        raise HTTPException(status_code=409, detail=f"the facts on record cannot be judged: {error}") from error
    return Replayed(tracks=Tracks(**verdicts), grounds=stands_on)


def _moment(name: str, text: str, room: Room) -> datetime:
    if not text:
        return room.now()
    try:
        if _DAY.fullmatch(text):
            return day_end(date.fromisoformat(text), room.policy.zone(None)) - ONE_SECOND
        return parse_instant(text)
    except ValueError as error:
        fault = {"key": name, "message": "expected a day or an instant, such as 2026-11-21 or 2026-11-21T12:00:00Z"}
        raise ValidationException(extra=[fault]) from error
