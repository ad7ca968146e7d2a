"""The application: the only place of this room that wires it."""

from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Litestar, Request, Router
from litestar.connection import ASGIConnection
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.appraisal.policy import Policy
from collector.web import api, drafts, errors, pages, products
from collector.web.guard import Guard
from collector.web.language import Language, choose, languages
from collector.web.room import Room
from collector.web.shown import instant

_STATIC = Path(__file__).parent / "static"
_VERSION = "1"


def create_app(
    engine: AsyncEngine,
    *,
    clock: Callable[[], int],
    health: Callable[[], dict[str, object]],
    policy: Policy,
    allowed_hosts: Collection[str],
) -> Litestar:
    """The pages and the API of a register; they read it and write nothing.

    Args:
        engine: To the register.
        clock: Unix seconds.
        health: What `/healthz` shows; its `ok` says whether all is well.
        policy: The one in force: its numbers are shown, its zone is the register's.
        allowed_hosts: Names under which the pages may be asked for, without port, such as `127.0.0.1`.
    """
    room = Room(engine=engine, clock=clock, health=health, policy=policy, languages=languages(policy.zone(None)))

    def language(request: Request[Any, Any, Any]) -> Language:
        return room.languages[choose(request)]

    app = Litestar(
        route_handlers=[*api.routes, *pages.routes, *products.routes, *drafts.routes, _static()],
        dependencies={
            "room": Provide(lambda: room, sync_to_thread=False),
            "language": Provide(language, sync_to_thread=False),
        },
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(_templates())),
        exception_handlers=errors.handlers(lambda request, status, fault: pages.error(request, room, status, fault)),
        openapi_config=_openapi(),
        logging_config=None,
    )
    app.asgi_handler = Guard(app.asgi_handler, allowed_hosts)
    return app


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("collector.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["instant"] = instant
    environment.filters["breakable"] = lambda text: Markup.escape(text).replace("/", Markup("/<wbr>"))
    environment.globals["style"] = f"/static/style.css?{sha256((_STATIC / 'style.css').read_bytes()).hexdigest()[:12]}"
    return environment


def _static() -> Router:
    return create_static_files_router(
        path="/static", directories=[_STATIC], cache_control=CacheControlHeader(max_age=86_400)
    )


def _openapi() -> OpenAPIConfig:
    # Litestar serves the document under a path of its own, with pages that load from elsewhere; ours is /openapi.json.
    closed = Router(path="/schema", route_handlers=[], guards=[_closed], include_in_schema=False)
    return OpenAPIConfig(title="Updateplicht", version=_VERSION, description=api.__doc__, openapi_router=closed)


def _closed(_connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    raise NotFoundException
