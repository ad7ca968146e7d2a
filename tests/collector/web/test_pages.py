"""The pages for people: held to the facts they show, not to their markup."""

import html
import re
from html.parser import HTMLParser

import httpx
import pytest

from collector.store.schema import pending
from collector.web import language
from tests.collector.web.register import GATEWAY, NOW, Register, failure, name_of, reading, verdict, window

TEXTS = {code: language.read_texts(code) for code in language.LOCALES}
PAGES = ["/", "/codes", "/codes/SECURITY_FIX_OVERDUE", "/gateways", "/rejected", "/about"]
COUNT = r'<a href="([^"]+)"><strong>(\d+)</strong>'
VOID = {"meta", "link", "img", "input", "br", "path", "rect", "circle", "line", "use", "wbr"}


def _words(text: str) -> str:
    """What a person reads of a piece of a page."""
    joined = re.sub(r"</?(?:time|a|b|strong|code)\b[^>]*>", "", text)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", joined).split()))


def _cards(text: str) -> dict[str, str]:
    """The words of each device's card, by its title."""
    found = {}
    for card in re.findall(r"<article.*?</article>", text, re.DOTALL):
        words = _words(card)
        title = re.search(r"<h2[^>]*>(.*?)</h2>", card, re.DOTALL)
        assert title is not None
        found[html.unescape(re.sub(r"<[^>]+>", "", title[1]))] = words
    return found


class _Structure(HTMLParser):
    """What a page is built of: open elements are balanced, and these are found on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if identity := found.get("id"):
            self.ids.append(identity)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "label" and (target := found.get("for")):
            self.labels.add(target)
        if tag in ("select", "input"):
            self.fields.add(found["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def _structure(text: str) -> _Structure:
    structure = _Structure()
    structure.feed(text)
    assert structure.open == []
    return structure


@pytest.fixture
def addresses(names: dict[str, str]) -> list[str]:
    """Every page of a furnished register."""
    devices = [f"/devices/{GATEWAY}/{name}" for name in names.values()]
    draft = f"{devices[1]}/draft?seller=dorpswinkel&contract=2026-03-10"
    replayed = f"{devices[1]}?at=2026-11-20&known=2026-11-18"
    return [*PAGES, *devices, replayed, draft, "/?level=B", "/?model=none", "/nowhere"]


async def test_each_device_shows_what_it_runs_and_both_verdicts(
    visitor: httpx.AsyncClient, names: dict[str, str]
) -> None:
    """Version, sentence, debtor and last day of the seller first, then of the maker; each once."""
    assert names
    card = _cards((await visitor.get("/")).text)["zonneveld/zt-3"]
    said = [
        "Thermostat",
        "Version 2.4.1",
        "Seen 15 minutes ago",
        "Observed by your gateway",
        "Seller dorpswinkel",
        "A fix is there; you still have time to install it.",
        "Owes you updates until 18 October 2031, as promised.",
        "Maker zonneveld",
        "A fix is there; you still have time to install it.",
        "Owes this unit updates until 29 December 2030, as promised.",
    ]
    places = [card.index(said[0])]
    for words in said[1:]:
        places.append(card.index(words, places[-1]))
    assert "the devices themselves sign nothing" in (await visitor.get("/")).text


@pytest.mark.parametrize(
    ("title", "said"),
    {
        "a finding stands beside its verdict": (
            "aquila/ws-2",
            "You were not told in time how long updates would come.",
        ),
        "why there is no duty": ("aquila/ws-2", "Nothing was promised, and the unit came on the market before"),
        "a ground that is no promise": ("aquila/ws-2", "as a buyer may expect"),
        "a window by law": ("oever/cam-2", "by law"),
        "what is over": ("lumenta/sp-1", "Owed this unit updates until"),
        "a failure in plain words": ("lumenta/sp-1", "Could not be read the last time: no answer came in time."),
        "the version before the failure": ("lumenta/sp-1", "Version 1.0.4"),
        "what would decide it": ("kust/boiler-link", "Whether your version is affected by KUST-1"),
        "an unknown end": ("kust/boiler-link", "Until when updates are owed is not known."),
        "a later promise": ("kust/boiler-link", "Promised more later: until"),
        "a second version": ("kust/boiler-link", "also 2024.10"),
        "what an unknown product calls itself": ("_TZ3000_riwp3k79/TS0505B", "zigbee:_TZ3000_riwp3k79/TS0505B"),
        "that it is being judged": ("_TZ3000_riwp3k79/TS0505B", "Is being judged"),
        "what it offers": ("_TZ3000_riwp3k79/TS0505B", "Offers an update"),
        "a device that never spoke": (
            "A device that does not name itself",
            "Could not be read the last time: the gateway may not use the port.",
        ),
        "who owes is not on record": ("debian", "Seller not on record"),
    }.values(),
)
async def test_a_card_says(visitor: httpx.AsyncClient, names: dict[str, str], title: str, said: str) -> None:
    """Each thing that can be said of a device is said on its card, in words."""
    assert names
    assert said in _cards((await visitor.get("/")).text)[title]


async def test_the_summary_counts_each_track_apart(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Nine devices; a breach on the seller's track is none on the maker's."""
    assert len(names) == 9
    text = (await visitor.get("/")).text
    words = _words(text[text.index('<section class="summary"') : text.index("<details")])
    assert "9 devices 2 could not be read the last time 2 are still being judged" in words
    assert "Seller 1 Breach indicated 2 No verdict 4 In order 1 No time stated 1 Time too short" in words
    assert "Maker 1 Question 1 Your turn 3 No verdict 2 In order 1 No time stated" in words


