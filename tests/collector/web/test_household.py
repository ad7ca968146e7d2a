"""What a household finds on a device's page to state itself, and what stands beside the verdict."""

import html
import re
from typing import Any

import httpx
import pytest

from agent.config import Sale
from collector.web import language
from evidence.draft import parse_draft
from tests.collector.web.register import GATEWAY, NOW, Register, day, instant

TEXTS = {code: language.read_texts(code) for code in language.LOCALES}
SOLD = {"seller": "Bakkerij & Zn <b>", "contract": "2026-03-10", "jurisdiction": "NL", "supply": "single"}


def words(text: str) -> str:
    """What a person reads of a page."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def page_of(name: str) -> str:
    return f"/devices/{GATEWAY}/{name}"


def code_in(text: str) -> str:
    found = re.search(r"updateplicht-agent sale --draft (updateplichtdraft1-[a-z2-7]+)<", text)
    assert found, "no command on the page"
    return found[1]


async def test_a_form_becomes_a_draft_that_the_agent_reads(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """What was filled in, for this device, and nothing else; the page says that it binds nobody."""
    text = (await visitor.get(f"{page_of(names['lamp'])}/draft", params={**SOLD, "delivered": "", "price": "3"})).text
    draft = parse_draft(code_in(text))
    assert (draft.kind, draft.device, draft.fields) == ("sale", names["lamp"], SOLD)
    assert TEXTS["en"]["draft.lead"] in words(text)
    assert "<b>" not in text


async def test_the_form_offers_only_what_can_be_stated(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Every choice of every field makes a draft, and is a word that the agent knows."""
    text = (await visitor.get(page_of(names["lamp"]))).text
    assert f'action="{page_of(names["lamp"])}/draft"' in text
    form = text.partition('/draft">')[2].partition("</form>")[0]
    selects = re.findall(r'<select[^>]* name="(\w+)">(.*?)</select>', form, re.DOTALL)
    assert {name for name, _ in selects} | set(re.findall(r'<input[^>]* name="(\w+)"', form)) <= set(
        Sale.__struct_fields__
    )
    for name, inside in selects:
        values = re.findall(r'<option value="([^"]+)"', inside)
        assert values
        for value in values:
            asked = {"seller": "noordlicht", name: value}
            answer = await visitor.get(f"{page_of(names['lamp'])}/draft", params=asked)
            assert parse_draft(code_in(answer.text)).fields == asked


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param({}, 400, id="no seller"),
        pytest.param({"seller": "  "}, 400, id="a blank seller"),
        pytest.param({**SOLD, "contract": "yesterday"}, 400, id="a day that is none"),
        pytest.param({**SOLD, "supply": "often"}, 400, id="a word that is none"),
        pytest.param({**SOLD, "seller": "x" * 2000}, 400, id="a giant"),
        pytest.param({**SOLD, "seller": "a\0b"}, 400, id="a NUL"),
    ],
)
async def test_what_cannot_be_stated_is_told(
    visitor: httpx.AsyncClient, names: dict[str, str], given: dict[str, str], status: int
) -> None:
    """On the page already, not only at the door."""
    answer = await visitor.get(f"{page_of(names['lamp'])}/draft", params=given)
    assert answer.status_code == status
    assert "updateplichtdraft1-" not in answer.text


async def test_a_draft_is_of_a_device_that_there_is(visitor: httpx.AsyncClient, names: dict[str, str]) -> None:
    """And leaves nothing behind in the register."""
    assert (await visitor.get(f"{page_of('ab' * 16)}/draft", params=SOLD)).status_code == 404
    before = (await visitor.get(page_of(names["lamp"]))).text
    await visitor.get(f"{page_of(names['lamp'])}/draft", params=SOLD)
    assert (await visitor.get(page_of(names["lamp"]))).text == before


@pytest.mark.parametrize("tongue", TEXTS)
async def test_a_draft_speaks_the_visitors_language(
    visitor: httpx.AsyncClient, names: dict[str, str], tongue: str
) -> None:
    """Under the same policy as every page: no script, nothing from elsewhere."""
    address = f"{page_of(names['lamp'])}/draft"
    answer = await visitor.get(address, params={**SOLD, "lang": tongue})
    assert TEXTS[tongue]["draft.title"] in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=", answer.text)


async def watched(register: Register, **sale: Any) -> str:
    """A device whose reports, promises and sale are on record as the ingest leaves them; its name."""
    await register.gateway()
    await register.product("acme/cam", "acme", "camera", ["gtin:1"])
    seen = {"result": "ok", "reader": "zigbee2mqtt", "ids": ["gtin:1"], "version_raw": "1.0.0"}
    name = await register.device("cam", model="acme/cam", read=seen)
    await register.report(400, ago=3)
    await register.report(401, ago=0.1)
    first = await register.statement("window", "manufacturer:acme", {"model": "acme/cam", "end": "2031-12-31"}, ago=600)
    shorter = {"model": "acme/cam", "end": "2029-06-30", "replaces": [first]}
    await register.statement("window", "manufacturer:acme", shorter, ago=200)
    if sale:
        await register.sale(name, "winkel", **sale)
    return name


