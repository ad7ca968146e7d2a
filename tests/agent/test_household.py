"""The household's own word: shown in plain words, asked for, and in the spool only after a yes."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.readers import Reading
from evidence import cose, statement
from evidence.draft import Draft, format_draft
from evidence.ids import device_id
from evidence.keys import SigningKey
from evidence.statement import Statement
from tests.world.gateway import BULB, Gateway
from tests.world.witness import Witness

OTHER = Reading(identity="mac:001788010202", name="Door", version_raw="1")
NOTICE = "ab" * 32
WAIVER: dict[str, Any] = {
    "seller": "noordlicht",
    "model": "ikea/e27",
    "subject": "update_duty",
    "document_digest": "0d" * 32,
    "signed_digest": "0d" * 32,
    "shown_digest": "0d" * 32,
    "shown_at": "2026-03-10T10:00:00Z",
    "accepted_at": "2026-03-10T10:05:00Z",
    "until": "2026-12-31",
    "separate": True,
    "signer": "buyer",
    "preticked": False,
    "excludes": [],
    "batch": 7,
}


@pytest.fixture
async def home(gateway: Gateway, collector: Witness) -> Gateway:
    """A gateway that reports to a collector; nobody carries what it spools."""
    code, _, err = await gateway.command("enrol", collector.code(), "--yes")
    assert code == 0, err
    return gateway


def device(home: Gateway, identity: str = BULB.identity) -> str:
    return device_id((home.state_dir / "device.secret").read_bytes(), identity)


def waiting(home: Gateway) -> list[Statement]:
    """The statements in the spool, in their order."""
    paths = sorted((home.state_dir / "spool").glob("0*.statement.*"))
    key = SigningKey((home.state_dir / "agent.key").read_bytes()).public
    return [statement.decode(cose.parse(path.read_bytes(), statement.MESSAGE_TYPE).verify(key)) for path in paths]


async def test_a_sale_is_shown_in_words_and_signed_after_a_yes(home: Gateway) -> None:
    """All of it, what is left unsaid too; the identity stays in the house."""
    asked = ("sale", "Hall", "--seller", "noordlicht", "--contract", "2026-03-01..2026-03-10", "--condition", "used")
    code, out, err = await home.command(*asked, typed="y\n")
    assert code == 0, err
    for shown in ("Hall (ieee:00158d0001e29ff0)", "bought from", "noordlicht", "between 2026-03-01 and 2026-03-10"):
        assert shown in out
    assert "You would not state: delivered, jurisdiction" in out
    (stated,) = waiting(home)
    interval = {"from": "2026-03-01", "to": "2026-03-10"}
    expected = {"device": device(home), "seller": "noordlicht", "contract": interval, "condition": "used"}
    assert (stated.kind, stated.fields) == ("sale", expected)


@pytest.mark.parametrize("typed", ["n\n", "\n", "", "yes please\n"], ids=["no", "nothing", "no answer", "other words"])
async def test_anything_but_a_yes_signs_nothing(home: Gateway, typed: str) -> None:
    """The state directory is as it was."""
    before = home.files()
    code, out, _ = await home.command("sale", "Hall", "--seller", "noordlicht", typed=typed)
    assert code == 1
    assert out.endswith("Nothing was signed and nothing was sent.\n")
    assert home.files() == before


async def test_a_changed_sale_corrects_the_earlier_one(home: Gateway) -> None:
    """And what was stated already is not stated again."""
    await home.command("sale", "Hall", "--seller", "noordlicht", "--yes")
    (first,) = (home.state_dir / "spool").glob("0*.statement.*")
    _, out, _ = await home.command("sale", "Hall", "--seller", "noordlicht", "--yes")
    assert "there is nothing to sign" in out
    _, out, _ = await home.command("sale", "Hall", "--seller", "zuidlicht", "--yes")
    assert "It corrects what you stated at " in out
    assert waiting(home)[-1].fields["corrects"] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert len(waiting(home)) == 2


@pytest.mark.parametrize("named", ["identity", "name", "id", "beginning of the id"])
async def test_a_device_goes_by_several_names(home: Gateway, named: str) -> None:
    """Those that `read` and the page show."""
    home.finds(BULB, OTHER)
    whole = device(home)
    names = {"identity": BULB.identity, "name": "Hall", "id": whole, "beginning of the id": whole[:8]}
    code, _, err = await home.command("sale", names[named], "--seller", "noordlicht", "--yes")
    assert code == 0, err
    assert waiting(home)[0].fields["device"] == whole


async def test_a_draft_is_shown_and_signed_like_the_rest(home: Gateway) -> None:
    """Though a page wrote it down: nothing in it binds the household."""
    draft = Draft(kind="sale", device=device(home), fields={"seller": "noord\x1b[2Jlicht", "contract": "2026-03"})
    _, out, err = await home.command("sale", "--draft", format_draft(draft), typed="n\n")
    assert "nothing in it binds you" in out, err
    assert "\x1b" not in out
    assert waiting(home) == []
    code, _, _ = await home.command("sale", "--draft", format_draft(draft), typed="ja\n")
    assert code == 0
    assert waiting(home)[0].fields == {"device": device(home), **draft.fields}


def draft(home: Gateway, kind: str = "sale", identity: str = BULB.identity, **fields: Any) -> str:
    return format_draft(Draft(kind=kind, device=device(home, identity), fields=fields))


async def test_what_cannot_be_stated_ends_with_one_line(home: Gateway) -> None:
    """And leaves nothing behind."""
    home.finds(BULB, Reading(identity="mac:001788010202", name="Hall", version_raw="1"))
    mistakes: Sequence[tuple[Sequence[str], int, str]] = [
        (["sale", "Attic", "--seller", "x"], 65, "Attic is no device here"),
        (["sale", "", "--seller", "x"], 65, "is no device here"),
        (["sale", "Hall", "--seller", "x"], 65, "could be Hall (ieee:00158d0001e29ff0) or Hall (mac:001788010202)"),
        (["sale", "--seller", "x"], 65, "which device?"),
        (["sale", "mac:001788010202"], 65, "seller: missing; it has no default"),
        (
            ["sale", "mac:001788010202", "--seller", "x", "--contract", "10 March"],
            65,
            "contract: found '10 March'; expected a day",
        ),
        (
            ["sale", "mac:001788010202", "--seller", "x", "--contract", "2026-02-30"],
            65,
            "contract: found '2026-02-30'; expected a day that exists",
        ),
        (
            ["sale", "mac:001788010202", "--seller", "x", "--supply", "often"],
            65,
            "supply: found 'often'; expected one of single",
        ),
        (["sale", "--draft", "updateplichtdraft1-mfrgg"], 65, "mistyped or cut"),
        (["sale", "--draft", draft(home, kind="waiver", seller="x")], 65, "a draft of a waiver"),
        (["sale", "--draft", draft(home, seller="x"), "--contract", "2026"], 65, "a draft says everything itself"),
        (["sale", "--draft", draft(home, identity="mac:not-here", seller="x")], 65, "is no device here"),
        (["sale", "--draft", draft(home, seller="x", price=3)], 65, "price: unknown key"),
        (["acknowledge", "12", "mac:001788010202"], 64, "expected the 64 hex digits"),
        (["acknowledge", NOTICE, "Attic"], 65, "Attic is no device here"),
    ]
    for arguments, code, message in mistakes:
        found, out, err = await home.command(*arguments, typed="yes\n")
        assert (found, message in err, len(err.splitlines()) <= 2) == (code, True, True), (arguments, out, err)
    assert waiting(home) == []


async def test_a_sale_of_the_configuration_is_changed_there(home: Gateway) -> None:
    """Else the next round would take the command back."""
    home.configure(f'[[sales]]\ndevice = "{BULB.identity}"\nseller = "noordlicht"')
    code, _, err = await home.command("sale", "Hall", "--seller", "zuidlicht", "--yes")
    assert (code, "states the sale of Hall" in err) == (65, True)


async def test_before_the_enrolment_nothing_is_stated(gateway: Gateway) -> None:
    """Nothing is signed for a collector that nobody agreed to."""
    code, _, err = await gateway.command("sale", "Hall", "--seller", "noordlicht", "--yes")
    assert (code, "`updateplicht-agent enrol` first" in err) == (65, True)
    assert not gateway.state_dir.exists()


def toml(folder: Path, **fields: Any) -> Path:
    """A waiver as a person writes it."""
    file = folder / "waiver.toml"
    file.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in fields.items()))
    return file


def deposited(folder: Path, **fields: Any) -> Path:
    """The seller's signed deposit."""
    file = folder / "deposit.cbor"
    made = Statement(kind="waiver", asserted_at="2026-03-10T10:06:00Z", fields=fields)
    file.write_bytes(statement.sign(made, SigningKey(bytes(32))))
    return file


