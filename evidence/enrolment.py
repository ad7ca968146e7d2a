"""Enrolment: how a gateway and a collector come to know each other's keys.

The operator hands over a code: the broker's address, the log's id, the collector's public key and a one-time secret,
with a checksum so that a mistyped one is told from a wrong one. The gateway answers with a statement of kind
`enrolment`, signed with the very key it brings, that proves knowledge of the secret without showing it: HMAC-SHA-256
over the gateway's id and key.
"""

import hashlib
import hmac
from typing import Any

import msgspec

from evidence import cbor, copied, cose, statement
from evidence.claims import Claims, boolean, hexadecimal, integer, octets, text
from evidence.errors import ClaimError, EnrolmentCodeError, EvidenceError
from evidence.ids import ID_BYTES, hex_id
from evidence.keys import PUBLIC_KEY_BYTES, PublicKey, SigningKey
from evidence.limits import MAX_ENROLMENT_BYTES
from evidence.statement import Statement

KIND = "enrolment"
SECRET_BYTES = 16
CODE_ID_BYTES = 8
_PREFIX = "updateplicht1-"
_PROOF_BYTES = 32
_MAX_CODE_BYTES = 1024  # before base32; with the longest host name a code has fewer than 700
_HOST, _PORT, _TLS, _LOG, _KEY, _SECRET = 1, 2, 3, 4, 5, 6


class EnrolmentCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code holds.

    Attributes:
        host: The broker's name or address, as the gateway reaches it.
        port: Its TCP port.
        tls: Whether the broker speaks TLS there.
        log: Id of the collector's log, 32 hex digits.
        collector: The collector's public key.
        secret: 16 bytes that work once.
    """

    host: str
    port: int
    tls: bool
    log: str
    collector: bytes
    secret: bytes

    @property
    def id(self) -> str:
        """Names the code without giving it away: the first 8 bytes of SHA-256 over the secret, in hex."""
        return hashlib.sha256(self.secret).digest()[:CODE_ID_BYTES].hex()


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's wish to be known; `key` has signed it."""

    gateway: str
    key: bytes
    code: str
    proof: bytes


def format_code(code: EnrolmentCode) -> str:
    """The code as text to copy."""
    body = cbor.encode(
        {
            _HOST: code.host,
            _PORT: code.port,
            _TLS: code.tls,
            _LOG: bytes.fromhex(code.log),
            _KEY: code.collector,
            _SECRET: code.secret,
        }
    )
    return copied.write(_PREFIX, body)


def parse_code(written: str) -> EnrolmentCode:
    """Read a code as it was copied; blanks and line ends inside do not matter.

    Raises:
        EnrolmentCodeError: Cut, mistyped, or of another version.
    """
    body = copied.read(_PREFIX, written, "an enrolment code", EnrolmentCodeError)
    try:
        return _decode_code(body)
    except EvidenceError as error:
        raise EnrolmentCodeError(f"the enrolment code cannot be read: {error}") from error


def sign_enrolment(*, gateway: str, key: SigningKey, code: EnrolmentCode, asserted_at: str) -> bytes:
    """The gateway's answer to a code."""
    proof = _proof(code.secret, gateway, key.public)
    fields: dict[str, Any] = {
        "gateway": gateway,
        "key": key.public.data.hex(),
        "code": code.id,
        "proof": proof.hex(),
    }
    return statement.sign(Statement(kind=KIND, asserted_at=asserted_at, fields=fields), key)


def open_enrolment(data: bytes) -> Enrolment:
    """Check that an enrolment is signed by the key that it brings.

    Nobody knows that key yet, so it is taken from the payload before the signature is checked, and nothing else is.

    Raises:
        EvidenceError: For the form, or a signature that is not by that key.
    """
    envelope = cose.parse(data, statement.MESSAGE_TYPE, MAX_ENROLMENT_BYTES)
    stated = statement.decode(envelope.unverified_payload or b"")
    found = Claims(dict(stated.fields))
    key = PublicKey(found.get("key", hexadecimal(PUBLIC_KEY_BYTES)))
    if stated.kind != KIND or key.id != envelope.key_id:
        raise ClaimError("/key", "an enrolment that brings the key it is signed with")
    envelope.verify(key)
    return Enrolment(
        gateway=found.get("gateway", hex_id),
        key=key.data,
        code=found.get("code", hexadecimal(CODE_ID_BYTES)).hex(),
        proof=found.get("proof", hexadecimal(_PROOF_BYTES)),
    )


def proves(enrolment: Enrolment, secret: bytes) -> bool:
    """Whether whoever enrols knows the secret of the code."""
    expected = _proof(secret, enrolment.gateway, PublicKey(enrolment.key))
    return hmac.compare_digest(expected, enrolment.proof)


def _decode_code(body: bytes) -> EnrolmentCode:
    found = Claims(cbor.decode(body, _MAX_CODE_BYTES))
    return EnrolmentCode(
        host=found.get(_HOST, text),
        port=found.get(_PORT, integer(1, 65535)),
        tls=found.get(_TLS, boolean),
        log=found.get(_LOG, octets(ID_BYTES, ID_BYTES)).hex(),
        collector=found.get(_KEY, octets(PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES)),
        secret=found.get(_SECRET, octets(SECRET_BYTES, SECRET_BYTES)),
    )


def _proof(secret: bytes, gateway: str, key: PublicKey) -> bytes:
    return hmac.new(secret, bytes.fromhex(gateway) + key.data, hashlib.sha256).digest()
