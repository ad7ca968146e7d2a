"""The pages for people: rendered here, complete without script, in the language of the visitor."""

from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from litestar import Request, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from collector.appraisal.codes import FindingCode
from collector.store import rows, views
from collector.store.database import reading
from collector.web.api import known_device
from collector.web.beside import beside
from collector.web.codes import EVERY, GROUPS, code_page, group_of
from collector.web.debts import Tracks, debts, tracks
from collector.web.errors import Fault
from collector.web.language import COOKIE, LOCALES, Language, choose
from collector.web.paging import key_of, word_for
from collector.web.parameters import SALE_WORDS, At, Cursor, HexId, Known, wanted_devices
from collector.web.replay import Moments, moments, replay
from collector.web.room import Room
from collector.web.shown import Showing, TrackShown, stated

_DEVICES: Final = 40
_ROWS: Final = 50
_HISTORY: Final = 20
_A_YEAR_S: Final = 365 * 86_400


def render(
    request: Request[Any, Any, Any], language: Language, template: str, *, status: int = 200, **context: Any
) -> Template:
    """A page in a language, with what every page has.

    Args:
        request: Whose address the language switch keeps.
        language: The visitor's.
        template: Its name.
        status: Of the answer.
        context: What the template prints.
    """
    chosen = request.query_params.get("lang")
    kept = Cookie(COOKIE, value=chosen, max_age=_A_YEAR_S, httponly=True, samesite="lax")
    return Template(
        template,
        context={
            "t": language,
            "path": request.url.path,
            "switch": [(code, _link(request, lang=code), code == language.code) for code in LOCALES],
            **context,
        },
        status_code=status,
        cookies=[kept] if chosen in LOCALES else [],
        headers={"Content-Language": language.code, "Vary": "Accept-Language, Cookie"},
        media_type="text/html",
    )


@get("/", include_in_schema=False, dependencies=wanted_devices)
async def devices(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    wanted: NamedDependency[rows.Filter],
    cursor: Cursor = None,
) -> Template:
    """The devices of the register."""
    async with reading(room.engine) as connection:
        page = await views.devices(connection, wanted, after=key_of(cursor, rows.DeviceKey), limit=_DEVICES)
        context: dict[str, Any] = {
            "wanted": wanted,
            "summary": await views.summary(connection, wanted),
            "options": _options(await views.choices(connection), language),
            "simulated": await views.simulated(connection),
        }
    showing = Showing(language, room.now(), room.policy)
    return render(
        request,
        language,
        "devices.html",
        devices=[showing.device(row) for row in page.items],
        narrow=partial(_link, request, cursor=None),
        **pager(request, page, cursor),
        **context,
    )


def _options(choices: rows.Choices, language: Language) -> dict[str, list[tuple[str, str]]]:
    """What the form offers: the value and the label of each choice."""
    return {
        "track": [(track, language(f"track.{track}")) for track in rows.TRACKS],
        "level": [(level, language(f"level.{level}.name")) for level in rows.LEVELS],
        "code": [(code, language(f"{group_of(code)}.{code}.title")) for code in (*choices.codes, *FindingCode)],
        "model": [(model, model) for model in choices.models],
        "gateway": [(gateway, gateway) for gateway in choices.gateways],
    }


@get("/devices/{gateway:str}/{device:str}", include_in_schema=False)
async def device(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    gateway: HexId,
    device: HexId,
    at: At = "",
    known: Known = "",
    cursor: Cursor = None,
) -> Template:
    """All about one device, today or as it was; the cursor goes through its statements."""
    asked = moments(at, known, room)
    async with reading(room.engine) as connection:
        row = await known_device(connection, gateway, device)
        after = key_of(cursor, rows.NumberKey)
        statements = await views.statements(connection, row, after=after, limit=_HISTORY)
        verdicts = await views.verdicts(connection, gateway, device, limit=_HISTORY)
        readings = await views.readings(connection, gateway, device, limit=_HISTORY)
        replayed = await replay(connection, row, asked, room) if at or known else None
        aside = await beside(connection, row, asked, language, room)
        simulated = await views.simulated(connection)
    showing = Showing(language, room.now(), room.policy)
    shown = showing.device(row)
    return render(
        request,
        language,
        "device.html",
        device=shown,
        asked=asked,
        at=at,
        known=known,
        replayed=replayed is not None,
        tracks=_replayed(row, replayed.tracks, asked, language, room) if replayed else shown.tracks,
        verdicts=[(item, tracks(item.verdict)) for item in verdicts.items],
        readings=[(item, showing.reading(item.reading)) for item in readings.items],
        statements=[(item, stated(item.fact)) for item in statements.items],
        beside=aside,
        offered=_sale_options(room, language),
        **pager(request, statements, cursor),
        simulated=simulated,
    )


