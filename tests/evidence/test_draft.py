"""A draft comes over as it was written, or not at all."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import cbor, copied
from evidence.draft import Draft, format_draft, parse_draft
from evidence.errors import DraftCodeError
from evidence.limits import MAX_DRAFT_BYTES
from tests.evidence import mutations
from tests.evidence.strategies import hex_ids

DEVICE = "d1" * 16
DRAFT = Draft(kind="sale", device=DEVICE, fields={"seller": "noordlicht", "contract": "2026-03-10"})
PREFIX = "updateplichtdraft1-"

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
drafts = st.builds(
    Draft,
    kind=st.just("sale"),
    device=hex_ids,
    fields=st.dictionaries(st.from_regex(r"[a-h]{1,8}", fullmatch=True), words | st.booleans() | st.integers(0, 99)),
)


def code(body: object) -> str:
    """A code whose checksum fits."""
    return copied.write(PREFIX, cbor.encode(body))


@given(draft=drafts)
@settings(deadline=None)
def test_a_draft_comes_over_as_it_was_written(draft: Draft) -> None:
    """Or is too long, and its maker is told."""
    try:
        written = format_draft(draft)
    except DraftCodeError:
        assert len(cbor.encode(dict(draft.fields))) > MAX_DRAFT_BYTES - 50
    else:
        assert parse_draft(written) == draft


@given(draft=drafts, data=st.data())
@settings(deadline=None)
def test_a_bent_draft_is_never_another_one(draft: Draft, data: st.DataObject) -> None:
    """What a checksum of 4 bytes can keep out."""
    written = code({1: draft.kind, 2: bytes.fromhex(draft.device), 3: {}}).encode()
    bent = data.draw(mutations.bent_bytes(written, written)).decode(errors="replace")
    with suppress(DraftCodeError):
        assert parse_draft(bent).device == draft.device


def test_what_cannot_be_read_is_not_written() -> None:
    """The writer checks what the reader checks."""
    for fields in ({"seller": "\0"}, {"seller": "x" * 1100}, {"issuer": "seller:x"}):
        with pytest.raises(DraftCodeError):
            format_draft(Draft(kind="sale", device=DEVICE, fields=fields))


def test_blanks_line_ends_and_capitals_do_not_matter() -> None:
    """A page breaks long lines, and a person types as he likes."""
    written = format_draft(DRAFT)
    assert parse_draft(f" {written[:30].upper()}\n  {written[30:]} ") == DRAFT


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("updateplicht1-mfrgg", "a draft begins with", id="an enrolment code in its place"),
        pytest.param(format_draft(DRAFT)[:-1], "mistyped or cut", id="one letter short"),
        pytest.param(f"{PREFIX}a018", "a to z and 2 to 7", id="a digit that base32 has not"),
        pytest.param(code({1: "sale", 3: {}}), "/2: expected a value", id="no device"),
        pytest.param(code({1: "sale", 2: b"short", 3: {}}), "/2", id="a device that is no id"),
        pytest.param(
            code({1: "sale", 2: bytes(16), 3: {"issuer": "seller:x"}}), "/issuer", id="a word of the register"
        ),
        pytest.param(code({1: "sale", 2: bytes(16), 3: {"seller": b"x"}}), "/seller", id="bytes in a field"),
        pytest.param(code({1: "sale", 2: bytes(16), 3: {"seller": "x" * 2000}}), "cannot hold this", id="a giant"),
        pytest.param(code([]), "a map", id="no map"),
    ],
)
def test_what_is_no_draft_is_refused_with_its_reason(written: str, message: str) -> None:
    """By one error, whatever is in it."""
    with pytest.raises(DraftCodeError, match=message):
        parse_draft(written)
