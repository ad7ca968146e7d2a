"""A furnished register, its application, and a client that asks it in the same process."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from collector.appraisal.policies import shipped
from collector.web.app import create_app
from tests.collector.web.house import furnish
from tests.collector.web.register import FILE, NOW, POLICY, Register, instant

HOST = "127.0.0.1"


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The file of a furnished register, and its devices by what they are; made once, copied for each test."""
    folder = tmp_path_factory.mktemp("furnished")

    async def make() -> dict[str, str]:
        register = await Register.open(folder)
        names = await furnish(register)
        await register.engine.dispose()
        return names

    return folder, asyncio.run(make())


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty register."""
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        await (await Register.open(folder)).engine.dispose()

    asyncio.run(make())
    return folder


@pytest.fixture
def names(furnished: tuple[Path, dict[str, str]]) -> dict[str, str]:
    """The devices of the register; whoever asks for them finds it furnished."""
    return furnished[1]


@pytest.fixture
async def register(
    tmp_path: Path, request: pytest.FixtureRequest, furnished: tuple[Path, dict[str, str]], empty: Path
) -> AsyncIterator[Register]:
    """A register: empty, unless the test asks for the names of its devices."""
    template = furnished[0] if "names" in request.fixturenames else empty
    shutil.copy(template / FILE, tmp_path / FILE)
    found = Register.at(tmp_path)
    yield found
    await found.engine.dispose()


@pytest.fixture
def health() -> dict[str, object]:
    """What the collector says of itself; a test may change it."""
    well = {"state": "ok", "since": instant(NOW), "detail": None}
    return {"ok": True, "broker": well, "store": well, "clock": well}


@pytest.fixture
def app(register: Register, health: dict[str, object]) -> Litestar:
    """The pages and the API of the register."""
    return create_app(
        register.engine,
        clock=lambda: NOW,
        health=lambda: health,
        policy=shipped(POLICY),
        allowed_hosts={HOST, "::1", "Register.example"},
    )


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as a program does."""
    async with httpx.AsyncClient(transport=_transport(app), base_url=f"http://{HOST}:8080") as asking:
        yield asking


@pytest.fixture
async def visitor(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as a browser does."""
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
    async with httpx.AsyncClient(transport=_transport(app), base_url=f"http://{HOST}:8080", headers=headers) as asking:
        yield asking


def _transport(app: Litestar) -> httpx.ASGITransport:
    # The two libraries type one and the same interface differently.
    return httpx.ASGITransport(cast("Any", app))
