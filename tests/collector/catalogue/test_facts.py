"""What the judge is told: nothing that somebody else may not say, whatever was handed in and in whatever order."""

import asyncio
import contextlib
import hashlib
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.appraisal import appraise, policies
from collector.catalogue import record
from collector.catalogue.facts import facts_for
from collector.catalogue.instants import to_text
from collector.catalogue.submission import Handed, submit
from collector.config import Limits
from collector.errors import RejectedError
from collector.store.database import reading, writing
from tests.collector.register import (
    DAY,
    DEVICE,
    HOME,
    NEIGHBOUR,
    NEIGHBOURS_DEVICE,
    NEW_DEVICE,
    NOW,
    Register,
    signed,
)

POLICY = policies.shipped("2026-11-a")
HOUSEHOLD, NEIGHBOURS = f"gateway:{HOME}", f"gateway:{NEIGHBOUR}"
MODEL = "acme/cam-2"
IDS = ["zigbee:ACME/CAM-2"]
BOUGHT = to_text(NOW - 200 * DAY)
DOCUMENT = "cc" * 32
Fields = dict[str, Any]

SALE: Fields = {
    "seller": "noordlicht",
    "contract": BOUGHT,
    "delivered": BOUGHT[:10],
    "jurisdiction": "NL",
    "seller_type": "trader",
    "buyer_type": "consumer",
    "supply": "single",
}
WAIVER: Fields = {
    "seller": "noordlicht",
    "model": MODEL,
    "subject": "update_duty",
    "document_digest": DOCUMENT,
    "signed_digest": DOCUMENT,
    "shown_digest": DOCUMENT,
    "shown_at": to_text(NOW - 200 * DAY - 60),
    "accepted_at": BOUGHT,
    "separate": True,
    "signer": "buyer",
    "preticked": False,
}


def told(by: str, kind: str, days_ago: int, **fields: Any) -> tuple[int, bytes]:
    """A statement as it was signed and recorded some days ago."""
    at = NOW - days_ago * DAY
    return at, signed(by, kind, at=at, **fields)


STORY = [
    told("manufacturer:acme", "model", 300, model=MODEL, ids=IDS, manufacturer="acme", scheme="multipart-numeric"),
    told("manufacturer:acme", "window", 299, model=MODEL, end="2031-03-31"),
    told("seller:noordlicht", "window", 298, model=MODEL, end="2030-03-31"),
    told("manufacturer:acme", "release", 250, model=MODEL, version="1.0.0"),
    told("manufacturer:acme", "release", 40, model=MODEL, version="1.1.0", fixes=["A-1"]),
    told("manufacturer:acme", "advisory", 40, model=MODEL, advisory="A-1", severity="high", fixed_in=["1.1.0"]),
    told("operator:register", "unit", 199, device=DEVICE, placed=to_text(NOW - 210 * DAY)[:10]),
    told(HOUSEHOLD, "sale", 199, device=DEVICE, **SALE),
    told(NEIGHBOURS, "sale", 199, device=NEIGHBOURS_DEVICE, **SALE),
]
NOTICE: Fields = {
    "device": DEVICE,
    "topic": "update",
    "version": "1.1.0",
    "says_available": True,
    "says_consequence": True,
    "instructions": "ok",
}


async def verdicts(
    register: Register, gateway: str = HOME, device: str = DEVICE, at: int = NOW, known: int = NOW
) -> dict[str, Any]:
    """Both verdicts in their JSON form."""
    async with reading(register.engine) as connection:
        facts = await facts_for(connection, gateway, device, POLICY, known=known)
    judged = appraise(facts, datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(known, UTC), POLICY)
    return msgspec.json.decode(msgspec.json.encode(judged), type=dict[str, Any])


async def tell(register: Register, story: list[tuple[int, bytes]]) -> None:
    """Put a story on record."""
    for at, data in story:
        await register.submit(data, at=at)


@pytest.fixture
async def house(register: Register) -> Register:
    """A device that could have been updated forty days ago, with its promises and its sale."""
    await tell(register, STORY)
    return register