def _sale_options(room: Room, language: Language) -> dict[str, list[tuple[str, str]]]:
    """What the form of a sale offers: the value and the label of each choice."""
    offered = {"jurisdiction": [(name, name) for name in sorted(room.policy.jurisdictions)]}
    for name, words in SALE_WORDS.items():
        offered[name] = [(word, str(language(f"sale.{name}.{word}"))) for word in words]
    return offered


def _replayed(
    row: rows.Device, verdict: Tracks, asked: Moments, language: Language, room: Room
) -> tuple[TrackShown, ...]:
    owing = debts(row, asked.at, asked.known, room.policy)
    return Showing(language, asked.at, room.policy).tracks(verdict, owing)


@get("/codes", include_in_schema=False)
async def codes(
    request: Request[Any, Any, Any], room: NamedDependency[Room], language: NamedDependency[Language]
) -> Template:
    """Every code."""
    pages = [page for page in (code_page(code, room.policy) for code in EVERY) if page is not None]
    groups = {group: [page for page in pages if page.group == group] for group in GROUPS}
    return render(request, language, "codes.html", groups=groups, simulated=await _simulated(room))


@get("/codes/{code:str}", include_in_schema=False)
async def code(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    code: FromPath[str],
) -> Template:
    """One code: its sentence in every language, its legal basis, what to do next and where to turn."""
    page = code_page(code, room.policy)
    if page is None:
        raise NotFoundException("there is no such code")
    others = [other for other in room.languages.values() if other.code != language.code]
    return render(request, language, "code.html", page=page, others=others, simulated=await _simulated(room))


@get("/gateways", include_in_schema=False)
async def gateways(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    cursor: Cursor = None,
) -> Template:
    """The gateways of the register."""
    async with reading(room.engine) as connection:
        page = await views.gateways(connection, after=key_of(cursor, rows.GatewayKey), limit=_ROWS)
        simulated = await views.simulated(connection)
    return render(
        request,
        language,
        "gateways.html",
        gateways=page.items,
        **pager(request, page, cursor),
        simulated=simulated,
    )


@get("/rejected", include_in_schema=False)
async def rejected(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    reason: FromQuery[str] = "",
    cursor: Cursor = None,
) -> Template:
    """What was refused and why, counted."""
    after = key_of(cursor, rows.NumberKey)
    async with reading(room.engine) as connection:
        page = await views.rejected(connection, reason=reason or None, after=after, limit=_ROWS)
        context: dict[str, Any] = {
            "counts": await views.rejections(connection),
            "pending": await views.pending(connection),
            "simulated": await views.simulated(connection),
        }
    return render(
        request,
        language,
        "rejected.html",
        kept=page.items,
        reason=reason,
        **pager(request, page, cursor),
        **context,
    )


@get("/about", include_in_schema=False)
async def about(
    request: Request[Any, Any, Any], room: NamedDependency[Room], language: NamedDependency[Language]
) -> Template:
    """What this is."""
    version = room.policy.policy_version
    return render(request, language, "about.html", version=version, simulated=await _simulated(room))


def error(request: Request[Any, Any, Any], room: Room, status: int, fault: Fault) -> Template:
    """The page for what went wrong; it asks the database nothing, which may be what went wrong."""
    language = room.languages[choose(request)]
    return render(request, language, "error.html", status=status, number=status, fault=fault, simulated=False)


async def _simulated(room: Room) -> bool:
    async with reading(room.engine) as connection:
        return await views.simulated(connection)


def pager(request: Request[Any, Any, Any], page: rows.Page[Any, Any], cursor: str | None) -> dict[str, Any]:
    """Where a list goes on, and where it begins."""
    return {
        "next": _link(request, cursor=word_for(page.next)) if page.next else None,
        "first": _link(request, cursor=None) if cursor else None,
    }


def _link(request: Request[Any, Any, Any], **changes: str | None) -> str:
    """The address of this request, with some of its parameters changed; what is empty is left out."""
    parameters = {**dict(parse_qsl(request.url.query)), **changes}
    pairs = [(key, value) for key, value in parameters.items() if value]
    return f"{request.url.path}?{urlencode(pairs)}" if pairs else str(request.url.path)


routes = (devices, device, codes, code, gateways, rejected, about)
