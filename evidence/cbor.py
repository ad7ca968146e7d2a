"""Strict, deterministic CBOR (RFC 8949): one value, one encoding, no tags.

Accepted are integers of 64 bits, byte and text strings, arrays, maps, booleans and null; the keys of one map are all
integers or all text. What is refused, and why:

- bytes that are not the deterministic encoding of their value (section 4.2.1): duplicate keys, trailing bytes, longer
  integers than needed, indefinite lengths, unsorted maps. Two readers could else disagree on what was signed.
- tags, floats, undefined and other simple values: nothing in the format needs them, dates as tags do not round-trip,
  and a decoder that acts on tags (regular expressions, big floats) does a stranger's work.

cbor2 sorts map keys by length first (section 4.2.3). That is the same order as section 4.2.1 for text keys, and for
integers unless a negative one is shorter than a positive one; such a map is refused rather than encoded in two ways.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Never

import cbor2

from evidence.errors import MalformedError, NotDeterministicError, TooLargeError
from evidence.limits import MAX_DEPTH


def encode(value: object) -> bytes:
    """The one encoding of a value.

    Raises:
        MalformedError: The value has a type that the format does not know.
        NotDeterministicError: A map whose keys sort differently under the two orders of RFC 8949.
    """
    _check(value, MAX_DEPTH)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, limit: int) -> Any:
    """The value of exactly these bytes.

    Args:
        data: One CBOR item and nothing else.
        limit: The largest number of bytes to look at.

    Raises:
        TooLargeError: More bytes than `limit`, or nested too deeply.
        MalformedError: No CBOR, or a type that the format does not know.
        NotDeterministicError: CBOR in another encoding than the deterministic one.
    """
    if len(data) > limit:
        raise TooLargeError(f"{len(data)} bytes, at most {limit} are read")
    value = _load(data)
    _check(value, MAX_DEPTH)
    if cbor2.dumps(value, canonical=True) != data:
        raise NotDeterministicError("the bytes are not the deterministic encoding of their value")
    return value


class _NoTags(Mapping[int, Any]):
    """Stands where cbor2 looks up what to do with a tag, and refuses every one before its content is read."""

    def __getitem__(self, tag: int) -> Any:
        def refuse(*_: object) -> Never:
            raise MalformedError(f"tag {tag} is not part of this format")

        return refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 1


_NO_TAGS = _NoTags()


def _load(data: bytes) -> object:
    try:
        return cbor2.loads(
            data,
            allow_duplicate_keys=False,
            allow_indefinite=False,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
        )
    except cbor2.CBORDecodeError as error:
        text = str(error)
        if "nesting depth" in text:
            raise TooLargeError(f"nested more than {MAX_DEPTH} deep") from error
        if "Duplicate" in text or "indefinite" in text:
            raise NotDeterministicError(text) from error
        raise MalformedError(f"no CBOR of this format: {text}") from error
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise MalformedError(f"no CBOR of this format: {error}") from error


def _check(value: object, depth: int) -> None:
    if depth < 0:
        raise TooLargeError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        _check_keys(value)
        for item in value.values():
            _check(item, depth - 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, depth - 1)
    else:
        _check_scalar(value)


def _check_scalar(value: object) -> None:
    if value is None or type(value) in (bytes, bool):
        return
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MalformedError("text that is no UTF-8") from error
    elif type(value) is not int:
        raise MalformedError(f"{type(value).__name__} is no type of this format")
    elif not -(2**64) <= value < 2**64:
        raise MalformedError("an integer of more than 64 bits")


def _check_keys(value: dict[object, object]) -> None:
    kinds = {type(key) for key in value}
    if kinds - {int} and kinds - {str}:
        raise MalformedError("the keys of a map are neither all integers nor all text")
    for key in value:
        _check_scalar(key)
    if kinds == {int}:
        keys: list[int] = list(value)  # type: ignore[arg-type]  # the line above is the proof
        longest = max((key for key in keys if key >= 0), default=None)
        shortest = max((key for key in keys if key < 0), default=None)
        if longest is not None and shortest is not None and _head_bytes(longest) > _head_bytes(-1 - shortest):
            raise NotDeterministicError("map keys that sort differently under sections 4.2.1 and 4.2.3 of RFC 8949")


def _head_bytes(argument: int) -> int:
    """How many bytes the head of a data item with this argument takes (RFC 8949 section 3)."""
    for size, bound in ((1, 24), (2, 2**8), (3, 2**16), (5, 2**32)):
        if argument < bound:
            return size
    return 9
