"""COSE_Sign1 (RFC 9052 section 4.2): the envelope of everything that is signed here.

`18([protected, unprotected, payload, signature])`, signed over `["Signature1", protected, h'', payload]`. The protected
header holds the algorithm (1), the key id (4) and the type of message (16, RFC 9596), so that a signature over one type
of message can never pass for another. The algorithm is Ed25519 as RFC 9864 names it, -19, and no other: neither the
polymorphic -8 nor anything that the message might choose. The unprotected header is empty, except in receipts, whose
proof vouches for what stands there: else whoever carries a message could change its bytes, and thus its digest, and the
signature would still fit.

Opening is in two steps, so that nobody acts on a claim before its signature was checked: `parse` tells which key to
look up, `Envelope.verify` checks, and only what it returns is the payload.
"""

from functools import lru_cache
from typing import Any

import msgspec

from evidence import cbor
from evidence.errors import AlgorithmError, MalformedError, ProfileError, SignatureError, TooLargeError
from evidence.keys import KEY_ID_BYTES, SIGNATURE_BYTES, PublicKey, SigningKey
from evidence.limits import MAX_HEADER_BYTES, MAX_MESSAGE_BYTES

SIGN1_TAG = 0xD2  # the one byte that encodes tag 18
_PARTS = bytes([SIGN1_TAG]) + cbor.head(0x80, 4)
_EMPTY_MAP, _NULL = cbor.head(0xA0, 0), cbor.encode(None)
_BEFORE_SIGNATURE = cbor.head(0x40, SIGNATURE_BYTES)
_CONTEXT = cbor.head(0x80, 4) + cbor.encode("Signature1")
ALGORITHM, CRITICAL, KEY_ID, TYPE = 1, 2, 4, 16
ED25519 = -19


