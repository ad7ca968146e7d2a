"""A household takes a draft home, signs its sale and its side of a waiver: real processes, real broker."""

import asyncio
import json
import re
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from evidence import statement
from evidence.ids import device_id
from evidence.statement import Statement
from tests.collector.register import key_of
from tests.world.collector import Collector
from tests.world.gateway import BULB, Gateway
from tests.world.processes import eventually

SHOP, MAKER = "seller:noordlicht", "operator:register"
TODAY = datetime.now(UTC).replace(microsecond=0)
MODEL = {"model": "ikea/e27", "ids": ["zigbee:IKEA/E27"], "manufacturer": "ikea"}
WAIVER: dict[str, Any] = {
    "seller": "noordlicht",
    "model": "ikea/e27",
    "subject": "update_duty",
    "document_digest": "0d" * 32,
    "signed_digest": "0d" * 32,
    "shown_digest": "0d" * 32,
    "shown_at": f"{TODAY:%Y-%m-%dT%H:%M:%SZ}",
    "accepted_at": f"{TODAY:%Y-%m-%dT%H:%M:%SZ}",
    "separate": True,
    "signer": "buyer",
    "preticked": False,
    "excludes": [],
}


def signed(file: Path, by: str, kind: str, fields: dict[str, Any]) -> str:
    """A statement in a file; its path."""
    asserted_at = f"{TODAY - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    file.write_bytes(statement.sign(Statement(kind=kind, asserted_at=asserted_at, fields=fields), key_of(by)))
    return str(file)


def asking(address: str) -> Callable[[str], Any]:
    """Asks the API of a collector."""

    def ask(path: str) -> Any:
        with urllib.request.urlopen(f"{address.rstrip('/')}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)

    return ask


def draft_from(form: str) -> str:
    """The code that the page makes of what a household fills in."""
    today = f"{TODAY.astimezone(ZoneInfo('Europe/Amsterdam')):%Y-%m-%d}"  # the buyer's day, which is the law's
    bought = {"seller": "noordlicht", "contract": today, "delivered": today, "jurisdiction": "NL", "supply": "single"}
    parties = {"seller_type": "trader", "buyer_type": "consumer"}
    with urllib.request.urlopen(f"{form}?{urlencode({**bought, **parties})}", timeout=30) as page:
        found = re.search(r"--draft (\S+?)<", page.read().decode())
    assert found
    return found[1]


async def test_a_waiver_counts_once_both_sides_have_deposited_it(
    tmp_path: Path, gateway: Gateway, collector: Collector
) -> None:
    """The seller's deposit alone changes nothing, nor does the household's; together they end the seller's duty."""
    web = (await collector.start(until_ready=True))["web"]
    ask = asking(web)

    for issuer in (SHOP, MAKER):
        await collector.command("issuers", "enrol", issuer, key_of(issuer).public.data.hex())
    model = signed(tmp_path / "model.cbor", MAKER, "model", MODEL)
    await collector.command("statements", "submit", model)
    assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0
    await gateway.start()
    device = device_id((gateway.state_dir / "device.secret").read_bytes(), BULB.identity)

    def says(word: str, *, code: str | None = None) -> bool:
        tracks = [item["verdict"] for item in ask("devices")["items"] if item["device"] == device]
        seller = tracks[0]["S"] if tracks and tracks[0] else None
        return seller is not None and (word in seller["flags"] or seller["code"] == code)

    def deposits() -> list[str]:
        found = ask(f"devices/{gateway.name}/{device}/statements")["items"]
        return [item["issuer"].partition(":")[0] for item in found if item["kind"] == "waiver"]

    await eventually(lambda: ask("devices")["items"])
    draft = await asyncio.to_thread(draft_from, f"{web}devices/{gateway.name}/{device}/draft")
    ended, out, err = await gateway.command("sale", "--draft", draft, typed="y\n")
    assert (ended, "nothing in it binds you" in out) == (0, True), err
    await eventually(lambda: ask(f"devices/{gateway.name}/{device}")["seller"] == "noordlicht")

    deposit = tmp_path / "deposit.cbor"
    ended, _, err = await gateway.command("waiver", signed(deposit, SHOP, "waiver", WAIVER), typed="yes\n")
    assert ended == 0, err
    await eventually(lambda: says("WAIVER_ONE_SIDED"))
    assert deposits() == ["consumer"]
    await collector.command("statements", "submit", str(deposit))
    await eventually(lambda: says("WAIVER_VALID") and says("", code="NO_SELLER_DUTY"))
    assert sorted(deposits()) == ["consumer", "seller"]
    assert await gateway.stop() == 0
    assert await collector.end() == 0
