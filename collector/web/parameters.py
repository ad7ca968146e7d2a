"""What an address may ask, for pages and for the API alike. A form sends what was not chosen as an empty text."""

from typing import Annotated, Any, Final, Literal

from litestar import Request
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.openapi.spec import Parameter
from litestar.params import FromQuery, PathParameter, QueryParameter

from collector.store.rows import Filter, FindingFilter

Track = Literal["", "S", "M"]
Level = Literal["", "B", "A", "C", "N", "OK"]
Gateway = Annotated[str, QueryParameter(pattern="^([0-9a-f]{32})?$", description="32 hex digits.")]
HexId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$", description="32 hex digits.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, QueryParameter(description="The `next` of the page before.")]

At = Annotated[str, QueryParameter(description="The judged day or instant; now where it is left out.")]
Known = Annotated[str, QueryParameter(description="What was recorded by then counts; now where it is left out.")]


def _wanted(
    track: FromQuery[Track] = "",
    level: FromQuery[Level] = "",
    code: FromQuery[str] = "",
    gateway: Gateway = "",
    model: FromQuery[str] = "",
) -> Filter:
    """Which devices are asked for."""
    return Filter(
        track=track or None, level=level or None, code=code or None, gateway=gateway or None, model=model or None
    )


wanted_devices: Final = {"wanted": Provide(_wanted, sync_to_thread=False)}
"""The dependency of a handler that lists devices."""


def _wanted_findings(
    track: FromQuery[Track] = "",
    level: FromQuery[Level] = "",
    code: FromQuery[str] = "",
    model: FromQuery[str] = "",
    manufacturer: FromQuery[str] = "",
) -> FindingFilter:
    """Which findings are asked for."""
    return FindingFilter(
        track=track or None,
        level=level or None,
        code=code or None,
        model=model or None,
        manufacturer=manufacturer or None,
    )


wanted_findings: Final = {"wanted": Provide(_wanted_findings, sync_to_thread=False)}
"""The dependency of a handler that lists findings."""

SALE_WORDS: Final = {
    "seller_type": ("trader", "private"),
    "buyer_type": ("consumer", "business"),
    "supply": ("single", "continuous"),
    "condition": ("new", "used"),
    "transfer": ("sale", "lease", "gift"),
}
"""The fields of a sale that are one of a few words."""
_SALE: Final = ("seller", "contract", "delivered", "jurisdiction", *SALE_WORDS)


def _sold(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a sale as a form sends them; what was left out stays unsaid."""
    return {name: value for name in _SALE if (value := request.query_params.get(name, "").strip())}


what_was_sold: Final = {"sold": Provide(_sold, sync_to_thread=False)}
"""The dependency of a handler to which a sale is described."""


def described(request: Request[Any, Any, Any]) -> dict[str, Parameter]:
    """What may be asked at this address, by name, as the API describes itself."""
    item = (request.app.openapi_schema.paths or {}).get(request.scope["path_template"])
    parameters = item.get.parameters if item is not None and item.get is not None else None
    return {p.name: p for p in parameters or () if isinstance(p, Parameter) and p.param_in == "query"}


async def nothing_else(request: Request[Any, Any, Any]) -> None:
    """Whether each parameter is one of the address's own: a filter that is passed over would answer another question.

    Raises:
        ValidationException: One is not; the message names those that are.
    """
    own = described(request)
    for name in request.query_params:
        if name not in own:
            message = "no such parameter here; there is " + (", ".join(sorted(own)) or "none")
            raise ValidationException(extra=[{"key": name, "message": message}])
