"""A party changes its key in the open: the old one signs the new, else it counts against it."""

from typing import Any

import pytest

from collector.appraisal import appraise_fleet
from collector.appraisal.policies import shipped
from collector.appraisal.values import parse_instant
from collector.catalogue import key_terms
from collector.catalogue.instants import to_text
from collector.errors import CollectorError, RejectedError
from collector.store import parties, statements
from collector.store.database import reading, writing
from evidence import statement
from evidence.keys import PublicKey
from evidence.statement import Statement
from tests.collector.register import DAY, HOME, NOW, Register, key_of, signed

SHOP = "seller:noordlicht"
NEW = key_of("the new key of noordlicht")
POLICY = shipped("2026-11-a")


def succession(by: str = SHOP, *, kind: str = key_terms.KIND, **fields: Any) -> bytes:
    """The old key's word for the new one."""
    return signed(by, kind, **{"party": SHOP, "key": NEW.public.data.hex(), **fields})


async def replace(register: Register, data: bytes, *, new: PublicKey = NEW.public, at: int = NOW) -> str:
    async with writing(register.engine) as connection:
        return await key_terms.replace(connection, register.log, SHOP, new, data, at=at)


async def facts(register: Register, *named: str) -> list[dict[str, Any]]:
    async with reading(register.engine) as connection:
        return await key_terms.key_facts(connection, named or [SHOP])


async def test_the_new_key_speaks_and_the_old_one_is_silent(register: Register) -> None:
    """From the succession on; what the old one said before stays."""
    promise: dict[str, Any] = {"kind": "window", "model": "acme/cam-2", "end": "2031-03-31"}
    before = await register.state(SHOP, **promise)
    old = await replace(register, succession(), at=NOW + 60)
    assert old == key_of(SHOP).public.id.hex()
    said = statement.sign(Statement(kind="window", asserted_at=to_text(NOW), fields=_fields(promise)), NEW)
    assert (await register.check(said, at=NOW + 60)).issuer == SHOP
    with pytest.raises(RejectedError) as refused:
        await register.check(signed(SHOP, **promise, from_contract="2027-01-01"), at=NOW + 60)
    assert refused.value.reason == "key"
    assert (await register.check(signed(SHOP, **promise), at=NOW + 60)).digest == before


def _fields(stated: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stated.items() if name != "kind"}


async def test_the_succession_is_on_record(register: Register) -> None:
    """In the log like every statement, so that anybody can check who let the new key in."""
    await replace(register, succession())
    checked = await register.check(succession())
    assert (checked.kind, checked.issuer, checked.leaf is not None) == (key_terms.KIND, SHOP, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(succession("seller:zuidlicht"), "statement_issuer", id="another party's key signed it"),
        pytest.param(succession(party="seller:zuidlicht"), "statement_field", id="it is about another party"),
        pytest.param(succession(key="ab" * 32), "statement_field", id="it is about another key"),
        pytest.param(succession(kind="window"), "statement_kind", id="it is another kind of statement"),
        pytest.param(succession("seller:nobody"), "key", id="nobody enrolled has that key"),
        pytest.param(succession(f"gateway:{HOME}"), "statement_issuer", id="a gateway signed it"),
        pytest.param(succession()[:-1], "malformed", id="it was cut"),
        pytest.param(succession()[:-1] + b"\0", "signature", id="its signature is false"),
    ],
)
async def test_only_the_old_key_lets_a_new_one_in(register: Register, data: bytes, reason: str) -> None:
    """Else nothing changes."""
    before = await facts(register)
    with pytest.raises(RejectedError) as refused:
        await replace(register, data)
    assert refused.value.reason == reason
    assert await facts(register) == before


async def test_an_ended_key_has_no_successor(register: Register) -> None:
    """Who ended it without one cannot mend that later."""
    async with writing(register.engine) as connection:
        await parties.end_key(connection, key_of(SHOP).public.id.hex(), at=NOW - DAY)
    with pytest.raises(RejectedError, match="ended"):
        await replace(register, succession())


