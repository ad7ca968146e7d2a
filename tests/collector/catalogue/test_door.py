"""The door: every step before the rights, and what it says of bytes that fail it."""

import hashlib
from collections.abc import Callable

import pytest

from collector.errors import RejectedError
from collector.store.schema import keys
from evidence import cbor, cose, statement
from evidence.limits import MAX_STATEMENT_BYTES
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NOW, Register, key_of, signed

OPERATOR = key_of("operator:register")
UNIT = signed("operator:register", "unit", device=DEVICE)

ENVELOPE = cose.parse(UNIT, statement.MESSAGE_TYPE)


def payload(**claims: object) -> bytes:
    """A signed statement of any claims, past the checks of the signer."""
    return cose.sign(cbor.encode(claims), OPERATOR, statement.MESSAGE_TYPE)


STATED = {"kind": "unit", "asserted_at": "2026-11-20T12:00:00Z", "device": DEVICE}

BYTES: dict[str, tuple[bytes, str, bool]] = {
    "nothing at all": (b"", "malformed", False),
    "something else": (b"hello", "malformed", False),
    "more than a statement may have": (b"\xd2" + bytes(MAX_STATEMENT_BYTES), "too_large", False),
    "cut off": (UNIT[:-1], "malformed", False),
    "another type of message": (cose.sign(cbor.encode(STATED), OPERATOR, "application/eat+cwt"), "profile", False),
    "a header that nobody signed": (
        cose.envelope(ENVELOPE.protected, {4: b"x"}, ENVELOPE.unverified_payload, ENVELOPE.signature),
        "malformed",
        False,
    ),
    "a signature over something else": (UNIT[:-1] + bytes([UNIT[-1] ^ 1]), "signature", False),
    "a key that nobody was enrolled with": (signed("seller:stranger", "window", model="m", end="tba"), "key", False),
    "an id that only the register gives": (payload(**STATED, id="mine"), "claim", True),
    "a time of recording that only the log gives": (
        payload(**STATED, recorded_at="2020-01-01T00:00:00Z"),
        "claim",
        True,
    ),
    "an issuer that only the key gives": (payload(**STATED, issuer="seller:noordlicht"), "claim", True),
    "a rejection that only the collector finds": (payload(**STATED, rejected="key"), "claim", True),
    "no instant of signing": (payload(kind="unit", device=DEVICE), "claim", True),
    "a field of the wrong form": (payload(**STATED, placed="soon"), "statement_field", True),
    "a required field that is missing": (
        payload(kind="unit", asserted_at=STATED["asserted_at"]),
        "statement_field",
        True,
    ),
    "a device that is no device id": (payload(**STATED | {"device": "kitchen"}), "statement_field", True),
    "an instant that there is not": (
        payload(**STATED | {"asserted_at": "2026-02-30T12:00:00Z"}),
        "claim",
        True,
    ),
    "an interval that runs backwards": (
        payload(**STATED, placed={"from": "2026-02-01", "to": "2026-01-01"}),
        "statement_field",
        True,
    ),
    "a model id of no form": (
        payload(**STATED | {"kind": "model", "model": "m", "ids": ["CAM"], "manufacturer": "a"}),
        "statement_field",
        True,
    ),
    "a clock six minutes ahead": (
        payload(**STATED | {"asserted_at": "2026-11-20T12:05:01Z"}),
        "statement_future",
        True,
    ),
}


@pytest.mark.parametrize(("data", "reason", "verified"), BYTES.values(), ids=BYTES)
async def test_bytes_that_fail_a_step_are_refused_with_its_word(
    register: Register, data: bytes, reason: str, verified: bool
) -> None:
    """Each fault has one stable word, and only a good signature speaks against its signer."""
    with pytest.raises(RejectedError) as refused:
        await register.check(data)
    assert (refused.value.reason, refused.value.verified) == (reason, verified)


async def test_a_clock_five_minutes_ahead_is_let_in(register: Register) -> None:
    """Clocks may differ by five minutes."""
    checked = await register.check(payload(**STATED | {"asserted_at": "2026-11-20T12:05:00Z"}))
    assert checked.asserted_at == NOW + 300


async def test_a_fact_has_its_id_from_the_bytes_and_its_issuer_from_the_key(register: Register) -> None:
    """Nothing of the envelope is what the issuer wrote."""
    checked = await register.check(UNIT)
    assert checked.fact == {
        "id": hashlib.sha256(UNIT).hexdigest(),
        "kind": "unit",
        "recorded_at": "2026-11-20T12:00:00Z",
        "asserted_at": "2026-11-20T12:00:00Z",
        "issuer": "operator:register",
        "device": DEVICE,
    }


@pytest.mark.parametrize(("at", "let_in"), [(NOW - 1, True), (NOW, False), (NOW + 1, False)])
async def test_a_key_that_ended_signs_nothing_that_is_recorded_later(register: Register, at: int, let_in: bool) -> None:
    """The instant of recording decides, since an issuer may write any instant of signing."""
    await register.execute(keys.update().where(keys.c.party == "operator:register").values(ended_at=NOW))
    data = signed("operator:register", "unit", at=NOW - 1000, device=DEVICE)
    if let_in:
        assert (await register.check(data, at=at)).kind == "unit"
    else:
        with pytest.raises(RejectedError) as refused:
            await register.check(data, at=at)
        assert refused.value.reason == "key"


SALE = signed(f"gateway:{HOME}", "sale", device=DEVICE, seller="noordlicht")


@pytest.mark.parametrize(
    ("data", "gateway"),
    [
        pytest.param(SALE, NEIGHBOUR, id="a household's word on its neighbour's topic"),
        pytest.param(UNIT, HOME, id="an operator's word on a household's topic"),
    ],
)
async def test_a_gateways_topic_carries_its_own_word_only(register: Register, data: bytes, gateway: str) -> None:
    """What comes by MQTT is signed by the gateway whose topic it is."""
    with pytest.raises(RejectedError) as refused:
        await register.check(data, gateway=gateway)
    assert refused.value.reason == "key"
    assert (await register.check(SALE, gateway=HOME)).issuer == f"consumer:{HOME}"


async def test_what_is_on_record_is_let_in_again_as_it_was(register: Register) -> None:
    """The same bytes are one statement, recorded once, even after its key ended."""
    digest = await register.submit(UNIT)
    await register.execute(keys.update().where(keys.c.party == "operator:register").values(ended_at=NOW))
    again = await register.check(UNIT, at=NOW + 1000)
    assert (again.digest, again.recorded_at) == (digest, NOW)
    assert again.leaf is not None


FLIPS: list[Callable[[bytes, int], bytes]] = [
    lambda data, at: data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :],
    lambda data, at: data[:at] + data[at + 1 :],
    lambda data, at: data[:at] + b"\x00" + data[at:],
]


@pytest.mark.parametrize("change", FLIPS, ids=["a bit flipped", "a byte lost", "a byte too many"])
async def test_no_change_to_signed_bytes_gets_in(register: Register, change: Callable[[bytes, int], bytes]) -> None:
    """Whatever byte is changed, the door refuses with a word and nothing else comes out of it."""
    for at in range(len(UNIT)):
        with pytest.raises(RejectedError):
            await register.check(change(UNIT, at))
