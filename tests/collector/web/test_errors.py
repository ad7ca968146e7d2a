"""One shape for every error."""

import logging
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from tests.collector.web.register import FILE, GATEWAY, Register, reading, verdict

NOBODY = "ff" * 16
DEVICE = f"{GATEWAY}/{NOBODY}"

FAULTS = {
    "nothing there": ("GET", "/nowhere", 404, "not_found", None),
    "nothing there in the API": ("GET", "/api/v1/nowhere", 404, "not_found", None),
    "nothing in the root of the API": ("GET", "/api/v1", 404, "not_found", None),
    "no static file": ("GET", "/static/none.css", 404, "not_found", None),
    "a path that climbs": ("GET", "/static/..%2f..%2fapp.py", 404, "not_found", None),
    "no such code": ("GET", "/codes/NOTHING", 404, "not_found", None),
    "no such device": ("GET", f"/devices/{DEVICE}", 404, "not_found", None),
    "no such device in the API": ("GET", f"/api/v1/devices/{DEVICE}", 404, "not_found", None),
    "no readings of no device": ("GET", f"/api/v1/devices/{DEVICE}/readings", 404, "not_found", None),
    "no verdicts on no device": ("GET", f"/api/v1/devices/{DEVICE}/verdicts", 404, "not_found", None),
    "no verdict on no device": ("GET", f"/api/v1/devices/{DEVICE}/verdict", 404, "not_found", None),
    "no statements about no device": ("GET", f"/api/v1/devices/{DEVICE}/statements", 404, "not_found", None),
    "a device id of the wrong form": ("GET", "/api/v1/devices/x/y", 400, "bad_request", "gateway"),
    "a limit that is no number": ("GET", "/api/v1/devices?limit=many", 400, "bad_request", "limit"),
    "a limit of nothing": ("GET", "/api/v1/devices?limit=0", 400, "bad_request", "limit"),
    "a limit beyond the greatest": ("GET", "/api/v1/gateways?limit=201", 400, "bad_request", "limit"),
    "a level that is none": ("GET", "/api/v1/devices?level=Z", 400, "bad_request", "level"),
    "a filter that is none": ("GET", "/api/v1/devices?modell=x", 400, "bad_request", "modell"),
    "a parameter of another address": ("GET", "/api/v1/gateways?level=B", 400, "bad_request", "level"),
    "a parameter of a device's list": (
        "GET",
        f"/api/v1/devices/{DEVICE}/readings?at=2026-01-01",
        400,
        "bad_request",
        "at",
    ),
    "a track that is none": ("GET", "/?track=X", 400, "bad_request", "track"),
    "a gateway of the wrong form": ("GET", "/api/v1/devices?gateway=zz", 400, "bad_request", "gateway"),
    "a cursor that is no base64": ("GET", "/api/v1/devices?cursor=%C3%A9", 400, "bad_request", "cursor"),
    "a cursor that is no key": ("GET", "/api/v1/devices?cursor=WzFd", 400, "bad_request", "cursor"),
    "a cursor of another list": ("GET", "/api/v1/rejected?cursor=WyJhIl0", 400, "bad_request", "cursor"),
    "a cursor with an id of the wrong form": ("GET", "/api/v1/gateways?cursor=WyJ4Il0", 400, "bad_request", "cursor"),
    "a cursor too long": ("GET", "/api/v1/devices?cursor=" + "A" * 700, 400, "bad_request", "cursor"),
    "a number beyond what a database holds": (
        "GET",
        "/api/v1/rejected?cursor=WzE4NDQ2NzQ0MDczNzA5NTUxNjE2XQ",
        400,
        "bad_request",
        "cursor",
    ),
    "a day that is none": ("GET", f"/api/v1/devices/{DEVICE}/verdict?at=2026-02-30", 400, "bad_request", "at"),
    "an instant without zone": (
        "GET",
        f"/api/v1/devices/{DEVICE}/verdict?known=2026-02-03T00:00:00",
        400,
        "bad_request",
        "known",
    ),
    "a write to a page": ("POST", "/", 405, "method_not_allowed", None),
    "a write to the API": ("DELETE", f"/api/v1/devices/{DEVICE}", 405, "method_not_allowed", None),
}


@pytest.mark.parametrize(("method", "address", "status", "code", "path"), FAULTS.values(), ids=FAULTS.keys())
async def test_every_error_has_the_one_shape(
    client: httpx.AsyncClient, method: str, address: str, status: int, code: str, path: str | None
) -> None:
    """Programs get JSON with a stable code, and the parameter at fault where it is one."""
    answer = await client.request(method, address)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert (error["code"], error.get("path")) == (code, path)
    assert error["message"]


async def test_every_route_refuses_a_write_in_the_one_shape(client: httpx.AsyncClient, app: Litestar) -> None:
    """Whatever route is added, its errors look like all others."""
    paths = [route.path_format for route in app.routes if not route.path.startswith(("/schema", "/static"))]
    assert len(paths) > 15
    for path in paths:
        address = path.replace("{gateway}", GATEWAY).replace("{device}", NOBODY).replace("{code}", "UP_TO_DATE")
        answer = await client.put(address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed"), address
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("query", "says"),
    {
        "a word that is none": ("level=Z", "choose one of B, A, C, N, OK"),
        "a filter that is none": ("modell=x", "there is code, cursor, gateway, level, limit, model, track"),
    }.values(),
)
async def test_the_message_says_what_may_be_asked(client: httpx.AsyncClient, query: str, says: str) -> None:
    """Nobody has to look it up."""
    assert says in (await client.get(f"/api/v1/devices?{query}")).json()["error"]["message"]


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [("/nowhere", 404, "There is nothing here"), ("/?level=Z", 400, "level"), ("/codes/X", 404, "no such code")],
)
async def test_a_person_gets_a_page(visitor: httpx.AsyncClient, address: str, status: int, says: str) -> None:
    """A browser that asks for a page is told in words, and led back."""
    answer = await visitor.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert says in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("address", ["/api/v1/nowhere", "/healthz/no"])
async def test_a_browser_gets_json_from_the_api(visitor: httpx.AsyncClient, address: str) -> None:
    """What a program would ask for answers as to a program."""
    assert (await visitor.get(address)).json()["error"]["code"] == "not_found"


async def test_a_fault_of_ours_is_logged_and_not_told(
    visitor: httpx.AsyncClient, client: httpx.AsyncClient, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw shows as code `internal`, in both forms, and the log alone says what it was."""
    await register.device("odd", read=reading(), tracks=(verdict("NO_SUCH_CODE", "B"), verdict("UP_TO_DATE", "OK")))
    with caplog.at_level(logging.ERROR):
        program, person = await client.get("/api/v1/devices"), await visitor.get("/")
    assert (program.status_code, person.status_code) == (500, 500)
    assert program.json()["error"]["code"] == "internal"
    assert "Something went wrong on our side" in person.text
    for answer in (program, person):
        assert "NO_SUCH_CODE" not in answer.text
    assert "NO_SUCH_CODE" in caplog.text


async def test_a_database_that_fails_is_said_to_fail(
    visitor: httpx.AsyncClient, client: httpx.AsyncClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks may try again; what the database said stays in the log."""
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.ERROR):
        program, person = await client.get("/api/v1/devices"), await visitor.get("/")
    assert (program.status_code, program.json()["error"]["code"]) == (503, "store")
    assert person.status_code == 503
    for answer in (program, person):
        assert "not a database" not in answer.text
    assert "not a database" in caplog.text
