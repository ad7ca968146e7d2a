"""The pages in a real Chromium, served by the server that runs in the product."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from litestar import Litestar
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from collector.server import Server
from tests.collector.web.conftest import HOST
from tests.collector.web.register import GATEWAY, Register
from tests.required import missing

CHROMIUM = Path("/usr/bin/chromium")
# A container has no user namespaces for the sandbox, and little shared memory.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
SMALLEST_TARGET = 24  # CSS pixels, WCAG 2.2 2.5.8
WITHIN_S = 60.0
LEFT = "net::ERR_ABORTED"  # the icon is asked for when all else is there, and the page may be left before it comes
PAGES = [
    "/",
    "/?level=B",
    "/findings",
    "/codes",
    "/codes/NOTICE_UNPROVEN",
    "/codes/FIX_WITHDRAWN",
    "/codes/ROLLOUT_STALLED",
    "/gateways",
    "/rejected",
    "/about",
]

expect.set_options(timeout=WITHIN_S * 1000)

if not CHROMIUM.exists():
    missing("chromium", f"{CHROMIUM} is not installed: apt-get install chromium")


@pytest.fixture
async def address(app: Litestar, register: Register, names: Mapping[str, str]) -> AsyncIterator[str]:
    """Where a furnished register with a simulated history is served."""
    assert names
    await register.simulated()
    with socket.create_server((HOST, 0)) as listening:
        server = Server(app, listening)
        running = asyncio.create_task(server.run_until_stopped())
        async with asyncio.timeout(WITHIN_S):
            await server.ready.wait()
        yield f"http://{server.address}"
        server.should_exit = True
        await running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of its own."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=ARGUMENTS, timeout=WITHIN_S * 1000
        )
        yield running
        await running.close()


@asynccontextmanager
async def _watched(context: BrowserContext, complaints: list[str]) -> AsyncIterator[Page]:
    context.set_default_timeout(WITHIN_S * 1000)
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("requestfailed", lambda it: None if it.failure == LEFT else complaints.append(f"failed: {it.url}"))
    page.on("response", lambda answer: None if answer.ok else complaints.append(f"{answer.status}: {answer.url}"))
    yield page
    await context.close()


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        pytest.param(360, "light", "nl", id="a phone by day in Dutch"),
        pytest.param(360, "dark", "en", id="a phone by night in English"),
        pytest.param(1280, "light", "en", id="a desk by day in English"),
        pytest.param(1280, "dark", "nl", id="a desk by night in Dutch"),
    ],
)
async def test_every_page_fits_and_says_nothing_on_the_console(
    browser: Browser, address: str, names: Mapping[str, str], width: int, scheme: str, language: str
) -> None:
    """Nothing is refused by the policy, missing, or wider than the screen; what is tapped is large enough."""
    dark = scheme == "dark"
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", locale=language
    )
    complaints: list[str] = []
    devices = [f"/devices/{GATEWAY}/{name}" for name in names.values()]
    async with _watched(context, complaints) as page:
        for path in [*PAGES, *devices, f"{devices[1]}?at=2026-11-20", f"{devices[1]}/draft?seller=dorpswinkel"]:
            await page.goto(address + path)
            assert await page.evaluate("document.documentElement.lang") == language
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)"
            for role in ("banner", "main", "contentinfo"):
                await expect(page.get_by_role(role)).to_have_count(1)
            small = await page.evaluate(
                "least => [...document.querySelectorAll('nav a, button, select, summary, .button')]"
                ".filter(each => each.checkVisibility() && each.getBoundingClientRect().height < least)"
                ".map(each => each.outerHTML)",
                SMALLEST_TARGET,
            )
            assert small == [], path
    assert complaints == []


async def test_nothing_is_asked_of_anybody_else(browser: Browser, address: str) -> None:
    """The page, its style and its mark come from the register, and there is no more."""
    context = await browser.new_context(locale="en")
    asked: list[str] = []
    async with _watched(context, []) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(address)
    assert {url.removeprefix(address).partition("?")[0] for url in asked} <= {
        "/",
        "/static/style.css",
        "/static/mark.svg",
    }


async def test_the_pages_work_without_script(browser: Browser, address: str) -> None:
    """Choosing, reading on, going back and changing the language need nothing but links and forms."""
    context = await browser.new_context(java_script_enabled=False, locale="en")
    async with _watched(context, []) as page:
        await page.goto(address)
        await expect(page.get_by_role("article")).to_have_count(9)
        await page.get_by_text("Choose devices").click()
        await page.get_by_label("Level").select_option("Breach indicated")
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_role("article")).to_have_count(1)
        await page.get_by_role("link", name="oever/cam-2").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("oever/cam-2")
        await page.get_by_role("link", name="NL").click()
        await expect(page.get_by_role("heading", name="Hoe het ging")).to_be_visible()
        await page.get_by_label("Beoordeeld op").fill("2026-11-20")
        await page.get_by_role("button", name="Beoordelen").click()
        await expect(page.get_by_text("Dit is niet het oordeel van vandaag")).to_be_visible()


async def test_the_keyboard_reaches_the_content_first(browser: Browser, address: str) -> None:
    """The first stop leads past the navigation, and can be seen when it has the focus."""
    context = await browser.new_context(locale="en")
    async with _watched(context, []) as page:
        await page.goto(address)
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="To the content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport(ratio=1)
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()


async def test_levels_are_told_without_colour(browser: Browser, address: str) -> None:
    """Whoever hears the page, or sees no colours, gets the level as a word and as a shape."""
    context = await browser.new_context(locale="en")
    async with _watched(context, []) as page:
        await page.goto(address)
        card = page.get_by_role("article").filter(has_text="oever/cam-2")
        await expect(card.get_by_role("img", name="Breach indicated").first).to_be_visible()
        await expect(card.get_by_role("img", name="Question").first).to_be_visible()
        shapes = await page.evaluate("[...document.querySelectorAll('symbol')].map(each => each.innerHTML)")
        assert len(set(shapes)) == len(shapes) == 6


async def test_a_print_holds_the_facts_and_no_navigation(browser: Browser, address: str) -> None:
    """What is taken to the shop shows verdicts, not menus, and nothing is cut off."""
    context = await browser.new_context(viewport={"width": 700, "height": 900}, locale="en")
    async with _watched(context, []) as page:
        await page.goto(address)
        await page.emulate_media(media="print")
        await expect(page.locator("nav").first).to_be_hidden()
        await expect(page.get_by_text(re.compile("A known security hole")).first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 700
        assert (await page.pdf(format="A4")).startswith(b"%PDF")