@pytest.mark.parametrize(
    ("sale", "long", "short"),
    [
        pytest.param({"bought": -400}, "yes", "after", id="an earlier buyer"),
        pytest.param({"bought": -100}, "no", "yes", id="a later buyer"),
        pytest.param({}, "unsold", "unsold", id="a household that has not said what it bought"),
    ],
)
async def test_the_page_shows_who_is_bound_by_which_promise(
    visitor: httpx.AsyncClient, register: Register, sale: dict[str, int], long: str, short: str
) -> None:
    """Until when, by whom, recorded when, replaced by what, and whether it binds the seller of this buyer."""
    name = await watched(register, **sale)
    text = words((await visitor.get(page_of(name))).text)
    shown = text[text.index("Promises on record") : text.index("For you to state")]
    newest, oldest = shown.split("Updates until")[1:]
    assert "30 June 2029" in newest
    assert "31 December 2031" in oldest
    assert "Maker acme recorded" in newest
    assert "Replaced for later buyers: Maker acme, recorded" in oldest
    assert "Replaced" not in newest
    assert TEXTS["en"][f"promises.binds.{short}"] in newest
    assert TEXTS["en"][f"promises.binds.{long}"] in oldest


async def test_the_promises_of_another_day_are_shown_for_that_day(
    visitor: httpx.AsyncClient, register: Register
) -> None:
    """Before the shorter one was recorded there was the longer one only."""
    name = await watched(register, bought=-400)
    text = words((await visitor.get(page_of(name), params={"known": day(-201)})).text)
    assert "30 June 2029" not in text[text.index("Promises on record") : text.index("For you to state")]


async def test_an_answer_stands_beside_the_verdict_of_who_gave_it(
    visitor: httpx.AsyncClient, names: dict[str, str], register: Register
) -> None:
    """About the device, its model, or a statement; another party's is not beside it."""
    sale = await register.statement("sale", f"consumer:{GATEWAY}", {"device": names["lamp"], "seller": "dorpswinkel"})
    said: list[tuple[str, dict[str, Any]]] = [
        ("seller:dorpswinkel", {"device": names["lamp"], "stance": "disputes", "text": "Sold to a business."}),
        ("seller:dorpswinkel", {"statement": sale, "stance": "confirms", "text": "We sold it."}),
        (
            "manufacturer:lumenta",
            {"model": "lumenta/lb-980", "stance": "explains", "text": "The <b>factory</b> burnt."},
        ),
        ("seller:hoekwinkel", {"device": names["lamp"], "stance": "disputes", "text": "Not by us."}),
        ("seller:dorpswinkel", {"device": names["plug"], "stance": "disputes", "text": "Of another device."}),
    ]
    for issuer, fields in said:
        await register.statement("answer", issuer, fields, ago=1)
    text = (await visitor.get(page_of(names["lamp"]))).text
    seller, maker = (
        part.partition("</section>\n  </section>")[0] for part in text.split('<section class="sheet"')[1:3]
    )
    assert "Disputes" in seller
    assert "Sold to a business." in seller
    assert "We sold it." in seller
    assert "The &lt;b&gt;factory&lt;/b&gt; burnt." in maker
    for other in ("Not by us.", "Of another device.", "burnt"):
        assert other not in seller
    past = (await visitor.get(page_of(names["lamp"]), params={"known": day(-2)})).text
    assert "Sold to a business." not in past.partition('id="statements"')[0]


async def test_a_message_is_shown_until_the_household_says_that_it_came(
    visitor: httpx.AsyncClient, names: dict[str, str], register: Register
) -> None:
    """With the command that says so."""
    told = {"device": names["lamp"], "topic": "update", "version": "2.4"}
    notice = await register.statement("notice", "seller:dorpswinkel", told, ago=1)
    command = f"updateplicht-agent acknowledge {notice} {names['lamp']}"
    assert command in (await visitor.get(page_of(names["lamp"]))).text
    assert command not in (await visitor.get(page_of(names["plug"]))).text
    received = {"device": names["lamp"], "notice": notice, "received_at": instant(NOW - 60)}
    await register.statement("acknowledgement", f"consumer:{GATEWAY}", received, ago=0)
    assert command not in (await visitor.get(page_of(names["lamp"]))).text


async def test_a_faulty_fact_takes_the_promises_away_and_nothing_else(
    visitor: httpx.AsyncClient, register: Register
) -> None:
    """The judge's fault is no fault of the page."""
    name = await watched(register, bought=-400)
    await register.statement("window", "manufacturer:acme", {"model": "acme/cam"}, ago=1)
    answer = await visitor.get(page_of(name))
    assert (answer.status_code, TEXTS["en"]["promises.none"] in words(answer.text)) == (200, True)


@pytest.mark.parametrize("code", language.LOCALES)
async def test_the_evidence_under_a_verdict_is_named(
    visitor: httpx.AsyncClient, names: dict[str, str], code: str
) -> None:
    """Each piece with who said it and the number under which it stands on record, as the API names it."""
    lamp, day_asked = page_of(names["lamp"]), {"at": "2026-11-20", "known": "2026-11-20"}
    text = (await visitor.get(lamp, params={**day_asked, "lang": code})).text
    section = text.partition('aria-labelledby="grounds"')[2].partition("</section>")[0]
    named = (await visitor.get(f"/api/v1{lamp}/verdict", params=day_asked)).json()["evidence"]
    assert sorted(re.findall(r"<code>(\w+)</code>", section)) == sorted(each["id"] for each in named)
    assert TEXTS[code]["kind.report"] in words(section)
    assert TEXTS[code]["grounds.show.other"].replace("{n}", str(len(named))) in words(section)
