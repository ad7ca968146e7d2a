"""A second implementation, written from the page, reads what the first writes and refuses what it refuses."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import cbor, cose
from evidence.errors import EvidenceError
from firmware_fixtures.evidence import forge, form
from tests.evidence import mutations, second, strategies

PUBLIC = forge.KEY.public.data


def outcome(read: Callable[[], object]) -> tuple[bool, object]:
    """Whether bytes are read, and to what."""
    try:
        return True, read()
    except (EvidenceError, second.RefusedError):
        return False, None


def agree(data: bytes) -> bool:
    """Whether both read the same, types of keys and values included; returns whether it was read at all."""
    first = outcome(lambda: cbor.decode(data, len(data)))
    other = outcome(lambda: second.read(data))
    assert repr(first) == repr(other)
    return first[0]


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_both_read_any_bytes_alike(data: bytes) -> None:
    """Two readers that share no line agree on which bytes are CBOR of this format, and on their value."""
    agree(data)


@given(strategies.values, strategies.values, st.data())
@settings(deadline=None)
def test_both_read_bent_cbor_alike(value: object, other: object, data: st.DataObject) -> None:
    """They agree on what is written, and on what is nearly right."""
    written = cbor.encode(value)
    assert agree(written)
    agree(data.draw(mutations.bent_bytes(written, cbor.encode(other))))


@pytest.mark.parametrize("name", forge.VALID)
def test_the_second_opens_what_the_first_signed(name: str) -> None:
    """Each valid message of the shelf, to the same claims."""
    data = forge.VALID[name]
    if name == "receipt":
        digest, signed, index = second.open_receipt(data, PUBLIC)
        assert (digest, index) == (forge.LEAVES[forge.INDEX], forge.INDEX)
        assert signed == {1: forge.LOG, 6: forge.HEAD.signed_at, -70204: forge.HEAD.size}
    else:
        assert second.open_message(data, PUBLIC, cose.message_type(data) or "") == forge.payload_of(name)


DEFECTS = form.ENVELOPES | form.HEADERS | form.SIGNATURES | form.ENCODINGS


@pytest.mark.parametrize("data", [data for data, _ in DEFECTS.values()], ids=DEFECTS)
def test_the_second_refuses_what_the_first_refuses(data: bytes) -> None:
    """Each specimen with a defect of form."""
    with pytest.raises(second.RefusedError):
        second.open_message(data, PUBLIC, "application/eat+cwt")