async def test_a_successor_is_a_new_key(register: Register) -> None:
    """Not the old one again, nor another party's."""
    for holder in (SHOP, "seller:zuidlicht"):
        other = key_of(holder).public
        with pytest.raises(CollectorError, match="a successor is a new key"):
            await replace(register, succession(key=other.data.hex()), new=other)


async def test_nobody_submits_a_succession(register: Register) -> None:
    """Whoever stole a key could sign one; the operator carries it out."""
    with pytest.raises(RejectedError) as refused:
        await register.check(succession())
    assert refused.value.reason == "statement_kind"


async def test_the_facts_tell_when_each_term_was_known(register: Register) -> None:
    """A key that ended is given as it began and, from its end on, with that."""
    await replace(register, succession(), at=NOW)
    begun, ended, following = await facts(register)
    assert (begun["recorded_at"], "ended_at" in begun) == (to_text(0), False)
    assert (ended["corrects"], ended["recorded_at"], ended["ended_at"]) == (begun["id"], to_text(NOW), to_text(NOW))
    assert ended["successor_signed"] is True
    assert (following["key"], following["valid_from"]) == (NEW.public.id.hex(), to_text(NOW))
    assert {fact["party"] for fact in await facts(register, SHOP, "seller:zuidlicht")} == {SHOP, "seller:zuidlicht"}


@pytest.mark.parametrize(
    ("known", "signs", "found"),
    [
        pytest.param(4 * DAY, False, True, id="two keys thrown away in days are a finding"),
        pytest.param(4 * DAY, True, False, id="two keys that signed their successors are none"),
        pytest.param(2 * DAY - 1, False, False, id="before the second end was recorded there is none"),
    ],
)
async def test_a_carousel_of_keys_is_found(register: Register, known: int, signs: bool, found: bool) -> None:
    """G11, by the judge itself, on the facts as the register gives them."""
    party, begun = "manufacturer:carousel", NOW
    key, *followers = (key_of(f"{party} {number}") for number in range(3))
    async with writing(register.engine) as connection:
        await parties.enrol(connection, party, key.public, at=begun)
    for number, following in enumerate(followers, 1):
        at = begun + number * DAY
        stated = Statement(
            kind=key_terms.KIND, asserted_at=to_text(at), fields={"party": party, "key": following.public.data.hex()}
        )
        async with writing(register.engine) as connection:
            if signs:
                data = statement.sign(stated, key)
                await key_terms.replace(connection, register.log, party, following.public, data, at=at)
            else:
                await parties.end_key(connection, key.public.id.hex(), at=at)
                await parties.enrol(connection, party, following.public, at=at)
        key = following
    shared = [*await facts(register, party), *await _of_the_model(register)]
    judged, known_by = (parse_instant(to_text(begun + later)) for later in (4 * DAY, known))
    fleet = {"model": "acme/cam-2", "shared": shared, "households": [_home(begun)]}
    verdict = appraise_fleet(fleet, judged, known_by, POLICY)
    assert ("IDENTITY_CAROUSEL" in [finding.code for finding in verdict.findings]) == found


async def _of_the_model(register: Register) -> list[dict[str, Any]]:
    async with reading(register.engine) as connection:
        return list(await statements.facts_of_models(connection, ["acme/cam-2"]))


def _home(at: int) -> dict[str, Any]:
    report = {
        "id": "report",
        "kind": "report",
        "recorded_at": to_text(at),
        "issuer": f"gateway:{HOME}",
        "device": "d1",
        "seq": 1,
        "ids": ["zigbee:ACME/CAM-2"],
        "result": "ok",
        "version_raw": "1.0.0",
    }
    promise = {
        "id": "promise",
        "kind": "window",
        "recorded_at": to_text(at - 400 * DAY),
        "issuer": "manufacturer:acme",
        "model": "acme/cam-2",
        "end": "2031-12-31",
    }
    return {"household": "h", "repeat": 25, "devices": [{"device": "d1", "facts": [report, promise]}]}
