"""One value, one encoding."""

from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import cbor
from evidence.errors import MalformedError, TooLargeError
from evidence.limits import MAX_DEPTH
from tests.evidence import strategies


@given(strategies.values)
@settings(deadline=None)
def test_cbor_is_read_as_it_was_written(value: object) -> None:
    """One value, one encoding; the order in which a map was made does not show."""
    data = cbor.encode(value)
    assert cbor.decode(data, len(data)) == value
    assert cbor.encode(_reversed(value)) == data


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed(item) for key, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(st.lists(st.integers(-(2**64), 2**64 - 1), unique=True) | st.lists(st.text(), unique=True))
@settings(deadline=None)
def test_map_keys_are_in_the_bytewise_order_of_their_encodings(keys: list[int] | list[str]) -> None:
    """RFC 8949 section 4.2.1, for integers of either sign too, where the older order of 4.2.3 differs."""
    written = cbor.encode(dict.fromkeys(keys, 0))
    encoded = sorted(cbor.encode(key) for key in keys)
    assert written.endswith(b"".join(key + b"\x00" for key in encoded))


def test_nesting_is_counted_in_containers() -> None:
    """The deepest value that is written is read, and one container more is neither, whether it is empty or not."""
    innermost: object
    for innermost in (0, [], {}):
        value: object = innermost
        for _ in range(MAX_DEPTH - (innermost != 0)):
            value = [value]
        data = cbor.encode(value)
        assert cbor.decode(data, len(data)) == value
        with pytest.raises(TooLargeError):
            cbor.encode([value])
        with pytest.raises(TooLargeError):
            cbor.decode(b"\x81" + data, len(data) + 1)


UNKNOWN = {
    "an integer of 65 bits": 2**64,
    "a negative integer of 65 bits": -(2**64) - 1,
    "a key of 65 bits": {2**64: 0},
    "a float": 1.0,
    "a set": {1},
    "a key that is true": {True: 0},
    "keys of two kinds": {1: 0, "1": 0},
    "a subclass of text": StrEnum("Word", "OK").OK,  # type: ignore[attr-defined]  # made here
    "half a surrogate pair": "\ud800",
    "a key with half a surrogate pair": {"\ud800": 0},
}


@pytest.mark.parametrize("value", UNKNOWN.values(), ids=UNKNOWN)
def test_what_the_format_does_not_know_is_not_written(value: object) -> None:
    """Nothing is coerced on the way out."""
    with pytest.raises(MalformedError):
        cbor.encode([value])