@pytest.mark.parametrize("form", ["toml", "signed"])
async def test_a_waiver_is_deposited_with_the_sellers_fields_as_they_are(
    home: Gateway, tmp_path: Path, form: str
) -> None:
    """Those that nobody knows too; only the envelope is the household's own."""
    file = toml(tmp_path, kind="waiver", **WAIVER) if form == "toml" else deposited(tmp_path, **WAIVER)
    code, out, err = await home.command("waiver", str(file), typed="yes\n")
    assert code == 0, err
    for shown in ("GIVES UP A RIGHT", "need not do so after 2026-12-31", "You need not sign", "ikea/e27", "batch"):
        assert shown in out
    (stated,) = waiting(home)
    assert (stated.kind, dict(stated.fields)) == ("waiver", WAIVER)
    assert stated.asserted_at != "2026-03-10T10:06:00Z"


@pytest.mark.parametrize("typed", ["y\n", "n\n", "\n"])
async def test_a_waiver_wants_the_whole_word(home: Gateway, tmp_path: Path, typed: str) -> None:
    """A right is not given up by a slip of the finger, and there is no `--yes`."""
    file = str(deposited(tmp_path, **{name: value for name, value in WAIVER.items() if name != "until"}))
    code, out, _ = await home.command("waiver", file, typed=typed)
    assert (code, "need not do so at all" in out) == (1, True)
    assert (await home.command("waiver", file, "--yes"))[0] == 64
    assert waiting(home) == []


