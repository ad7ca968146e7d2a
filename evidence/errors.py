"""What can be wrong with bytes that were received. Nothing else leaves this room.

    EvidenceError                 code
      TooLargeError               too_large       more bytes, items or nesting than the format allows
      MalformedError              malformed       no CBOR, or not of the shape that the format gives
      NotDeterministicError       not_deterministic  CBOR, but not the one encoding that is allowed
      AlgorithmError              algorithm       signed with anything but Ed25519 (-19)
      ProfileError                profile         a type or version of message that this reader does not know
      ClaimError                  claim           a claim that is missing, of the wrong form or out of bounds
      SignatureError              signature       the signature does not fit the key and the bytes
      ProofError                  proof           the Merkle proof does not lead to the signed root
      EnrolmentCodeError          enrolment_code  an enrolment code that was cut, mistyped or is of another version
      DraftCodeError              draft_code      a draft that was cut, mistyped, or holds what no statement can

The codes are stable: logs, counters, the API and the store carry them. Messages may quote what was refused, so they are
made safe for a log or a terminal: one line, bounded, nothing in it that moves a cursor.
"""

from typing import ClassVar

_MAX_MESSAGE = 300  # characters


class EvidenceError(Exception):
    """Bytes that do not hold what they should; `code` is the stable word for why."""

    code: ClassVar[str] = "evidence"

    def __init__(self, message: str) -> None:
        safe = message if message.isprintable() else message.encode("unicode_escape").decode("ascii")
        super().__init__(safe if len(safe) <= _MAX_MESSAGE else safe[: _MAX_MESSAGE - 1] + "…")


class TooLargeError(EvidenceError):
    """More bytes, items or nesting than the format allows."""

    code = "too_large"


class MalformedError(EvidenceError):
    """No CBOR, or not of the shape that the format gives."""

    code = "malformed"


class NotDeterministicError(EvidenceError):
    """CBOR, but not in its one deterministic encoding (RFC 8949 section 4.2)."""

    code = "not_deterministic"


class AlgorithmError(EvidenceError):
    """Signed with anything but Ed25519 as RFC 9864 names it (-19)."""

    code = "algorithm"


class ProfileError(EvidenceError):
    """A type or version of message that this reader does not know."""

    code = "profile"


class ClaimError(EvidenceError):
    """A claim that is missing, of the wrong form or out of bounds; `path` leads to it."""

    code = "claim"

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path}: expected {expected}")
        self.path = path
        self.expected = expected


class SignatureError(EvidenceError):
    """The signature does not fit the key and the bytes."""

    code = "signature"


class ProofError(EvidenceError):
    """The Merkle proof does not lead to the signed root."""

    code = "proof"


class EnrolmentCodeError(EvidenceError):
    """An enrolment code that was cut, mistyped, or is of another version."""

    code = "enrolment_code"


class DraftCodeError(EvidenceError):
    """A draft that was cut, mistyped, or holds what no statement can."""

    code = "draft_code"