async def test_a_count_leads_to_what_it_counts(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """As many cards as the number that was clicked."""
    assert names
    text = (await visitor.get("/")).text
    links = re.findall(COUNT, text)
    assert len(links) == 10
    for address, count in links:
        assert len(_cards((await visitor.get(html.unescape(address))).text)) == int(count)


async def test_a_count_keeps_what_was_chosen(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Counts within one model lead to devices of that model."""
    assert names
    for address, count in re.findall(COUNT, (await visitor.get("/?model=oever/cam-2&level=B&cursor=")).text):
        cards = _cards((await visitor.get(html.unescape(address))).text)
        assert (list(cards), count) == (["oever/cam-2"], "1")


async def test_further_pages_keep_the_choice(visitor: httpx.AsyncClient, register: Register) -> None:
    """Forty to a page; going on shows the rest of what was chosen, and nothing else."""
    for number in range(45):
        await register.device(f"device {number}", model=f"acme/m{number % 2}", read=reading())
    for number in range(40):
        await register.device(f"one model {number}", model="acme/m0", read=reading())
    seen = 0
    address: str | None = "/?model=acme%2Fm0&level="
    pages = 0
    while address:
        answer = await visitor.get(address)
        assert len(answer.content) < 300_000
        seen += len(re.findall("<article", answer.text))
        more = re.search(r'href="([^"]+)" rel="next"', answer.text)
        address = html.unescape(more[1]) if more else None
        pages += 1
    assert (seen, pages) == (63, 2)


async def test_an_empty_register_says_how_to_begin(visitor: httpx.AsyncClient) -> None:
    """Nobody is left before an empty page."""
    text = (await visitor.get("/")).text
    assert "No device yet" in text
    assert "updateplicht-collector gateways code" in text
    for address in ("/gateways", "/rejected"):
        assert (await visitor.get(address)).status_code == 200


@pytest.mark.parametrize("simulated", [True, False])
async def test_simulated_history_is_marked_on_every_page(
    visitor: httpx.AsyncClient, register: Register, names: dict[str, str], simulated: bool
) -> None:
    """Dates that were set by hand are never mistaken for what happened."""
    await register.simulated(simulated=simulated)
    for address in [*PAGES, f"/devices/{GATEWAY}/{names['lamp']}"]:
        assert ("Simulated history" in (await visitor.get(address)).text) is simulated


async def test_the_device_page_holds_all_of_both_verdicts(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Code, level, since, window, about, legal basis with its doubt, policy, history, statements."""
    words = _words((await visitor.get(f"/devices/{GATEWAY}/{names['camera']}")).text)
    for said in (
        "Observed by your gateway a3a3a3a3; the device itself signs nothing.",
        "Since 1 November 2026",
        "OEVER-2026-01",
        "SECURITY_FIX_OVERDUE · Breach indicated B",
        "SECURITY_FIX_OVERDUE · Question A",
        "2019/771 art. 10(2) Directive (EU) 2019/771 on the sale of goods",
        "policy fix_due_days Our policy, not statute. Our number: exploited 14",
        "Updates are owed until 14 March 2028",
        "2026-11-a",
        "Seller Fix overdue, Time too short",
        "You, signed by gateway a3a3a3a3",
        "manufacturer oever",
    ):
        assert said in words
    sensor = (await visitor.get(f"/devices/{GATEWAY}/{names['sensor']}")).text
    assert "text not checked by us" in sensor
    assert "Nobody reports security holes of this product" in sensor


async def test_a_day_can_be_replayed_on_the_page(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """The day before a promise was shortened and the day after, and a word that it is not today."""
    address = f"/devices/{GATEWAY}/{names['lamp']}?at=2026-11-20&known="
    before, after = [(await visitor.get(address + day)).text for day in ("2026-11-18", "2026-11-20")]
    shortened = TEXTS["en"]["flag.WINDOW_SHORTENED_LATER.sentence"]
    assert (shortened in before, shortened in after) == (False, True)
    assert "This is not today's verdict." in html.unescape(after)
    assert 'value="2026-11-20"' in after
    assert "This is not" not in (await visitor.get(f"/devices/{GATEWAY}/{names['lamp']}")).text


@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31", "9999-12-31T23:59:59Z"])
async def test_the_ends_of_the_calendar_are_days_like_others(
    visitor: httpx.AsyncClient, names: dict[str, str], day: str
) -> None:
    """No zone, picture or distance falls off them."""
    assert (await visitor.get(f"/devices/{GATEWAY}/{names['lamp']}?at={day}&known={day}")).status_code == 200


async def test_days_are_those_of_the_debtors_zone(visitor: httpx.AsyncClient, register: Register) -> None:
    """The last day of a window is the one that its country's calendar shows."""
    await register.product("acme/a", "acme", "lamp", ["gtin:1"])
    abroad = {**window(-10, None), "end_excl": "2027-05-31T23:00:00Z", "basis": "promise"}
    name = await register.device(
        "abroad", model="acme/a", read=reading(), tracks=(verdict("UP_TO_DATE", "OK", window=abroad),) * 2
    )
    await register.statement("unit", "operator:register", {"device": name, "market": "GB"})
    card = _cards((await visitor.get("/")).text)["acme/a"]
    assert "Owes you updates until 31 May 2027" not in card
    assert "Owes you updates until 1 June 2027" in card
    assert "Owes this unit updates until 31 May 2027" in card


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    {
        "what the address says": ("?lang=nl", {"Accept-Language": "en"}, "nl"),
        "what the cookie says": ("", {"Accept-Language": "en", "Cookie": "lang=nl"}, "nl"),
        "the address before the cookie": ("?lang=en", {"Cookie": "lang=nl"}, "en"),
        "what the browser likes best": ("", {"Accept-Language": "fr, nl-BE;q=0.9, en;q=0.8"}, "nl"),
        "the browser's order by weight": ("", {"Accept-Language": "nl;q=0.3,en;q=0.7"}, "en"),
        "English where nothing fits": ("", {"Accept-Language": "fr"}, "en"),
        "English for nonsense": ("?lang=xx", {"Accept-Language": "nl;q=much"}, "nl"),
        "English for nobody": ("", {"Accept-Language": ""}, "en"),
    }.values(),
)
async def test_the_language_is_the_visitors(
    visitor: httpx.AsyncClient, query: str, headers: dict[str, str], expected: str
) -> None:
    """The page says in which language it is, to people and to machines."""
    answer = await visitor.get(f"/{query}", headers=headers)
    assert f'<html lang="{expected}">' in answer.text
    assert TEXTS[expected]["devices.title"] in answer.text
    assert answer.headers["content-language"] == expected
    assert "Accept-Language" in answer.headers["vary"]


async def test_the_language_stays_chosen(visitor: httpx.AsyncClient) -> None:
    """The switch keeps the address, and later pages keep the language."""
    first = await visitor.get("/?level=B&lang=nl")
    assert 'href="/?level=B&amp;lang=en"' in first.text
    assert "lang=nl" in first.headers["set-cookie"]
    assert "samesite=lax" in first.headers["set-cookie"].lower()
    assert '<html lang="nl">' in (await visitor.get("/about")).text


async def test_dutch_pages_say_it_in_dutch(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Sentences, days and distances."""
    assert names
    card = _cards((await visitor.get("/?lang=nl")).text)["zonneveld/zt-3"]
    for said in (
        "Thermostaat",
        "15 minuten geleden gezien",
        "Er is een oplossing; je hebt nog tijd om die te installeren.",
        "Moet je updates leveren tot en met 18 oktober 2031, zoals beloofd.",
        "Gezien door je kastje",
    ):
        assert said in card


@pytest.mark.parametrize("tongue", TEXTS)
async def test_every_page_is_sound(visitor: httpx.AsyncClient, addresses: list[str], tongue: str) -> None:
    """Balanced elements, one h1, headings in steps, unique ids, a label for each field, nothing inline or from afar."""
    for address in addresses:
        text = (await visitor.get(address, params=None, headers={"Cookie": f"lang={tongue}"})).text
        page = _structure(text)
        assert text.startswith("<!doctype html>")
        assert page.headings.count(1) == 1, address
        assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False)), (
            address
        )
        assert len(page.ids) == len(set(page.ids)), address
        assert page.fields <= page.labels, address
        assert len(text.encode()) < 300_000
        tags = [tag for tag, _ in page.elements]
        assert {"header", "main", "footer", "nav"} <= set(tags)
        assert not {"script", "style", "iframe", "object"} & set(tags)
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], address
            assert tag != "img" or "alt" in attributes
            assert attributes.get("role") != "img" or attributes.get("aria-label"), address
            if tag in ("img", "link", "use"):
                assert str(attributes.get("src") or attributes.get("href")).startswith(("/static/", "#")), address
            if refers := attributes.get("aria-labelledby"):
                assert refers in page.ids, address


async def test_every_link_leads_somewhere(visitor: httpx.AsyncClient, addresses: list[str]) -> None:
    """Whatever a page of the register points at answers."""
    links: set[str] = set()
    for address in addresses:
        links |= set(re.findall(r'href="(/[^"]*)"', (await visitor.get(address)).text))
    assert len(links) > 40
    for link in links:
        if not link.startswith("/nowhere"):
            assert (await visitor.get(html.unescape(link))).status_code == 200, link


async def test_what_a_device_says_is_never_markup(visitor: httpx.AsyncClient, register: Register) -> None:
    """Versions, ids, names of parties and details of refusals come from outside, and are shown as they are."""
    bad = '<img src=x onerror="x">{0}{name}%s'
    await register.product(bad, bad, bad, [])
    name = await register.device(
        "bad",
        model=bad,
        read=reading(bad, ids=[f"ha:{bad}"], version_alt=bad, offer={"result": "offered", "version": bad}),
        now_reads=failure(bad, bad),
        tracks=(verdict("INSUFFICIENT_EVIDENCE", "N", missing=[f"advisory:{bad}.affected", bad], about=[f"{bad}"]),)
        * 2,
        judge_fault=bad,
    )
    await register.sale(name, bad)
    await register.statement("advisory", f"manufacturer:{bad}", {"model": bad, bad: {bad: [bad]}})
    await register.rejection(bad, detail=bad)
    for address in ("/", f"/devices/{GATEWAY}/{name}", "/rejected", f"/?model={bad}", f"/rejected?reason={bad}"):
        answer = await visitor.get(address)
        assert answer.status_code == 200
        assert "<img src=x" not in answer.text
        assert "&lt;img src=x" in answer.text


async def test_refusals_are_counted_and_explained(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Why, how often, when, and what was found; an unknown reason shows as its word."""
    assert names
    text = (await visitor.get("/rejected")).text
    for said in (
        "The signature does not fit",
        "A number was used twice",
        "number 17 was used with other bytes",
        ">11<",
    ):
        assert said in text


async def test_what_waits_for_an_enrolment_is_counted(visitor: httpx.AsyncClient, register: Register) -> None:
    """Messages under unknown keys are neither accepted nor refused yet."""
    row = {"leaf_topic": "report", "key_id": "00" * 8, "received_at": NOW, "body": b""}
    await register.insert(pending, gateway=GATEWAY, digest=name_of("waiting", 64), **row)
    assert "1 message waits until its gateway is enrolled." in (await visitor.get("/rejected")).text


async def test_a_fault_of_the_judge_is_told(visitor: httpx.AsyncClient, register: Register) -> None:
    """The last verdict stays, and it is said that it is older."""
    name = await register.device(
        "f", read=reading(), tracks=(verdict("UP_TO_DATE", "OK"),) * 2, judge_fault="fact x: y"
    )
    text = (await visitor.get(f"/devices/{GATEWAY}/{name}")).text
    assert "Could not be judged anew" in text
    assert "fact x: y" in text
