"""What is shown of findings: on pages, in the API and by the command, never so that it points at a few homes."""

import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from collector.__main__ import main
from collector.appraisal import FleetVerdict
from collector.transparency.key import load_or_make
from collector.web.app import create_app
from collector.web.language import LOCALES, read_texts
from tests.collector.fleets.street import MAKER, MODEL, SHIPPED, Own, Street
from tests.collector.register import DAY, NOW, Register

TEXTS = {code: read_texts(code) for code in LOCALES}
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
async def town(furnished_town: Path, tmp_path: Path) -> AsyncIterator[Register]:
    """A register of this test's own in which thirty homes were counted."""
    shutil.copytree(furnished_town, tmp_path, dirs_exist_ok=True)
    async with Register.opened(tmp_path) as register:
        yield register


@pytest.fixture
async def asking(town: Register) -> AsyncIterator[httpx.AsyncClient]:
    """Asks its pages and its API."""
    health: dict[str, object] = {"ok": True}
    app = create_app(town.engine, clock=lambda: NOW, health=lambda: health, policy=SHIPPED, allowed_hosts={"127.0.0.1"})
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def kept(town: Register) -> FleetVerdict:
    return await Street(town, SHIPPED).newest()


async def test_the_api_gives_what_may_be_shown(town: Register, asking: httpx.AsyncClient) -> None:
    """Each that is publishable with its numbers, strongest first; the rest not at all."""
    items = (await asking.get("/api/v1/findings", params={"model": MODEL})).json()["items"]
    verdict = await kept(town)
    publishable = [each for each in verdict.findings if each.publishable]
    assert 0 < len(publishable) < len(verdict.findings)
    told = [(each["rule"], each["track"], each["code"], each["count"], each["of"], each["about"]) for each in items]
    assert sorted(told) == sorted(
        (each.rule, each.track, each.code, each.count, each.of, list(each.about)) for each in publishable
    )
    assert [each["level"] for each in items] == sorted((each["level"] for each in items), key="BACN".index)
    assert {(each["manufacturer"], each["policy_digest"]) for each in items} == {("acme", SHIPPED.digest())}


async def test_too_few_homes_are_told_without_their_number(asking: httpx.AsyncClient) -> None:
    """The settled register's model is in two homes."""
    (item,) = (await asking.get("/api/v1/findings?code=FLEET_TOO_SMALL")).json()["items"]
    assert (item["model"], item["track"], item["count"], item["of"]) == ("acme/cam-2", None, None, None)
    page = (await asking.get("/models/acme/cam-2", headers=PAGE)).text
    assert TEXTS["en"]["product.few_homes"].format(n=20) in page
    assert "<svg width" not in page


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("track=S", {"MODEL_FIX_OVERDUE"}),
        ("level=B", {"MODEL_FIX_OVERDUE"}),
        ("code=ROLLOUT_STALLED", {"ROLLOUT_STALLED"}),
        ("manufacturer=nobody", set()),
        ("manufacturer=acme&track=M", {"MODEL_FIX_OVERDUE", "ROLLOUT_STALLED", "WINDOW_SHORTENED"}),
    ],
)
async def test_findings_are_filtered(asking: httpx.AsyncClient, asked: str, codes: set[str]) -> None:
    """By whose duty, weight, code, product and maker."""
    items = (await asking.get(f"/api/v1/findings?{asked}")).json()["items"]
    assert {each["code"] for each in items} == codes


