"""The door of the web room: who may ask at all, and the headers that every answer carries.

- A page that a foreign name was pointed at (DNS rebinding) is refused by its Host, before anything is looked up.
- A write that another origin sends is refused (Fetch metadata, else Origin), also where there is nothing to write yet.
- Nothing may be loaded from elsewhere, run or framed: Content-Security-Policy (W3C CSP 3) without script.
- HEAD is answered as GET without a body (RFC 9110 section 9.3.2); the server drops the body.
"""

from collections.abc import Collection
from typing import Final

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from collector.web.errors import error_bytes

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Stands before the whole application, so that what it cannot route is guarded too.

    Args:
        app: What stands behind.
        allowed_hosts: Names under which the pages may be asked for, without port.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(host.lower().strip("[]") for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or pass on."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        answer = _with_headers(send)
        headers = Headers.from_scope(scope)
        if _host_name(headers.get("host", "")) not in self._allowed:
            await _refuse(421, "unknown_host", "use the name that this register runs under", scope, receive, answer)
        elif scope["method"] not in _READS and _crosses_origins(headers):
            await _refuse(403, "cross_origin", "only the register's own pages may write here", scope, receive, answer)
        else:
            if scope["method"] == "HEAD":
                scope["method"] = "GET"
            await self._app(scope, receive, answer)


def _host_name(host: str) -> str:
    name = host.lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


def _crosses_origins(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


async def _refuse(status: int, code: str, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    response = ASGIResponse(body=error_bytes(code, message), status_code=status, media_type="application/json")
    await response(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "private, no-cache")
        await send(message)

    return send_with_headers
