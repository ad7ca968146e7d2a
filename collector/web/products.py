"""The pages about models in many homes: the list of findings, and one page a model."""

import re
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from markupsafe import Markup

from collector.appraisal import FleetVerdict
from collector.appraisal.codes import FleetCode
from collector.catalogue import fleet
from collector.catalogue.fleet import Product
from collector.store import found, rows, views
from collector.store.database import reading
from collector.web.codes import Ref, code_page
from collector.web.findings import FoundItem, known_fleet, replay, shown
from collector.web.language import Language
from collector.web.pages import pager, render
from collector.web.paging import key_of
from collector.web.parameters import At, Cursor, Known, wanted_findings
from collector.web.replay import moments
from collector.web.rollout import Rollout, rollout
from collector.web.room import Room
from collector.web.shown import named

_FINDINGS: Final = 50
_ANSWERS: Final = 20
_HISTORY: Final = 20
_SHORT: Final = 8
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class FindingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A finding in words.

    Attributes:
        who: Whose duty it is about; None where it is about neither.
        homes: How many homes, of how many; None where that is not shown.
    """

    model: str
    code: str
    level: str
    sentence: Markup
    who: Markup | None
    homes: Markup | None
    about: tuple[Markup, ...]
    days: Markup | None
    refs: tuple[Ref, ...]


@get("/findings", include_in_schema=False, dependencies=wanted_findings)
async def findings(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    wanted: NamedDependency[rows.FindingFilter],
    cursor: Cursor = None,
) -> Template:
    """What many homes show together."""
    async with reading(room.engine) as connection:
        page = await found.findings(connection, wanted, after=key_of(cursor, rows.FindingKey), limit=_FINDINGS)
        levels = await found.levels(connection)
        simulated = await views.simulated(connection)
    options = {
        "track": [(track, language(f"track.{track}")) for track in rows.TRACKS],
        "level": [(level, language(f"level.{level}.name")) for level in rows.LEVELS],
        "code": [(str(code), language(f"fleet.{code}.title")) for code in FleetCode],
    }
    return render(
        request,
        language,
        "findings.html",
        findings=[_said(row.model, row, row.manufacturer, room, language) for row in page.items],
        wanted=wanted,
        levels=levels,
        options=options,
        numbers=room.policy.fleet,
        **pager(request, page, cursor),
        simulated=simulated,
    )


@get("/models/{model:path}", include_in_schema=False)
async def product(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    model: FromPath[str],
    at: At = "",
    known: Known = "",
) -> Template:
    """What many homes show of one model, today or on another day."""
    name, asked = model.removeprefix("/"), moments(at, known, room)
    async with reading(room.engine) as connection:
        counted = await known_fleet(connection, name)
        if at or known:
            standing: tuple[rows.Finding | FoundItem, ...] = shown(await replay(connection, name, asked, room))
        else:
            wanted = rows.FindingFilter(model=name)
            standing = (await found.findings(connection, wanted, limit=_FINDINGS)).items
        about = await fleet.product(connection, name, room.policy, now=int(room.now().timestamp()))
        history = await found.history(connection, name, limit=_HISTORY)
        context: dict[str, Any] = {
            "answers": await found.answers(connection, name, limit=_ANSWERS),
            "evidence": await found.evidence(connection, name),
            "simulated": await views.simulated(connection),
        }
    return render(
        request,
        language,
        "product.html",
        fleet=counted,
        device_class=about.entry.device_class if about.entry else "other",
        findings=[_said(name, each, counted.manufacturer, room, language) for each in standing],
        history=[(row, shown(msgspec.convert(row.verdict, FleetVerdict))) for row in history.items],
        picture=_picture(counted, about, room),
        days=_days(about, room, language),
        numbers=room.policy.fleet,
        asked=asked,
        at=at,
        known=known,
        **context,
    )


def _said(
    model: str, finding: rows.Finding | FoundItem, manufacturer: str | None, room: Room, say: Language
) -> FindingShown:
    page = code_page(finding.code, room.policy)
    whose = {"S": say("findings.sellers"), "M": say.party(f"manufacturer:{manufacturer}") if manufacturer else None}
    return FindingShown(
        model=model,
        code=finding.code,
        level=finding.level,
        sentence=say(f"fleet.{finding.code}.sentence"),
        who=whose.get(finding.track or ""),
        homes=say("findings.homes", count=finding.count, of=finding.of) if finding.of is not None else None,
        about=tuple(_about(say, name) for name in finding.about),
        days=say.count("findings.days", finding.days) if finding.days is not None else None,
        refs=page.refs.get(finding.track or "", ()) if page else (),
    )


def _about(say: Language, name: str) -> Markup:
    if name.startswith(("seller:", "manufacturer:")):
        return say.party(name)
    return say("findings.statement", id=name[:_SHORT]) if _DIGEST.fullmatch(name) else named(say, "about_item", name)


def _moments(about: Product) -> dict[str, datetime]:
    newest = about.newest
    return {} if newest is None else {"available": newest.available, "expected": newest.heard_from}


def _picture(counted: rows.Fleet, about: Product, room: Room) -> Rollout | None:
    scheme = about.entry.scheme if about.entry else "opaque"
    return rollout(counted.spread, scheme, _moments(about), room.now(), room.policy.fleet)


def _days(about: Product, room: Room, say: Language) -> list[tuple[str, Markup, Markup]]:
    """The days that the picture marks: which, what it is, when."""
    if about.newest is None:
        return []
    version = about.newest.release.version
    return [
        (kind, say(f"product.mark.{kind}", version=version), say.last_day(at) if kind == "available" else say.day(at))
        for kind, at in _moments(about).items()
        if at <= room.now()
    ]


routes: Final = (findings, product)