async def test_the_list_goes_on_where_it_ended(asking: httpx.AsyncClient) -> None:
    """Each finding once."""
    whole = (await asking.get("/api/v1/findings")).json()["items"]
    seen: list[Any] = []
    cursor: str | None = None
    for _ in range(len(whole)):
        page = (
            await asking.get("/api/v1/findings", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += page["items"]
        cursor = page["next"]
    assert seen == whole
    assert cursor is None


@pytest.mark.parametrize("tongue", LOCALES)
@pytest.mark.parametrize("path", ["/findings", f"/models/{MODEL}"])
async def test_the_pages_say_it_in_words(town: Register, asking: httpx.AsyncClient, path: str, tongue: str) -> None:
    """Each sentence, how many homes, what it is about; and nothing of what is withheld."""
    text = (await asking.get(path, params={"lang": tongue}, headers=PAGE)).text
    say = TEXTS[tongue]
    for each in (await kept(town)).findings:
        homes = say["findings.homes"].format(count=each.count, of=each.of)
        assert (homes in text) == each.publishable
        assert not each.publishable or say[f"fleet.{each.code}.sentence"] in text
    assert "ACME-2" in text


async def test_the_page_of_a_model_shows_law_evidence_answer_and_picture(asking: httpx.AsyncClient) -> None:
    """What an authority needs to go on."""
    text = (await asking.get(f"/models/{MODEL}", headers=PAGE)).text
    for said in ("BW 7:18(4)", "CRA annex I part II (8)", "The fix is on its way.", SHIPPED.digest()[:16]):
        assert said in text
    assert text.count('class="version-0"') > 5
    assert 'class="available"' in text
    assert 'class="expected"' in text


async def test_a_version_that_few_homes_run_is_not_drawn(asking: httpx.AsyncClient) -> None:
    """One home runs 0.9."""
    text = (await asking.get(f"/models/{MODEL}", headers=PAGE)).text
    assert "Version 1.1.0" in text
    assert "Version 0.9" not in text


async def test_any_day_can_be_asked_for(town: Register, asking: httpx.AsyncClient) -> None:
    """Today gives what stands; before the hole was recorded nobody was late with it."""
    today = (await asking.get("/api/v1/findings/replay", params={"model": MODEL})).json()
    assert {(each["rule"], each["track"]) for each in today["findings"]} == {
        (each.rule, each.track) for each in (await kept(town)).findings if each.publishable
    }
    asked = {"model": MODEL, "known": "2026-08-01"}
    before = (await asking.get("/api/v1/findings/replay", params=asked)).json()
    assert "MODEL_FIX_OVERDUE" not in {each["code"] for each in before["findings"]}
    page = await asking.get(f"/models/{MODEL}", params={"at": "2026-08-01", "known": "2026-08-01"}, headers=PAGE)
    assert TEXTS["en"]["fleet.FLEET_TOO_SMALL.sentence"] in page.text


async def test_too_many_devices_are_not_judged_while_somebody_waits(
    asking: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command takes its time."""
    monkeypatch.setattr("collector.web.findings.MOST", 5)
    answer = await asking.get("/api/v1/findings/replay", params={"model": MODEL})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_judged")
    assert "updateplicht-collector findings" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["/models/nobody/knows", "/api/v1/findings/replay?model=x", "/api/v1/findings/history?model=x"]
)
async def test_a_model_that_no_home_has_is_not_found(asking: httpx.AsyncClient, path: str) -> None:
    """404."""
    assert (await asking.get(path)).status_code == 404


async def test_the_history_shows_what_may_be_shown(town: Register, asking: httpx.AsyncClient) -> None:
    """Each row with the policy's digest and the size of the log."""
    street = Street(town, SHIPPED, name="newcomer")
    street.now += DAY
    await street.state(MAKER, "release", at=street.now, version="1.2.0", available_from="2026-11-20")
    await street.move_in(Own())
    await street.settle()
    items = (await asking.get("/api/v1/findings/history", params={"model": MODEL})).json()["items"]
    rows = await street.kept()
    assert [each["log_size"] for each in items] == [row["log_size"] for row in reversed(rows)]
    assert len(items) > 1
    shown = [[found["publishable"] for found in row["verdict"]["findings"]].count(True) for row in reversed(rows)]
    assert [len(each["findings"]) for each in items] == shown


def test_the_command_tells_the_same(furnished_town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--all` also what is withheld, marked; with `--at` anew, for any day."""
    state = tmp_path / "state"
    shutil.copytree(furnished_town, state)
    key = state / "collector.key"
    load_or_make(key)
    key.write_bytes(hashlib.sha256(b"collector").digest())
    config = tmp_path / "collector.toml"
    config.write_text(f'state_dir = "{state}"\nsimulated = true\n')

    def command(*arguments: str) -> tuple[int, str]:
        code = main(["--config", str(config), "findings", *arguments])
        return code, capsys.readouterr().out

    code, out = command()
    assert (code, out.splitlines()[0].split()[:4]) == (0, ["B", "MODEL_FIX_OVERDUE", "S", MODEL])
    assert "WINDOW_SHORTENED  S" not in out
    assert "29 of 30 homes  not to be published" in command("--all")[1]
    told = [json.loads(line) for line in command("--model", MODEL, "--json")[1].splitlines()]
    asked = ("--model", MODEL, "--json", "--at", "2026-11-20T12:00:00Z", "--known", "2026-11-20T12:00:00Z")
    anew = [json.loads(line) for line in command(*asked)[1].splitlines()]
    said = ("code", "track", "level", "count", "of", "about", "days")
    assert sorted([str(each[name]) for name in said] for each in told) == sorted(
        [str(each[name]) for name in said] for each in anew
    )
    assert command("--model", "nobody/knows", "--at", "2026-11-20T12:00:00Z")[0] == 66
    with pytest.raises(SystemExit):
        command("--at", "2026-11-20T12:00:00Z")
