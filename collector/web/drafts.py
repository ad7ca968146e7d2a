"""A draft of a sale: what a household filled in, written down for its own gateway to show and sign.

The register keeps nothing of it, and nothing in it binds anyone: only what the gateway's key signs is the household's
word. What cannot be stated is told here already (rule F0), not only at the door.
"""

from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.response import Template

from collector.catalogue import kinds
from collector.catalogue.instants import to_text
from collector.store import views
from collector.store.database import reading
from collector.web.api import known_device
from collector.web.language import Language
from collector.web.pages import render
from collector.web.parameters import HexId, what_was_sold
from collector.web.room import Room
from evidence.draft import Draft, format_draft
from evidence.errors import DraftCodeError

_KIND: Final = "sale"


@get("/devices/{gateway:str}/{device:str}/draft", include_in_schema=False, dependencies=what_was_sold)
async def draft(
    request: Request[Any, Any, Any],
    room: NamedDependency[Room],
    language: NamedDependency[Language],
    sold: NamedDependency[dict[str, str]],
    gateway: HexId,
    device: HexId,
) -> Template:
    """The code of a draft, what it says, and the command that shows and signs it."""
    async with reading(room.engine) as connection:
        await known_device(connection, gateway, device)
        simulated = await views.simulated(connection)
    code = _code(gateway, device, sold, room)
    address = f"/devices/{gateway}/{device}"
    return render(request, language, "draft.html", code=code, sold=sold, address=address, simulated=simulated)


def _code(gateway: str, device: str, sold: dict[str, str], room: Room) -> str:
    envelope = {"id": "draft", "kind": _KIND, "recorded_at": to_text(room.clock()), "issuer": f"consumer:{gateway}"}
    try:
        code = format_draft(Draft(kind=_KIND, device=device, fields=sold))
    except DraftCodeError as error:
        raise _refused(str(error)) from error
    if (fault := kinds.fault(_KIND, {**envelope, "device": device, **sold})) is not None:
        raise _refused(fault)
    return code


def _refused(fault: str) -> ValidationException:
    return ValidationException(extra=[{"key": _KIND, "message": fault}])


routes = (draft,)
