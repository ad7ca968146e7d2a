"""What a household says counts, and what others say of it does not: waivers, notices, sales, by the judge itself."""

from typing import Any

import pytest

from collector.appraisal import appraise
from collector.appraisal.policies import shipped
from collector.appraisal.values import parse_instant
from collector.appraisal.verdict import Verdict
from collector.catalogue.facts import facts_for
from collector.catalogue.instants import to_seconds, to_text
from collector.store.database import reading
from tests.collector.register import DAY, DEVICE, HOME, NEIGHBOUR, NOW, Register, seen

POLICY = shipped("2026-11-a")
HOUSEHOLD, NEIGHBOURS, SHOP, MAKER = f"gateway:{HOME}", f"gateway:{NEIGHBOUR}", "seller:noordlicht", "manufacturer:acme"
CONTRACT = to_seconds("2026-11-19T10:00:00Z")
SALE: dict[str, Any] = {
    "kind": "sale",
    "device": DEVICE,
    "seller": "noordlicht",
    "contract": to_text(CONTRACT),
    "delivered": "2026-11-19",
    "jurisdiction": "NL",
    "seller_type": "trader",
    "buyer_type": "consumer",
    "supply": "single",
}
WAIVER: dict[str, Any] = {
    "kind": "waiver",
    "seller": "noordlicht",
    "model": "acme/cam-2",
    "subject": "update_duty",
    "document_digest": "0d" * 32,
    "signed_digest": "0d" * 32,
    "shown_digest": "0d" * 32,
    "shown_at": to_text(CONTRACT),
    "accepted_at": to_text(CONTRACT),
    "separate": True,
    "signer": "buyer",
    "preticked": False,
    "excludes": [],
}


async def judged(register: Register, at: int = NOW, known: int | None = None) -> Verdict:
    """The seller's track."""
    recorded_by = at if known is None else known
    async with reading(register.engine) as connection:
        facts = await facts_for(connection, HOME, DEVICE, POLICY, known=recorded_by)
    return appraise(facts, parse_instant(to_text(at)), parse_instant(to_text(recorded_by)), POLICY)["S"]


@pytest.mark.parametrize(
    ("deposits", "flag"),
    [
        pytest.param([(SHOP, {})], None, id="the seller's copy alone does not even concern this household"),
        pytest.param([(HOUSEHOLD, {})], "WAIVER_ONE_SIDED", id="the household's copy alone does not count"),
        pytest.param([(SHOP, {}), (HOUSEHOLD, {})], "WAIVER_VALID", id="both together count"),
        pytest.param([(HOUSEHOLD, {}), (SHOP, {})], "WAIVER_VALID", id="in whatever order they came"),
        pytest.param([(SHOP, {}), (NEIGHBOURS, {})], None, id="another household's copy is its own affair"),
        pytest.param(
            [(SHOP, {"until": "2026-12-31"}), (HOUSEHOLD, {})], "WAIVER_ONE_SIDED", id="unequal copies do not count"
        ),
        pytest.param(
            [("seller:zuidlicht", {"seller": "zuidlicht"}), (HOUSEHOLD, {"seller": "zuidlicht"})],
            "WAIVER_UNSPECIFIC",
            id="with a seller who did not sell it, it does not count",
        ),
    ],
)
async def test_a_waiver_counts_only_from_both_sides(
    register: Register, deposits: list[tuple[str, dict[str, Any]]], flag: str | None
) -> None:
    """W5: with it nothing is owed; without it everything is as before."""
    await register.state(HOUSEHOLD, at=CONTRACT, **SALE)
    before = await judged(register)
    for by, changed in deposits:
        await register.state(by, at=CONTRACT + 3600, **{**WAIVER, **changed})
    after = await judged(register)
    flags = {flag for flag in after.flags if flag.startswith("WAIVER")}
    assert flag in flags if flag else not flags
    if flag == "WAIVER_VALID":
        assert (after.code, after.reason) == ("NO_SELLER_DUTY", "waived")
    else:
        assert (after.code, after.window) == (before.code, before.window)


async def test_a_deposit_that_comes_too_late_does_not_count(register: Register) -> None:
    """W5: nobody signs away a right when the trouble has begun."""
    await register.state(HOUSEHOLD, at=CONTRACT, **SALE)
    await register.state(SHOP, at=CONTRACT + 3600, **WAIVER)
    await register.state(HOUSEHOLD, at=CONTRACT + 5 * DAY, **WAIVER)
    assert "WAIVER_ONE_SIDED" in (await judged(register, CONTRACT + 6 * DAY)).flags


async def noticed(register: Register) -> str:
    """A fix that is out and not installed, and a notice of it; the notice's id."""
    await register.state(HOUSEHOLD, at=CONTRACT, **SALE)
    for version, fields in (("1.0.0", {}), ("1.1.0", {"security": True})):
        available = to_text(CONTRACT)
        release = {"model": "acme/cam-2", "version": version, "scheme": "semver", "available_from": available}
        await register.state(MAKER, "release", at=CONTRACT, **release, **fields)
    told = {"topic": "update", "version": "1.1.0", "says_available": True, "says_consequence": True}
    return await register.state(SHOP, "notice", at=NOW, device=DEVICE, instructions="ok", **told)


async def at(register: Register, later: int, known: int | None = None) -> str:
    """The code so many days from now."""
    return (await judged(register, NOW + later * DAY, None if known is None else NOW + known * DAY)).code


async def test_a_notice_counts_from_the_acknowledgement_on(register: Register) -> None:
    """From when the register received it, where it does not say when; what was known before stays as it was."""
    notice = await noticed(register)
    for sequence, day in ((2, 6), (3, 20), (4, 40), (5, 60)):
        await register.report(HOME, sequence, NOW + day * DAY, seen(DEVICE, scheme="semver"))
    assert await at(register, 40) == "NOTICE_UNPROVEN"
    await register.state(HOUSEHOLD, "acknowledgement", at=NOW + 20 * DAY, device=DEVICE, notice=notice)
    assert await at(register, 40) == "UPDATE_PENDING"
    assert await at(register, 60) == "CONSUMER_LAG"
    assert await at(register, 40, known=19) != "CONSUMER_LAG"
    assert await at(register, 60, known=60) == "CONSUMER_LAG"


async def test_a_sellers_own_word_proves_no_receipt(register: Register) -> None:
    """Not by a second notice, nor by an answer."""
    notice = await noticed(register)
    await register.report(HOME, 2, NOW + 60 * DAY, seen(DEVICE, scheme="semver"))
    said = {"device": DEVICE, "statement": notice, "stance": "disputes", "text": "It was sent and read."}
    await register.state(SHOP, "answer", at=NOW, **said)
    assert await at(register, 60) == "NOTICE_UNPROVEN"


@pytest.mark.parametrize("stance", ["confirms", "disputes"])
async def test_what_the_seller_says_of_a_sale_never_governs(register: Register, stance: str) -> None:
    """Its answer stands beside the verdict, its own view of the sale beside the household's."""
    sale = await register.state(HOUSEHOLD, at=CONTRACT, **SALE)
    before = await judged(register)
    await register.state(SHOP, "answer", statement=sale, device=DEVICE, stance=stance, text="Sold to a business.")
    await register.state(SHOP, **{**SALE, "buyer_type": "business"})
    assert await judged(register) == before
