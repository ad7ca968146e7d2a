"""Findings about models for programs: `/api/v1/findings`, how they changed, and what they would be on any other day.

Nothing here names a home, or counts so few that it would point at one; what is withheld for that is not in the answer.
"""

import asyncio
from datetime import datetime
from typing import Final

import msgspec
from litestar import Router
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import AppraisalError, FleetFinding, FleetVerdict, appraise_fleet
from collector.catalogue import fleet
from collector.store import found, rows
from collector.store.database import reading
from collector.web.errors import answers
from collector.web.items import Items, items
from collector.web.paging import key_of, word_for
from collector.web.parameters import At, Cursor, Known, Limit, wanted_findings
from collector.web.replay import Moments, moments
from collector.web.room import Room

_PAGE: Final = 50
MOST: Final = 2_000
"""Devices of a model that are judged anew while somebody waits; the command has no bound."""


class FindingItem(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that stands now.

    Attributes:
        track: Null where it is about neither the sellers nor the manufacturer.
        count: Households, of how many; null where the numbers would point at a few.
        days: Since the first miss.
        found_at: Since when it stands.
        judged_at: When the homes were last counted.
    """

    model: str
    manufacturer: str | None
    rule: str
    track: str | None
    code: str
    level: str
    count: int | None
    of: int | None
    about: tuple[str, ...]
    days: int | None
    found_at: datetime
    judged_at: datetime
    policy_version: str
    policy_digest: str


class FoundItem(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it was or would be."""

    rule: str
    track: str | None
    code: str
    level: str
    count: int | None
    of: int | None
    about: tuple[str, ...]
    days: int | None


class FleetVerdictItem(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a model and differs from what was found before.

    Attributes:
        log_size: All evidence that counted is among so many leaves of the log.
    """

    judged_at: datetime
    policy_version: str
    policy_digest: str
    log_size: int
    findings: tuple[FoundItem, ...]


class FleetReplayItem(msgspec.Struct, frozen=True, kw_only=True):
    """What would be found of a model for any instant, with what was known at any instant."""

    model: str
    at: datetime
    known: datetime
    policy_version: str
    findings: tuple[FoundItem, ...]


@answers("/", dependencies=wanted_findings)
async def findings(
    room: NamedDependency[Room],
    wanted: NamedDependency[rows.FindingFilter],
    limit: Limit = _PAGE,
    cursor: Cursor = None,
) -> Items[FindingItem]:
    """The findings that stand, what weighs most first."""
    async with reading(room.engine) as connection:
        page = await found.findings(connection, wanted, after=key_of(cursor, rows.FindingKey), limit=limit)
    return Items(items=tuple(map(_item, page.items)), next=word_for(page.next))


@answers("/history")
async def history(
    room: NamedDependency[Room], model: FromQuery[str], limit: Limit = _PAGE, cursor: Cursor = None
) -> Items[FleetVerdictItem]:
    """How the findings about a model changed, newest first."""
    async with reading(room.engine) as connection:
        await known_fleet(connection, model)
        page = await found.history(connection, model, after=key_of(cursor, rows.NumberKey), limit=limit)
    listed = items(_Kept, page)
    told = tuple(
        FleetVerdictItem(
            judged_at=each.judged_at,
            policy_version=each.policy_version,
            policy_digest=each.policy_digest,
            log_size=each.log_size,
            findings=shown(each.verdict),
        )
        for each in listed.items
    )
    return Items(items=told, next=listed.next)


@answers("/replay")
async def replayed(
    room: NamedDependency[Room], model: FromQuery[str], at: At = "", known: Known = ""
) -> FleetReplayItem:
    """The findings about a model for any instant, made now from all evidence; nothing is stored."""
    asked = moments(at, known, room)
    async with reading(room.engine) as connection:
        await known_fleet(connection, model)
        verdict = await replay(connection, model, asked, room)
    return FleetReplayItem(
        model=model,
        at=asked.at,
        known=asked.known,
        policy_version=verdict.policy_version,
        findings=shown(verdict),
    )


async def known_fleet(connection: AsyncConnection, model: str) -> rows.Fleet:
    """A model whose homes were counted.

    Raises:
        NotFoundException: There is none of that name.
    """
    counted = await found.fleet(connection, model)
    if counted is None:
        raise NotFoundException("no homes with such a model were counted")
    return counted


async def replay(connection: AsyncConnection, model: str, asked: Moments, room: Room) -> FleetVerdict:
    """What is found of a model at an instant, by the policy in force.

    Raises:
        HTTPException: There are too many devices to be judged while somebody waits, or facts that cannot be judged.
    """
    known = int(asked.known.timestamp())
    try:
        case = await fleet.case(connection, model, room.policy, known=known, most=MOST)
        return await asyncio.to_thread(appraise_fleet, case, asked.at, asked.known, room.policy)
    except ValueError as error:
        detail = f"{error}: ask with `updateplicht-collector findings --model`, which takes its time"
        raise HTTPException(status_code=409, detail=detail) from error
    except AppraisalError as error:
        raise HTTPException(status_code=409, detail=f"the facts on record cannot be judged: {error}") from error


def shown(verdict: FleetVerdict) -> tuple[FoundItem, ...]:
    """What may be shown of a verdict; as found.py chooses."""
    return tuple(_found(each) for each in verdict.findings if each.publishable or each.rule == "G0")


def _found(finding: FleetFinding) -> FoundItem:
    numbers = (finding.count, finding.of) if finding.publishable else (None, None)
    return FoundItem(
        rule=finding.rule,
        track=finding.track,
        code=finding.code,
        level=finding.level,
        count=numbers[0],
        of=numbers[1],
        about=finding.about,
        days=finding.days,
    )


def _item(row: rows.Finding) -> FindingItem:
    return msgspec.convert({**msgspec.structs.asdict(row), "track": row.track or None}, FindingItem, strict=False)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    judged_at: datetime
    policy_version: str
    policy_digest: str
    log_size: int
    verdict: FleetVerdict


routes = Router(path="/findings", route_handlers=[findings, history, replayed])