HOSTILE: dict[str, tuple[str, Fields]] = {
    "a neighbour sells the device away": (NEIGHBOURS, {"kind": "sale", **SALE, "device": DEVICE, "transfer": "gift"}),
    "the seller's own view calls it a private sale": (
        "seller:noordlicht",
        {"kind": "sale", **SALE, "device": DEVICE, "seller_type": "private"},
    ),
    "another seller claims the sale": ("seller:zuidlicht", {"kind": "sale", **SALE, "device": DEVICE}),
    "the seller deposits a waiver that the household never saw": ("seller:noordlicht", {"kind": "waiver", **WAIVER}),
    "a neighbour deposits a waiver for this household": (NEIGHBOURS, {"kind": "waiver", **WAIVER}),
    "another manufacturer promises less": (
        "manufacturer:bolder",
        {"kind": "window", "model": MODEL, "end": "2020-01-31"},
    ),
    "another seller withdraws": ("seller:zuidlicht", {"kind": "window", "model": MODEL, "withdraw": True}),
    "a feed tells of an end": ("third_party:feed", {"kind": "window", "model": MODEL, "end": "2020-01-31"}),
    "another manufacturer takes the model": (
        "manufacturer:bolder",
        {"kind": "model", "model": MODEL, "ids": IDS, "manufacturer": "bolder"},
    ),
    "another manufacturer claims the model's ids": (
        "manufacturer:bolder",
        {"kind": "model", "model": "bolder/b-1", "ids": IDS, "manufacturer": "bolder"},
    ),
    "another manufacturer releases for the model": (
        "manufacturer:bolder",
        {"kind": "release", "model": MODEL, "version": "9.9"},
    ),
    "the seller finds a hole": ("seller:noordlicht", {"kind": "advisory", "model": MODEL, "advisory": "A-2"}),
    "the seller says when the unit was placed": (
        "seller:noordlicht",
        {"kind": "unit", "device": DEVICE, "placed": "2029-01-01"},
    ),
    "the seller proves its notice by its own word": (
        "seller:noordlicht",
        {"kind": "notice", **NOTICE, "received_at": to_text(NOW - 39 * DAY)},
    ),
    "the seller gives notice and nobody says that it arrived": ("seller:noordlicht", {"kind": "notice", **NOTICE}),
    "the seller answers": (
        "seller:noordlicht",
        {"kind": "answer", "device": DEVICE, "stance": "disputes", "text": "Not ours."},
    ),
    "the operator says that the maker ceased": (
        "operator:register",
        {"kind": "party", "party": "manufacturer:acme", "ceased": "2020-01-01"},
    ),
}


@pytest.mark.parametrize(("by", "stated"), HOSTILE.values(), ids=HOSTILE)
async def test_a_statement_changes_no_verdict_that_its_issuer_has_no_right_to(
    house: Register, by: str, stated: Fields
) -> None:
    """Whether the door refuses it or lets it in, both verdicts of the device stay the same bytes."""
    before = await verdicts(house)
    with contextlib.suppress(RejectedError):
        await house.state(by, at=NOW - DAY, **stated)
    assert await verdicts(house) == before
    assert before["S"]["code"] == "NOTICE_UNPROVEN"


async def test_a_waiver_that_both_sides_deposited_is_this_households_only(house: Register) -> None:
    """The same document from both sides waives here; the neighbour with the same seller and model is not touched."""
    before = await verdicts(house, NEIGHBOUR, NEIGHBOURS_DEVICE)
    for by in (HOUSEHOLD, "seller:noordlicht"):
        await house.state(by, "waiver", at=NOW - 200 * DAY, **WAIVER)
    assert "WAIVER_VALID" in (await verdicts(house))["S"]["flags"]
    assert await verdicts(house, NEIGHBOUR, NEIGHBOURS_DEVICE) == before


@pytest.mark.parametrize(("named", "flags"), [(DEVICE, ["WAIVER_ONE_SIDED"]), (NEW_DEVICE, [])])
async def test_a_sellers_deposit_concerns_the_device_that_it_names(
    house: Register, named: str, flags: list[str]
) -> None:
    """One that nobody else deposited is shown where it says it belongs, and does not count."""
    before = await verdicts(house)
    await house.state("seller:noordlicht", "waiver", at=NOW - 200 * DAY, **WAIVER, device=named)
    after = await verdicts(house)
    assert [flag for flag in after["S"]["flags"] if flag.startswith("WAIVER")] == flags
    assert after["S"]["code"] == before["S"]["code"]


async def test_a_notice_is_received_from_the_households_acknowledgement_on(house: Register) -> None:
    """Before it nobody knows that the notice arrived; from it on the household has its time to install."""
    notice = await house.state("seller:noordlicht", "notice", at=NOW - 39 * DAY, **NOTICE)
    said: Fields = {"device": DEVICE, "notice": notice}
    await house.state(HOUSEHOLD, "acknowledgement", at=NOW - 3600, **said)
    before, after = await verdicts(house, known=NOW - 3601), await verdicts(house)
    assert (before["S"]["code"], after["S"]["code"]) == ("NOTICE_UNPROVEN", "UPDATE_PENDING")
    assert (await verdicts(house, NEIGHBOUR, NEIGHBOURS_DEVICE))["S"]["code"] == "NOTICE_UNPROVEN"


