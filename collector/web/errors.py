"""One shape for every error: `{"error": {"code", "message", "path"?}}`, as a page where a person asked.

code                 status
  bad_request        400      a parameter of the wrong form; `path` names it
  cross_origin       403      a write that another site sent
  not_found          404
  method_not_allowed 405
  not_judged         409      facts on record that the judge cannot judge
  unknown_host       421      a Host that is not this register's
  internal           500      a fault of ours; the log has it, the answer does not
  store              503      the database does not give what it must; likewise
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Schema

from collector.errors import StoreError
from collector.web.parameters import described

_log = logging.getLogger(__name__)
_CODES: Final = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 409: "not_judged"}
_PROGRAMS: Final = ("/api/", "/openapi.json", "/healthz", "/metrics")


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong.

    Attributes:
        code: Stable.
        path: The parameter that is at fault, where it is one.
    """

    code: str
    message: str
    path: str | None = None


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    error: Fault


ErrorPage = Callable[[Request[Any, Any, Any], int, Fault], Response[Any]]
Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


answers = partial(
    get,
    responses={
        status: ResponseSpec(data_container=ErrorBody, description=why, generate_examples=False)
        for status, why in ((400, "A parameter of the wrong form."), (404, "Nothing of that name."))
    },
)
"""A read of the API, whose errors stand in its description."""


def error_bytes(code: str, message: str) -> bytes:
    """An error, for where no application answers yet."""
    return msgspec.json.encode(ErrorBody(error=Fault(code=code, message=message)))


def handlers(page: ErrorPage) -> dict[int | type[Exception], Handler]:
    """What answers an exception.

    Args:
        page: Makes the page for people.
    """

    def answer(
        request: Request[Any, Any, Any], status: int, fault: Fault, headers: dict[str, str] | None = None
    ) -> Response[Any]:
        response = page(request, status, fault) if _for_people(request) else _json(status, fault)
        response.headers.update(headers or {})
        return response

    def expected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if not isinstance(error, HTTPException) or error.status_code >= 500:
            return unexpected(request, error)
        return answer(request, error.status_code, _fault(request, error), error.headers)

    def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(request, 500, Fault(code="internal", message="the register could not answer; its log says why"))

    def without_store(request: Request[Any, Any, Any], error: StoreError) -> Response[Any]:
        _log.error("%s %s failed: %s", request.method, request.url.path, error)
        return answer(request, 503, Fault(code="store", message="the database does not answer; try again in a while"))

    return {HTTPException: expected, StoreError: without_store, Exception: unexpected}


def _fault(request: Request[Any, Any, Any], error: HTTPException) -> Fault:
    code = _CODES.get(error.status_code, "bad_request")
    details = error.extra if isinstance(error.extra, list) else []
    if details:
        # A name that Python keeps for itself is written with an underscore at its end in the code.
        name = str(details[0]["key"]).removesuffix("_")
        return Fault(code=code, message=f"{details[0]['message']}{_choice(request, name)}", path=name)
    return Fault(code=code, message=error.detail)


def _choice(request: Request[Any, Any, Any], name: str) -> str:
    parameter = described(request).get(name)
    schema = parameter.schema if parameter is not None else None
    words = [str(word) for word in (schema.enum or ()) if word] if isinstance(schema, Schema) else []
    return f"; choose one of {', '.join(words)}" if words else ""


def _json(status: int, fault: Fault) -> Response[ErrorBody]:
    return Response(ErrorBody(error=fault), status_code=status, media_type="application/json")


def _for_people(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_PROGRAMS)
