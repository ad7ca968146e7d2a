"""Valid messages, bent at random: in their bytes, or in their structure with the signature made to fit again."""

from collections.abc import Iterator
from typing import Any

import cbor2
from hypothesis import strategies as st

from evidence import cose
from firmware_fixtures.evidence import forge

_PLACES = st.integers(0, 2**16)
_BYTES = st.binary(min_size=1, max_size=12)


@st.composite
def bent_bytes(draw: st.DrawFn, data: bytes, other: bytes) -> bytes:
    """One to three cuts, flips, insertions, repetitions or splices with another message."""
    for _ in range(draw(st.integers(1, 3))):
        at, to = sorted(draw(_PLACES) % (len(data) + 1) for _ in range(2))
        match draw(st.sampled_from(["flip", "cut", "end", "insert", "repeat", "splice", "zero"])):
            case "flip":
                data = (
                    data[:at]
                    + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in data[at : at + 1])
                    + data[at + 1 :]
                )
            case "cut":
                data = data[:at] + data[to:]
            case "end":
                data = data[:at]
            case "insert":
                data = data[:at] + draw(_BYTES) + data[at:]
            case "repeat":
                data = data[:to] + data[at:to] + data[to:]
            case "splice":
                data = data[:at] + other[draw(_PLACES) % (len(other) + 1) :]
            case "zero":
                data = data[:at] + bytes(to - at) + data[to:]
    return data


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63, 2**64 - 1, -19, -70001])
    | st.floats()
    | st.binary(max_size=70)
    | st.text(max_size=20)
    | st.sampled_from([cbor2.undefined, cbor2.CBORSimpleValue(7), cbor2.CBORTag(1, 0), cbor2.CBORTag(35, "a*")])
)
_JUNK: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SCALARS, inner, max_size=3), max_leaves=6
)


@st.composite
def bent_structure(draw: st.DrawFn, data: bytes) -> bytes:
    """One to three places of the envelope, its headers, its claims or its proof changed, and mostly signed again."""
    encoded, unprotected, payload, signature = cbor2.loads(data[1:])
    message = [cbor2.loads(encoded), unprotected, None if payload is None else cbor2.loads(payload), signature]
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(message))
        _bend(draw, *places[draw(_PLACES) % len(places)])
    return _signed_again(message, again=draw(st.integers(0, 3)) > 0)


def _places(inside: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key or index in it."""
    for key, item in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
        yield inside, key
        if isinstance(item, (dict, list)):
            yield from _places(item)


def _bend(draw: st.DrawFn, inside: Any, key: Any) -> None:
    match draw(st.sampled_from(["replace", "remove", "add", "move", "wrap"])):
        case "replace":
            inside[key] = draw(_JUNK)
        case "remove":
            del inside[key]
        case "add" if isinstance(inside, dict):
            inside[draw(_SCALARS)] = draw(_JUNK)
        case "add":
            inside.insert(key, draw(_JUNK))
        case "move" if isinstance(inside, dict):
            inside[draw(_SCALARS)] = inside.pop(key)
        case "move":
            inside.reverse()
        case "wrap":
            inside[key] = [inside[key]]


def _signed_again(message: list[Any], *, again: bool) -> bytes:
    """The envelope of the parts; where it has lost its four parts it is encoded as it is."""
    if len(message) == 4:
        protected = message[0] if isinstance(message[0], bytes) else cbor2.dumps(message[0], canonical=True)
        payload = None if message[2] is None else cbor2.dumps(message[2], canonical=True)
        signed = forge.ROOT if payload is None else payload
        message = [protected, message[1], payload, message[3]]
        if again:
            message[3] = forge.KEY.sign(cose.sig_structure(protected, signed))
    return b"\xd2" + cbor2.dumps(message, canonical=True)