async def test_a_correction_counts_from_its_recording_on(house: Register) -> None:
    """What was known before stays what it was, for whoever asks."""
    before = await verdicts(house)
    async with reading(house.engine) as connection:
        sale = next(f for f in await facts_for(connection, HOME, DEVICE, POLICY, known=NOW) if f["kind"] == "sale")
    await house.state(HOUSEHOLD, "sale", at=NOW - 60, device=DEVICE, corrects=sale["id"], **SALE | {"transfer": "gift"})
    assert await verdicts(house, known=NOW - 61) == before
    assert (await verdicts(house))["S"]["reason"] == "not_a_sale"


async def test_an_id_that_was_taken_away_matches_no_more(house: Register) -> None:
    """The newest word of the maker says which ids a model has, although an older one claims the device's."""
    more: Fields = {"model": MODEL, "manufacturer": "acme", "scheme": "multipart-numeric"}
    await house.state("manufacturer:acme", "model", at=NOW - 60, ids=["zigbee:ACME/CAM-2B"], **more)
    assert (await verdicts(house, known=NOW - 61))["S"]["code"] == "NOTICE_UNPROVEN"
    assert (await verdicts(house))["S"]["code"] == "MODEL_UNKNOWN"


async def test_two_models_that_share_an_id_are_both_there(house: Register) -> None:
    """What could be two products is neither, until it is known which."""
    twin: Fields = {"model": "acme/cam-2s", "manufacturer": "acme", "ids": [*IDS, "model:CAM-2"]}
    await house.state("manufacturer:acme", "model", at=NOW - 60, **twin)
    assert (await verdicts(house))["S"]["code"] == "MODEL_AMBIGUOUS"


@pytest.mark.parametrize(
    ("party", "track", "other"), [("seller:noordlicht", "S", "M"), ("manufacturer:acme", "M", "S")]
)
async def test_a_debtor_that_ceased_is_flagged_on_its_own_track(
    house: Register, party: str, track: str, other: str
) -> None:
    """The operator found it out; it is the register's own fact."""
    async with writing(house.engine) as connection:
        await record.cease(connection, party, "2026-11-01", at=NOW - 60)
    now = await verdicts(house)
    assert "DEBTOR_GONE" in now[track]["flags"]
    assert "DEBTOR_GONE" not in now[other]["flags"]
    assert "DEBTOR_GONE" not in (await verdicts(house, known=NOW - 61))[track]["flags"]


async def facts_in_order(settled: Path, folder: Path, handed: list[Handed]) -> list[dict[str, Any]]:
    """What the judge is told about both devices after statements came in an order, all recorded at one instant."""
    shutil.copytree(settled, folder)
    async with Register.opened(folder) as register:
        async for outcome in submit(register.engine, register.log, handed, recorded_at=NOW, limits=Limits()):
            assert outcome.reason is None, outcome
        async with reading(register.engine) as connection:
            told = [
                fact
                for gateway, device in ((HOME, DEVICE), (NEIGHBOUR, NEIGHBOURS_DEVICE))
                for fact in await facts_for(connection, gateway, device, POLICY, known=NOW)
            ]
    return sorted(told, key=lambda fact: str(fact["id"]))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_in_which_statements_arrive_does_not_matter(
    settled: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Within one instant of recording, the facts are the same whichever statement came first."""
    notice = signed("seller:noordlicht", "notice", **NOTICE)
    received: Fields = {"notice": hashlib.sha256(notice).hexdigest(), "device": DEVICE}
    story = [*STORY, *((NOW, signed(by, "waiver", **WAIVER)) for by in (HOUSEHOLD, "seller:noordlicht"))]
    story += [(NOW, notice), (NOW, signed(HOUSEHOLD, "acknowledgement", **received))]
    handed = [Handed(file=str(number), data=data) for number, (_, data) in enumerate(story)]
    shuffled = random.Random(seed).sample(handed, len(handed))
    one, other = (tmp_path_factory.mktemp("order") / "register" for _ in range(2))
    assert asyncio.run(facts_in_order(settled, one, handed)) == asyncio.run(facts_in_order(settled, other, shuffled))
