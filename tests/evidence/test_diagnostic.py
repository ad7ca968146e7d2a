"""Diagnostic notation stands for exactly the bytes it was made of, and is safe to look at."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import cbor, diagnostic, enrolment, receipt, report, statement
from evidence.errors import EvidenceError
from firmware_fixtures.evidence import forge
from tests.evidence import notation, strategies

KEY = strategies.KEY
messages = st.one_of(
    strategies.reports().map(lambda made: report.sign(made, KEY)),
    strategies.statements.map(lambda made: statement.sign(made, KEY)),
    strategies.refusals.map(lambda made: receipt.sign_refusal(made, KEY)),
    strategies.requests.map(lambda made: receipt.sign_request(made, KEY)),
    strategies.codes.map(
        lambda code: enrolment.sign_enrolment(gateway=code.log, key=KEY, code=code, asserted_at="2026-11-18T11:06:40Z")
    ),
    st.just(forge.VALID["receipt"]),
)


@given(messages)
@settings(deadline=None)
def test_the_notation_stands_for_exactly_the_message(data: bytes) -> None:
    """Read back, it gives the same bytes: nothing was left out, added or put in another order."""
    assert notation.encode(diagnostic.diagnose(data)) == data


@given(messages)
@settings(deadline=None)
def test_the_notation_moves_no_cursor(data: bytes) -> None:
    """A version that holds escape sequences or turns the writing direction is shown as its code points."""
    assert all(line.isprintable() for line in diagnostic.diagnose(data).split("\n"))


@pytest.mark.parametrize("name", forge.VALID)
def test_names_are_given_to_every_key(name: str) -> None:
    """No key of a valid message is left a bare number, in the notation's comments or as JSON."""
    shown = json.loads(json.dumps(diagnostic.named(forge.VALID[name])))
    assert set(shown) == {"protected", "unprotected", "payload", "signature"}
    assert not [key for key in _keys(shown) if key.lstrip("-").isdigit()]


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    return [key for item in value for key in _keys(item)] if isinstance(value, list) else []


def test_a_plain_value_can_be_shown() -> None:
    """A payload alone is shown too, and bytes that are CBOR by chance stay bytes."""
    assert diagnostic.diagnose(cbor.encode({6: 1, -80000: b"\x81\x01"})) == "{/ iat / 6: 1, -80000: h'8101'}"


def test_a_foreign_envelope_is_shown_as_far_as_it_is_cbor() -> None:
    """Another algorithm, another payload and other keys are no reason not to look."""
    data = b"\xd2" + forge.dump([forge.dump({1: -7}), {}, b"\x01\xff", b""])
    assert diagnostic.diagnose(data) == "18([\n  <<{/ alg / 1: -7}>>,\n  {},\n  h'01ff',\n  h''\n])"


def test_a_tag_around_anything_else_is_shown() -> None:
    """Even what is no envelope at all."""
    assert diagnostic.diagnose(b"\xd2\x82\x01\x02") == "18([1, 2])"


@pytest.mark.parametrize("data", [b"", b"\xd2", b"\xd2\x01", b"\xff", b"\x81" * 20], ids=bytes.hex)
def test_what_cannot_be_shown_is_refused(data: bytes) -> None:
    """Only an EvidenceError comes out, whatever was given."""
    with pytest.raises(EvidenceError):
        diagnostic.named(data)