async def test_what_is_no_waiver_is_not_signed(home: Gateway, tmp_path: Path) -> None:
    """Each with its reason, before anything is asked."""
    whole = {"kind": "waiver", **WAIVER}
    two = tmp_path / "two.toml"
    two.write_text('[[statement]]\nkind = "waiver"\n[[statement]]\nkind = "sale"\n')
    mistakes = [
        (tmp_path / "none.toml", "No such file"),
        (two, "several statements"),
        (toml(tmp_path, **{**whole, "kind": "sale"}), "is a sale, not a waiver"),
    ]
    for file, message in mistakes:
        code, _, err = await home.command("waiver", str(file), typed="yes\n")
        assert (code, message in err) == (65, True), err
    for lacking in ("seller", "document_digest"):
        file = toml(tmp_path, **{name: value for name, value in whole.items() if name != lacking})
        code, _, err = await home.command("waiver", str(file), typed="yes\n")
        assert (code, f"lacks {lacking}" in err) == (65, True), err
    assert waiting(home) == []


async def test_a_notice_is_acknowledged_for_one_device(home: Gateway) -> None:
    """In words that say what follows from it."""
    code, out, err = await home.command("acknowledge", NOTICE, "Hall", typed="j\n")
    assert code == 0, err
    assert "You need not say so" in out
    (stated,) = waiting(home)
    assert (stated.kind, stated.fields) == ("acknowledgement", {"device": device(home), "notice": NOTICE})


async def test_another_user_states_nothing(home: Gateway) -> None:
    """What root puts into the spool, the service cannot read."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(home.state_dir, 65534, 65534)
    code, _, err = await home.command("sale", "Hall", "--seller", "noordlicht", "--yes")
    assert (code, "belongs to user nobody" in err) == (74, True)
    assert waiting(home) == []
