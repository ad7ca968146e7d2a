"""Strict, deterministic CBOR (RFC 8949): one value, one encoding, no tags.

Accepted are integers of 64 bits, byte and text strings, arrays, maps, booleans and null; the keys of one map are all
integers or all text. What is refused, and why:

- bytes that are not the deterministic encoding of their value (section 4.2.1): duplicate keys, trailing bytes, longer
  heads than needed, indefinite lengths, unsorted maps. Two readers could else disagree on what was signed.
- tags, floats, undefined and other simple values: nothing in the format needs them, dates as tags do not round-trip,
  and a decoder that acts on tags (regular expressions, big floats) does a stranger's work.

There is one definition of the encoding, `encode`; bytes are deterministic when they equal the encoding of what was
read from them. cbor2 reads leniently and writes what it is given; the order of map keys is ours, since cbor2's own
canonical order is that of section 4.2.3, which differs for some integers.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import cbor2

from evidence.errors import EvidenceError, MalformedError, NotDeterministicError, TooLargeError
from evidence.limits import MAX_DEPTH, MAX_ITEMS

_PLAIN = frozenset({bytes, str, bool, type(None)})


def encode(value: object) -> bytes:
    """The one encoding of a value.

    Raises:
        MalformedError: The value has a type that the format does not know.
        TooLargeError: Nested too deeply, or too many items.
    """
    try:
        return cbor2.dumps(_Walk().ordered(value))
    except UnicodeEncodeError as error:
        raise MalformedError("text that is no UTF-8") from error


def decode(data: bytes, limit: int) -> Any:
    """The value of exactly these bytes.

    Args:
        data: One CBOR item and nothing else.
        limit: The largest number of bytes to look at.

    Raises:
        TooLargeError: More bytes than `limit`, nested too deeply, or too many items.
        MalformedError: No CBOR, or a type that the format does not know.
        NotDeterministicError: CBOR in another encoding than the deterministic one.
    """
    value = load(data, limit)
    check_encoding(value, data)
    return value


def load(data: bytes, limit: int) -> Any:
    """The first half of `decode`, for who looks at the shape first: the encoding, and thus the value, is unchecked.

    Raises:
        TooLargeError: More bytes than `limit`, or nested too deeply.
        MalformedError: No CBOR, or a tag.
    """
    if len(data) > limit:
        raise TooLargeError(f"{len(data)} bytes, where at most {limit} are read")
    try:
        return cbor2.loads(data, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH)
    except cbor2.CBORDecodeError as error:
        if isinstance(error.__cause__, EvidenceError):
            raise error.__cause__ from None
        # cbor2 gives no class of its own to this one; should its words change, such bytes are still malformed.
        if "nesting depth" in str(error):
            raise TooLargeError(f"nested more than {MAX_DEPTH} deep") from error
        raise MalformedError(f"no CBOR of this format: {error}") from error


def encode_part(value: object) -> bytes:
    """The one encoding of what is in order and of known types already: a part of what `decode` gave, plain items."""
    return cbor2.dumps(value)


def octets(data: bytes) -> bytes:
    """The encoding of a byte string. Envelopes are made of little else, and cbor2 takes ten times as long."""
    return head(0x40, len(data)) + data


def array(*items: bytes) -> bytes:
    """The encoding of an array of items that are encoded already."""
    return head(0x80, len(items)) + b"".join(items)


def mapping(*items: bytes) -> bytes:
    """The encoding of a map, of keys in order, each before its value, that are encoded already."""
    return head(0xA0, len(items) // 2) + b"".join(items)


@lru_cache(maxsize=1024)  # of few lengths
def head(major: int, argument: int) -> bytes:
    """The head of an item (section 3): its major type, in the upper three bits of a byte, and its argument."""
    if argument < 24:
        return bytes([major | argument])
    size = (argument.bit_length() + 7) // 8
    power = (size - 1).bit_length()  # in 1, 2, 4 or 8 bytes
    return bytes([major | 24 + power]) + argument.to_bytes(1 << power)


def check_encoding(value: object, data: bytes) -> None:
    """The second half of `decode`: refuse a value, as `load` gave it, whose one encoding these bytes are not.

    Raises:
        TooLargeError: Too many items.
        MalformedError: A type that the format does not know.
        NotDeterministicError: CBOR in another encoding than the deterministic one.
    """
    # What was read keeps the order in which its keys stood: it need not be put in order, only be so.
    if not _is_ordered(value) or encode_part(value) != data:
        raise NotDeterministicError("the bytes are not the deterministic encoding of their value")


class _NoTags(dict[int, Any]):
    """Stands where cbor2 looks up what to do with a tag, and refuses every one before its content is read."""

    def __missing__(self, tag: int) -> Any:
        raise MalformedError(f"tag {tag} is not part of this format")


_NO_TAGS = _NoTags()


def _is_ordered(value: object) -> bool:
    """Whether the maps of a value that was loaded are in order; its types, depth and number of items are checked."""
    items, is_ordered = 0, True
    level: list[Iterable[object]] = [(value,)]
    for _ in range(MAX_DEPTH + 1):
        below: list[Iterable[object]] = []
        for item in chain.from_iterable(level):
            kind = type(item)
            if kind in _PLAIN or kind is int:
                continue
            if isinstance(item, dict):
                is_ordered = is_ordered and _are_in_order(item)
                below.append(item.values())
            elif isinstance(item, list):
                below.append(item)
            else:
                raise MalformedError(f"{kind.__name__} is no type of this format")
            items += len(item)
            if items > MAX_ITEMS:
                raise TooLargeError(f"more than {MAX_ITEMS} items")
        if not below:
            return is_ordered
        level = below
    raise TooLargeError(f"nested more than {MAX_DEPTH} deep")


class _Walk:
    """One walk over a value: its maps in order, its types known, its depth and number of items within bounds."""

    def __init__(self) -> None:
        self._items = 0

    def ordered(self, value: object, depth: int = MAX_DEPTH) -> object:
        if type(value) in _PLAIN:
            return value
        if type(value) is int:
            return _checked(value)
        if not isinstance(value, (dict, list, tuple)):
            raise MalformedError(f"{type(value).__name__} is no type of this format")
        self._items += len(value)
        if depth == 0 or self._items > MAX_ITEMS:
            raise TooLargeError(f"nested more than {MAX_DEPTH} deep, or more than {MAX_ITEMS} items")
        # Most values are plain, and a call for each would cost as much as all the rest.
        if isinstance(value, dict):
            items = ((key, value[key]) for key in _in_order(value))
            return {key: v if type(v) in _PLAIN else self.ordered(v, depth - 1) for key, v in items}
        return [item if type(item) in _PLAIN else self.ordered(item, depth - 1) for item in value]


def _are_in_order(keys: Mapping[Any, object]) -> bool:
    names = tuple(keys)
    # Keys that are all integers are so few that their order is known.
    return _integers_in_order(names) == names if set(map(type, names)) == {int} else tuple(_in_order(keys)) == names


def _in_order(keys: Mapping[Any, object]) -> Sequence[Any]:
    """The keys of a map in the bytewise order of their encodings."""
    kinds = set(map(type, keys))
    if kinds == {int}:
        return _integers_in_order(tuple(keys))
    if kinds == {str}:
        return sorted(keys, key=_text_order)
    if kinds:
        raise MalformedError("the keys of a map are neither all integers nor all text")
    return []


@lru_cache(maxsize=1024)  # a format has few sets of keys, and they come again with every message
def _integers_in_order(unordered: tuple[int, ...]) -> tuple[int, ...]:
    """From 0 up, then from -1 down: the head of a negative integer is greater than that of any other."""
    keys = tuple(sorted(unordered))
    _checked(keys[0])
    _checked(keys[-1])
    zero = bisect_left(keys, 0)
    return keys[zero:] + keys[:zero][::-1]


def _text_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode(errors="surrogatepass")
    return len(encoded), encoded


def _checked(value: int) -> int:
    if not -(2**64) <= value < 2**64:
        raise MalformedError("an integer of more than 64 bits")
    return value
