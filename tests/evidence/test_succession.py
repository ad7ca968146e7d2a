"""A key takes over only by the word of both: the old one names it, and it shows that it is held."""

from typing import Any

import pytest

from evidence import cose, statement
from evidence.errors import ClaimError, EvidenceError, SignatureError
from evidence.keys import SigningKey
from evidence.statement import Statement
from evidence.succession import KIND, sign_succession, successor

GATEWAY, OTHER = "7d1c0a52b3e94f60a8b1c2d3e4f50617", "00" * 16
OLD, NEW, THIEF = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
AT = "2026-11-21T12:00:00Z"


def stated(data: bytes) -> Statement:
    return statement.decode(cose.parse(data, statement.MESSAGE_TYPE).verify(OLD.public))


def test_the_new_key_comes_out_as_it_went_in() -> None:
    """Signed by both."""
    signed = stated(sign_succession(gateway=GATEWAY, old=OLD, new=NEW, asserted_at=AT))
    assert successor(signed, GATEWAY, OLD.public) == NEW.public


def test_what_the_new_key_signs_is_what_the_page_says() -> None:
    """Label, gateway, old key, new key."""
    signed = stated(sign_succession(gateway=GATEWAY, old=OLD, new=NEW, asserted_at=AT))
    proven = b"updateplicht key succession\0" + bytes.fromhex(GATEWAY) + OLD.public.data + NEW.public.data
    NEW.public.verify(proven, bytes.fromhex(signed.fields["proof"]))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"party": f"gateway:{OTHER}"}, ClaimError, id="of another gateway"),
        pytest.param({"party": None}, ClaimError, id="of nobody"),
        pytest.param({"key": THIEF.public.data.hex()}, SignatureError, id="to a key that did not sign"),
        pytest.param({"key": OLD.public.data.hex()}, ClaimError, id="to itself"),
        pytest.param({"key": "00"}, ClaimError, id="to no key"),
        pytest.param({"proof": "00" * 64}, SignatureError, id="with a proof that is none"),
        pytest.param({"proof": None}, ClaimError, id="without a proof"),
    ],
)
def test_a_succession(changes: dict[str, Any], error: type[EvidenceError]) -> None:
    """...does not hold."""
    signed = stated(sign_succession(gateway=GATEWAY, old=OLD, new=NEW, asserted_at=AT))
    with pytest.raises(error):
        successor(Statement(kind=KIND, asserted_at=AT, fields={**signed.fields, **changes}), GATEWAY, OLD.public)


def test_a_proof_for_another_gateway_or_key_is_none() -> None:
    """It cannot be taken from one succession into another."""
    fields = stated(sign_succession(gateway=GATEWAY, old=OLD, new=NEW, asserted_at=AT)).fields
    moved = Statement(kind=KIND, asserted_at=AT, fields={**fields, "party": f"gateway:{OTHER}"})
    with pytest.raises(SignatureError):
        successor(moved, OTHER, OLD.public)
    with pytest.raises(SignatureError):
        successor(Statement(kind=KIND, asserted_at=AT, fields=fields), GATEWAY, THIEF.public)
