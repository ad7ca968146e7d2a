"""What a collector answers: receipts, refusals and requests.

A **receipt** is a COSE receipt (RFC 9942) of inclusion: the signature is over the root of the log's Merkle tree, which
is not carried but recomputed from the proof. One signature serves every receipt of a batch; log, time and tree size
stand in its protected header (15, RFC 9597), the digest of what was accepted beside the proof, where the proof itself
vouches for it. The size has to be signed: one root and one path can fit trees of several sizes.

A receipt may also show that its tree continues an earlier one: a proof of consistency beside that of inclusion, under
the same signature, from the tree that the gateway named in its report.

A **refusal** names digest, reason and the last accepted number, and releases the evidence from the spool. A
**request** asks for the whole inventory, or for numbers that never came.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from evidence import cbor, claims, cose, merkle
from evidence.claims import Claims
from evidence.cose import ALGORITHM, ED25519, KEY_ID
from evidence.errors import ClaimError, ProofError
from evidence.ids import from_ueid, hex_id, to_ueid
from evidence.keys import PublicKey, SigningKey
from evidence.limits import MAX_ANSWER_BYTES, MAX_INTEGER, MAX_PATH, MAX_RANGES, MAX_SEQUENCE

REFUSAL_TYPE = "application/vnd.updateplicht.refusal+cbor"
REQUEST_TYPE = "application/vnd.updateplicht.request+cbor"

CWT_CLAIMS, VDS, VDP = 15, 395, 396
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
ISS, IAT, UEID = 1, 6, 256
DIGEST, REASON, LAST_SEQUENCE, TREE_SIZE, EARLIER_ROOT = -70201, -70202, -70203, -70204, -70205
WHOLE, MISSING = -70301, -70302
_VDP, _INCLUSION, _CONSISTENCY = (cbor.encode(key) for key in (VDP, INCLUSION, CONSISTENCY))
_BEFORE_HASH = cbor.head(0x40, merkle.HASH_BYTES)
_DIGEST, _EARLIER_ROOT = (cbor.encode(key) for key in (DIGEST, EARLIER_ROOT))


class TreeHead(msgspec.Struct, frozen=True, kw_only=True):
    """A signed root: what all receipts of one batch share.

    Attributes:
        log: Id of the log, 32 hex digits.
        size: Leaves in the tree.
        root: 32 bytes.
        signed_at: Unix seconds by the collector's clock.
        protected: The encoded protected header.
        signature: 64 bytes over it and the root.
    """

    log: str
    size: int
    root: bytes
    signed_at: int
    protected: bytes
    signature: bytes


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier tree of a log, and how a later one continues it.

    Attributes:
        size: Leaves in it.
        root: Its root.
        path: The consistency proof to the later tree; empty where it was checked and is not needed any more.
    """

    size: int
    root: bytes
    path: tuple[bytes, ...] = ()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that was checked: this digest is leaf `index` of the tree of `size` with this root.

    Attributes:
        earlier: A tree that this one is shown to continue, by the proof alone: whoever saw another root at that size
            has seen another history.
    """

    digest: bytes
    log: str
    index: int
    size: int
    root: bytes
    signed_at: int
    earlier: Earlier | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not accepted.

    Attributes:
        log: Id of the log that refused.
        gateway: To whom.
        digest: SHA-256 of the whole bytes that were refused.
        reason: A stable word.
        last_sequence: The highest number accepted from this gateway, 0 where none was.
        refused_at: Unix seconds by the collector's clock.
    """

    log: str
    gateway: str
    digest: bytes
    reason: str
    last_sequence: int
    refused_at: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector lacks: the whole inventory, or numbers (ranges, both ends included)."""

    log: str
    gateway: str
    requested_at: int
    whole: bool = False
    missing: tuple[tuple[int, int], ...] = ()


def sign_head(*, log: str, size: int, root: bytes, signed_at: int, key: SigningKey) -> TreeHead:
    """Sign the root of the log as it is after a batch."""
    protected = cbor.encode(
        {
            ALGORITHM: ED25519,
            KEY_ID: key.public.id,
            CWT_CLAIMS: {ISS: log, IAT: signed_at, TREE_SIZE: size},
            VDS: RFC9162_SHA256,
        }
    )
    signature = key.sign(cose.sig_structure(protected, root))
    return TreeHead(log=log, size=size, root=root, signed_at=signed_at, protected=protected, signature=signature)


def encode_receipt(
    head: TreeHead, digest: bytes, index: int, path: Sequence[bytes], earlier: Earlier | None = None
) -> bytes:
    """The receipt of one leaf under a signed head; with an earlier tree that it continues, where one is given."""
    siblings = cbor.head(0x80, len(path)) + _BEFORE_HASH.join((b"", *path))  # before each one
    inclusion = cbor.array(cbor.encode_part(head.size), cbor.encode_part(index), siblings)
    proofs = [_INCLUSION, cbor.array(cbor.octets(inclusion))]
    beside = [_DIGEST, cbor.octets(digest)]
    if earlier is not None:
        proofs += [_CONSISTENCY, cbor.array(cbor.octets(encode_growth(earlier, head.size)))]
        beside += [_EARLIER_ROOT, cbor.octets(earlier.root)]
    return cose.join(head.protected, cbor.mapping(_VDP, cbor.mapping(*proofs), *beside), None, head.signature)


def encode_growth(earlier: Earlier, size: int) -> bytes:
    """A consistency proof as a receipt carries it."""
    return cbor.encode([earlier.size, size, list(earlier.path)])


def open_receipt(data: bytes, key: PublicKey) -> Receipt:
    """Check a receipt of inclusion.

    Raises:
        EvidenceError: Proof where the proof does not fit, Signature where the root is not the log's; else for the form.
    """
    envelope = cose.parse(data, None, MAX_ANSWER_BYTES)
    issued = issued_claims(envelope)
    beside = Claims(envelope.unprotected, "unprotected")
    digest = beside.get(DIGEST, claims.digest)
    proofs = Claims(beside.get(VDP, lambda value, _: value), beside.path(VDP))
    size, index, path = _proof(proofs)
    if size != issued.get(TREE_SIZE, claims.integer(1, MAX_INTEGER)):
        raise ProofError("the proof is for a tree of another size than the signed one")
    root = merkle.root_from_inclusion(merkle.leaf_hash(digest), index, size, path)
    envelope.verify(key, detached=root)
    earlier, later = open_growth(proofs, beside) or (None, (size, root))
    if later != (size, root):
        raise ProofError("the consistency proof leads to another tree than the signed one")
    return Receipt(
        digest=digest,
        earlier=earlier,
        log=issued.get(ISS, hex_id),
        signed_at=issued.get(IAT, claims.instant),
        index=index,
        size=size,
        root=root,
    )


def issued_claims(envelope: cose.Envelope) -> Claims:
    """Log, time and size in the protected header of a signed head, not yet checked.

    Raises:
        ClaimError: It is not the head of a tree that we know.
    """
    header = Claims(envelope.header, "protected")
    if header.get(VDS, claims.integer(0, 2**16)) != RFC9162_SHA256:
        raise ClaimError(header.path(VDS), "1, a tree of RFC 9162")
    return Claims(header.get(CWT_CLAIMS, lambda value, _: value), header.path(CWT_CLAIMS))


def open_growth(proofs: Claims, beside: Claims) -> tuple[Earlier, tuple[int, bytes]] | None:
    """The earlier tree that a consistency proof begins with, and size and root that it leads to; None where none is.

    Raises:
        EvidenceError: The proof has not the form that it needs, or does not begin with the root that stands beside it.
    """
    found = proofs.find(CONSISTENCY, claims.array(claims.octets(1, MAX_ANSWER_BYTES), 1))
    if found is None:
        return None
    root = beside.get(EARLIER_ROOT, claims.digest)
    match cbor.decode(found[0], MAX_ANSWER_BYTES) if found else None:
        case [first, second, path]:
            size = claims.integer(1, MAX_INTEGER)(first, "proof/size1")
            later = claims.integer(1, MAX_INTEGER)(second, "proof/size2")
            hashes = claims.array(claims.digest, MAX_PATH)(path, "proof/path")
        case _:
            raise ProofError("a consistency proof is [earlier size, later size, path]")
    return Earlier(size=size, root=root), (later, merkle.root_from_consistency(size, root, later, hashes))


def _proof(found: Claims) -> tuple[int, int, tuple[bytes, ...]]:
    proofs = found.get(INCLUSION, claims.array(claims.octets(1, MAX_ANSWER_BYTES), 1))
    if len(proofs) != 1:
        raise ProofError("exactly one inclusion proof is needed")
    match cbor.decode(proofs[0], MAX_ANSWER_BYTES):
        case [size, index, path]:
            return (
                claims.integer(1, MAX_INTEGER)(size, "proof/size"),
                claims.integer(0, MAX_INTEGER)(index, "proof/index"),
                claims.array(claims.digest, MAX_PATH)(path, "proof/path"),
            )
        case _:
            raise ProofError("an inclusion proof is [tree size, leaf index, path]")


def sign_refusal(refusal: Refusal, key: SigningKey) -> bytes:
    """A refusal in its signed envelope.

    Raises:
        EvidenceError: What `open_refusal` would raise for its claims.
    """
    payload: dict[int, Any] = {
        ISS: refusal.log,
        IAT: refusal.refused_at,
        UEID: to_ueid(refusal.gateway),
        DIGEST: refusal.digest,
        REASON: refusal.reason,
        LAST_SEQUENCE: refusal.last_sequence,
    }
    data = cbor.encode(payload)
    _decode_refusal(data)
    return cose.sign(data, key, REFUSAL_TYPE, MAX_ANSWER_BYTES)


def open_refusal(data: bytes, key: PublicKey) -> Refusal:
    """Check a refusal.

    Raises:
        EvidenceError: For the form, the signature, or a claim.
    """
    return _decode_refusal(cose.parse(data, REFUSAL_TYPE, MAX_ANSWER_BYTES).verify(key))


def _decode_refusal(payload: bytes) -> Refusal:
    found = Claims(cbor.decode(payload, MAX_ANSWER_BYTES))
    return Refusal(
        log=found.get(ISS, hex_id),
        gateway=found.get(UEID, from_ueid),
        digest=found.get(DIGEST, claims.digest),
        reason=found.get(REASON, claims.text),
        last_sequence=found.get(LAST_SEQUENCE, claims.integer(0, MAX_SEQUENCE)),
        refused_at=found.get(IAT, claims.instant),
    )


def sign_request(request: Request, key: SigningKey) -> bytes:
    """A request in its signed envelope.

    Raises:
        EvidenceError: What `open_request` would raise for its claims, too many ranges among them.
    """
    payload: dict[int, Any] = {
        ISS: request.log,
        IAT: request.requested_at,
        UEID: to_ueid(request.gateway),
        WHOLE: request.whole,
        MISSING: [list(span) for span in request.missing],
    }
    data = cbor.encode(payload)
    _decode_request(data)
    return cose.sign(data, key, REQUEST_TYPE, MAX_ANSWER_BYTES)


def open_request(data: bytes, key: PublicKey) -> Request:
    """Check a request.

    Raises:
        EvidenceError: For the form, the signature, or a claim.
    """
    return _decode_request(cose.parse(data, REQUEST_TYPE, MAX_ANSWER_BYTES).verify(key))


def _decode_request(payload: bytes) -> Request:
    found = Claims(cbor.decode(payload, MAX_ANSWER_BYTES))
    return Request(
        log=found.get(ISS, hex_id),
        gateway=found.get(UEID, from_ueid),
        requested_at=found.get(IAT, claims.instant),
        whole=found.get(WHOLE, claims.boolean),
        missing=found.get(MISSING, claims.array(_span, MAX_RANGES)),
    )


def _span(value: object, path: str) -> tuple[int, int]:
    ends = claims.array(claims.integer(1, MAX_SEQUENCE), 2)(value, path)
    if len(ends) != 2 or ends[0] > ends[1]:
        raise ClaimError(path, "a first and a last number")
    return ends[0], ends[1]