class Envelope(msgspec.Struct, frozen=True):
    """A COSE_Sign1 that was taken apart and not yet checked."""

    protected: bytes
    header: dict[int, Any]
    unprotected: dict[int, Any]
    signature: bytes
    unverified_payload: bytes | None

    @property
    def key_id(self) -> bytes:
        """The 8 bytes that name the signer's key."""
        return bytes(self.header[KEY_ID])

    @property
    def type(self) -> str | None:
        """The type of message that the signer vouches for."""
        return self.header.get(TYPE)

    def verify(self, key: PublicKey, detached: bytes | None = None) -> bytes:
        """Check the signature.

        Args:
            key: The key that was registered for `key_id`.
            detached: The payload, when the message carries none.

        Returns:
            The payload, which from here on is the signer's word.

        Raises:
            SignatureError: It is not this key's signature over this message.
            MalformedError: The payload is missing, or there are two.
        """
        payload = self.unverified_payload if detached is None else detached
        if payload is None or (detached is not None and self.unverified_payload is not None):
            raise MalformedError("exactly one payload, carried or detached, is needed")
        if key.id != self.key_id:
            raise SignatureError(f"signed as key {self.key_id.hex()}, checked with key {key.id.hex()}")
        key.verify(sig_structure(self.protected, payload), self.signature)
        return payload


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes that are signed (RFC 9052 section 4.4), with no external data."""
    return _CONTEXT + cbor.octets(protected) + cbor.octets(b"") + cbor.octets(payload)


def sign(payload: bytes, key: SigningKey, message_type: str, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """A payload in its signed envelope.

    Raises:
        TooLargeError: The message would be larger than `limit`, which nobody would read.
    """
    signature = key.sign(sig_structure(_protected(message_type, key.public.id), payload))
    data = assemble(payload, key.public.id, message_type, signature)
    _check_size(data, limit)
    return data


def assemble(payload: bytes, key_id: bytes, message_type: str, signature: bytes) -> bytes:
    """A payload in its signed envelope, by a signature that was made before."""
    return envelope(_protected(message_type, key_id), {}, payload, signature)


def envelope(protected: bytes, unprotected: dict[int, Any], payload: bytes | None, signature: bytes) -> bytes:
    """The four parts as one tagged message; the unprotected header has its keys in order."""
    return join(protected, cbor.encode_part(unprotected) if unprotected else _EMPTY_MAP, payload, signature)


def join(protected: bytes, unprotected: bytes, payload: bytes | None, signature: bytes) -> bytes:
    """The same of an unprotected header that is encoded already."""
    carried = _NULL if payload is None else cbor.octets(payload)
    return _PARTS + cbor.octets(protected) + unprotected + carried + cbor.octets(signature)


def parse(data: bytes, message_type: str | None, limit: int = MAX_MESSAGE_BYTES) -> Envelope:
    """Take an envelope apart; nothing in it is to be believed yet.

    Args:
        data: The message.
        message_type: What the protected header must say under 16; None for messages that have no type (receipts).
        limit: The largest number of bytes to look at.

    Raises:
        TooLargeError: More bytes than `limit`, or nested too deeply.
        MalformedError: No tagged COSE_Sign1 of the form above.
        NotDeterministicError: Not in its one encoding.
        AlgorithmError: Another algorithm than Ed25519 (-19).
        ProfileError: Another type of message, or a critical header that is not understood.
    """
    if (envelope := _as_signed(data, message_type, limit)) is not None:
        return envelope
    envelope = _take_apart(data, limit)
    # The algorithm before the rest: a stranger's message is told what is wrong with it, not how it is encoded.
    if envelope.header.get(ALGORITHM) != ED25519:
        raise AlgorithmError(f"algorithm {envelope.header.get(ALGORITHM)!r}; only Ed25519 ({ED25519}) is accepted")
    _check_encoding(envelope, data, allow_unprotected=message_type is None)
    _check_headers(envelope.header, envelope.unprotected, message_type)
    return envelope


def message_type(data: bytes, limit: int = MAX_MESSAGE_BYTES) -> str | None:
    """What a message says that it is, unchecked; None where it does not say, as receipts.

    Raises:
        EvidenceError: TooLarge or Malformed, as `parse`.
    """
    found = _take_apart(data, limit).header.get(TYPE)
    return found if isinstance(found, str) else None


def _as_signed(data: bytes, message_type: str | None, limit: int) -> Envelope | None:
    """The envelope of bytes that are what `sign` makes of its parts, as nearly all are; None of others, right or wrong.

    What is as we would have written it needs no look at each of its headers.
    """
    if message_type is None or len(data) > limit:
        return None
    frame = _frame(message_type)
    after_at, signature_at = frame.key_at + KEY_ID_BYTES, len(data) - SIGNATURE_BYTES
    carried = data[after_at + len(frame.after) : signature_at - len(_BEFORE_SIGNATURE)]
    payload = carried[_head_size(len(carried)) :]
    if not (
        data.startswith(frame.before)
        and data.startswith(frame.after, after_at)
        and data.endswith(_BEFORE_SIGNATURE, after_at, signature_at)
        and carried == cbor.octets(payload)
    ):
        return None
    header = {ALGORITHM: ED25519, KEY_ID: data[frame.key_at : after_at], TYPE: message_type}
    protected = data[frame.protected_at : after_at + len(frame.after) - len(_EMPTY_MAP)]
    return Envelope(protected, header, {}, data[signature_at:], payload)


def _head_size(size: int) -> int:
    """The bytes of the head of a byte string that has so many, its head among them."""
    return 1 if size <= 24 else 2 if size <= 0x101 else 3 if size <= 0x10002 else 5


class _Frame(msgspec.Struct, frozen=True):
    """What `sign` makes around the key id, up to the payload, and where the protected header and the key id begin."""

    before: bytes
    after: bytes
    protected_at: int
    key_at: int


@lru_cache
def _frame(message_type: str) -> _Frame:
    blank = bytes(KEY_ID_BYTES)
    protected = _protected(message_type, blank)
    before, _, after = (_PARTS + cbor.octets(protected) + _EMPTY_MAP).partition(blank)
    return _Frame(before, after, len(before) - protected.index(blank), len(before))


def _protected(message_type: str, key_id: bytes) -> bytes:
    """The protected header of a message."""
    before, after = _around_key_id(message_type)
    return before + key_id + after


@lru_cache
def _around_key_id(message_type: str) -> tuple[bytes, bytes]:
    blank = bytes(KEY_ID_BYTES)
    before, _, after = cbor.encode({ALGORITHM: ED25519, KEY_ID: blank, TYPE: message_type}).partition(blank)
    return before, after


def _take_apart(data: bytes, limit: int) -> Envelope:
    _check_size(data, limit)
    if data[:1] != bytes([SIGN1_TAG]):
        raise MalformedError("no COSE_Sign1: the first byte is not tag 18")
    match cbor.load(data[1:], limit):
        case [bytes(protected), dict(unprotected), (bytes() | None) as payload, bytes(signature)] if protected:
            header = cbor.load(protected, MAX_HEADER_BYTES)
        case _:
            raise MalformedError("no COSE_Sign1: not [bytes, map, bytes or null, bytes]")
    if not isinstance(header, dict):
        raise MalformedError("the protected header is no map")
    return Envelope(protected, header, unprotected, signature, payload)


def _check_encoding(envelope: Envelope, data: bytes, *, allow_unprotected: bool) -> None:
    if len(envelope.signature) != SIGNATURE_BYTES:
        raise MalformedError(f"a signature has {SIGNATURE_BYTES} bytes, this has {len(envelope.signature)}")
    if envelope.unprotected and not allow_unprotected:
        raise MalformedError("the unprotected header is not empty")
    parts = [envelope.protected, envelope.unprotected, envelope.unverified_payload, envelope.signature]
    cbor.check_encoding(parts, data[1:])
    cbor.check_encoding(envelope.header, envelope.protected)


def _check_headers(header: dict[Any, Any], unprotected: dict[Any, Any], message_type: str | None) -> None:
    key_id = header.get(KEY_ID)
    if not isinstance(key_id, bytes) or len(key_id) != KEY_ID_BYTES:
        raise MalformedError(f"the key id is not {KEY_ID_BYTES} bytes in the protected header")
    if header.keys() & unprotected.keys():
        raise MalformedError("a header parameter stands in both headers (RFC 9052 section 3)")
    if CRITICAL in header:
        raise ProfileError("a critical header parameter that is not understood (RFC 9052 section 3.1)")
    if header.get(TYPE) != message_type:
        raise ProfileError(f"message type {header.get(TYPE)!r}; expected {message_type!r}")


def _check_size(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise TooLargeError(f"a message of {len(data)} bytes, where at most {limit} are read")
