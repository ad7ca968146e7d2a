"""What a log shows to anybody: its signed head, and that a later head continues an earlier one.

Both are made of the one signature over a head. A **checkpoint** carries the root as its payload; a **receipt of
consistency** (RFC 9942) carries the earlier root and the path, from which the signed root follows.
"""

import msgspec

from evidence import claims, cose
from evidence.claims import Claims
from evidence.errors import ProofError
from evidence.ids import hex_id
from evidence.keys import PublicKey
from evidence.limits import MAX_ANSWER_BYTES, MAX_INTEGER
from evidence.receipt import (
    CONSISTENCY,
    EARLIER_ROOT,
    IAT,
    ISS,
    TREE_SIZE,
    VDP,
    Earlier,
    TreeHead,
    encode_growth,
    issued_claims,
    open_growth,
)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A head that was checked.

    Attributes:
        earlier: A tree that it is shown to continue.
    """

    log: str
    size: int
    root: bytes
    signed_at: int
    earlier: Earlier | None = None


def encode_checkpoint(head: TreeHead) -> bytes:
    """A signed head with the root that it signs."""
    return cose.envelope(head.protected, {}, head.root, head.signature)


def open_checkpoint(data: bytes, key: PublicKey) -> Checkpoint:
    """Check a signed head.

    Raises:
        EvidenceError: For the form, the signature, or a claim.
    """
    envelope = cose.parse(data, None, MAX_ANSWER_BYTES)
    root = claims.digest(envelope.verify(key), "payload")
    return _checkpoint(issued_claims(envelope), root)


def encode_consistency(head: TreeHead, earlier: Earlier) -> bytes:
    """The receipt of consistency under a signed head."""
    beside = {VDP: {CONSISTENCY: [encode_growth(earlier, head.size)]}, EARLIER_ROOT: earlier.root}
    return cose.envelope(head.protected, beside, None, head.signature)


def open_consistency(data: bytes, key: PublicKey) -> Checkpoint:
    """Check a receipt of consistency: its head continues the earlier tree that it names.

    Raises:
        EvidenceError: Proof where the proof does not fit, Signature where it leads to no root of the log; else for
            the form.
    """
    envelope = cose.parse(data, None, MAX_ANSWER_BYTES)
    issued = issued_claims(envelope)
    beside = Claims(envelope.unprotected, "unprotected")
    shown = open_growth(Claims(beside.get(VDP, lambda value, _: value), beside.path(VDP)), beside)
    if shown is None:
        raise ProofError("exactly one consistency proof is needed")
    earlier, (size, root) = shown
    envelope.verify(key, detached=root)
    found = _checkpoint(issued, root, earlier)
    if found.size != size:
        raise ProofError("the proof is for a tree of another size than the signed one")
    return found


def _checkpoint(issued: Claims, root: bytes, earlier: Earlier | None = None) -> Checkpoint:
    return Checkpoint(
        log=issued.get(ISS, hex_id),
        size=issued.get(TREE_SIZE, claims.integer(1, MAX_INTEGER)),
        root=root,
        signed_at=issued.get(IAT, claims.instant),
        earlier=earlier,
    )
