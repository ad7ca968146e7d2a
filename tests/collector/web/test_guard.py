"""Who may ask, and what every answer carries."""

import httpx
import pytest
from litestar import Litestar

from tests.collector.web.conftest import HOST
from tests.collector.web.register import GATEWAY

ADDRESSES = ["/", "/api/v1/devices", "/healthz", "/static/style.css", "/nowhere", "/api/v1/devices?limit=0"]


@pytest.mark.parametrize(
    ("host", "status"),
    {
        "the address it listens on": (HOST, 200),
        "the address with a port": (f"{HOST}:8123", 200),
        "an address of IPv6 with a port": ("[::1]:8080", 200),
        "a name in other letters": ("REGISTER.example", 200),
        "a name of somebody else": ("evil.example", 421),
        "a name that begins like ours": (f"{HOST}.evil.example", 421),
        "a name that ends like ours": ("evil.register.example", 421),
        "no name at all": ("", 421),
        "a port alone": (":8080", 421),
        "an open bracket": ("[::1", 200),
        "another address of IPv6": ("[::2]:8080", 421),
    }.values(),
)
async def test_only_names_of_the_register_are_answered(client: httpx.AsyncClient, host: str, status: int) -> None:
    """A page that was lured to this address under a foreign name reads nothing (DNS rebinding)."""
    answer = await client.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["error"]["code"] == "unknown_host"


@pytest.mark.parametrize(
    ("headers", "status"),
    {
        "another site, as the browser says": ({"Sec-Fetch-Site": "cross-site"}, 403),
        "a neighbour on the same site": ({"Sec-Fetch-Site": "same-site"}, 403),
        "another origin": ({"Origin": "http://evil.example"}, 403),
        "a file or a sandbox": ({"Origin": "null"}, 403),
        "the same name on another port": ({"Origin": f"http://{HOST}:9"}, 403),
        "its own page": ({"Origin": f"http://{HOST}:8080", "Sec-Fetch-Site": "same-origin"}, 405),
        "a program": ({}, 405),
    }.values(),
)
async def test_no_other_origin_writes(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    """Where nothing can be written yet, what comes from elsewhere is still told apart."""
    answer = await client.post("/", headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == ("cross_origin" if status == 403 else "method_not_allowed")


@pytest.mark.parametrize("address", ADDRESSES)
async def test_every_answer_is_guarded(client: httpx.AsyncClient, address: str) -> None:
    """Answers of every kind, errors too, forbid script, frames, sniffing and telling others where one was."""
    headers = (await client.get(address)).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == "'self'"
    assert rules["img-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"]


async def test_a_refused_host_is_guarded_too(client: httpx.AsyncClient) -> None:
    """The refusal itself carries the headers."""
    answer = await client.get("/", headers={"Host": "evil.example"})
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("address", ["/", "/healthz", "/api/v1/devices", f"/api/v1/devices?gateway={GATEWAY}"])
async def test_head_is_answered_like_get(client: httpx.AsyncClient, address: str) -> None:
    """Whoever only looks whether something is there gets the same status and headers."""
    head, full = await client.head(address), await client.get(address)
    assert (head.status_code, head.headers["content-type"]) == (200, full.headers["content-type"])


async def test_there_are_no_pages_but_ours(client: httpx.AsyncClient, app: Litestar) -> None:
    """The framework's own documentation, which loads from elsewhere, is not served."""
    assert {route.path for route in app.routes} >= {"/", "/openapi.json"}
    for address in ("/schema", "/schema/swagger", "/schema/openapi.json"):
        assert (await client.get(address)).json()["error"]["code"] == "not_found"
