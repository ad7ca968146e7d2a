"""Verification: is this message authentic, fresh and new? Pure; nothing of it is believed before step 4 has passed.

What a message must pass, in this order, and the stable reason where it does not:

0. *topic*: one of ours, in the shard of its gateway (`topic`).
1. *size*: at most what the format allows (`too_large`).
2. *envelope*: one deterministic COSE_Sign1 of the type that belongs on this topic, with our one algorithm (`malformed`,
   `not_deterministic`, `algorithm`, `profile`, `claim`).
3. *key*: known, that of the topic's gateway, and not revoked when the message came; one that was replaced counts below
   its successor's first number (`key`). A key that nobody knows is no rejection yet: the message is held until its
   gateway is enrolled.
4. *signature* (`signature`). What fails after it is the signer's own fault: it is refused to its face, and is a fact.
5. *claims*: of our profile, in bounds, and about the gateway of the topic (`profile`, `claim`, `topic`, ...).
6. *replay*: the same bytes were stored before, and get their receipt again; a used number with other bytes is refused
   (`sequence`). A lower number that was never used is late, not wrong.
7. *freshness*: not issued more than five minutes ahead of the collector's clock (`freshness`).

Steps 0 to 5 need no more than the keys, so that they may run beside the database. 6, 7 and whether the gateway was
revoked meanwhile need what is stored of the gateway (intake.py); the transaction that stores the report makes sure that
this is so still. Statements take steps 0 to 2 here and the others at the catalogue's door.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from collector.errors import RejectedError
from collector.store.gateways import EnrolledKey
from evidence import cose, ids, report, statement
from evidence.cose import Envelope
from evidence.errors import EvidenceError
from evidence.limits import MAX_MESSAGE_BYTES, MAX_STATEMENT_BYTES
from evidence.report import Outline

MAX_AHEAD_S: Final = 300
REVOKED: Final = "a revoked gateway; its home can go on as a new one, with a new state directory and a new code"
REPORT, STATEMENT = "report", "statement"
_TYPES: Final = {
    REPORT: (report.MESSAGE_TYPE, MAX_MESSAGE_BYTES),
    STATEMENT: (statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES),
}


class Message(msgspec.Struct, frozen=True):
    """A message whose form is right (steps 0 to 2); who signed it is not known yet; `key_id` in hex."""

    gateway: str
    leaf_topic: str
    digest: str
    key_id: str
    body: bytes
    envelope: Envelope


class History(Protocol):
    """What is stored of the gateways' reports, those of the same batch included."""

    def digest_of(self, gateway: str, sequence: int) -> str | None:
        """The digest of the report with this number, None where it was never used."""


def open_message(topic: str, data: bytes) -> Message:
    """Steps 0 to 2.

    Raises:
        RejectedError: With the reason of the step that failed.
    """
    # (0) The topic is ours, and its shard is the gateway's.
    parsed = ids.parse_topic(topic)
    if parsed is None or parsed[1] not in _TYPES:
        raise RejectedError("topic", "not updateplicht/1/<first byte of the gateway>/<gateway>/report or /statement")
    gateway, leaf_topic = parsed
    message_type, limit = _TYPES[leaf_topic]
    # (1) Not a byte more is looked at; (2) one envelope, of the type that belongs here.
    try:
        envelope = cose.parse(data, message_type, limit)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error)) from error
    return Message(gateway, leaf_topic, hashlib.sha256(data).hexdigest(), envelope.key_id.hex(), data, envelope)


def authenticate(message: Message, keys: Mapping[str, EnrolledKey], now: int) -> Outline | None:
    """Steps 3 to 5 for a report.

    Args:
        message: After steps 0 to 2.
        keys: Those that are known, by key id.
        now: When it came, Unix seconds.

    Returns:
        Its claims; None where nobody knows the key.

    Raises:
        RejectedError: With the reason of the step that failed.
    """
    # (3) The key is known, this gateway's, and not revoked.
    key = keys.get(message.key_id)
    if key is None:
        return None
    if key.gateway != message.gateway:
        raise RejectedError("key", "the key of somebody else than the topic's gateway", key_id=message.key_id)
    # (4) The signature; before the answer about a revoked key, which only its owner gets.
    try:
        payload = message.envelope.verify(key.key)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error), key_id=message.key_id) from error
    has_ended = key.ended_at is not None and key.ended_at <= now
    if has_ended and key.last_sequence is None:
        raise RejectedError("key", REVOKED, verified=True, key_id=message.key_id)
    # (5) The claims, and that they are about the gateway whose topic this is.
    try:
        claims = report.outline(payload)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error), verified=True, key_id=message.key_id) from error
    if claims.gateway != message.gateway:
        raise _refused("topic", f"a report of gateway {claims.gateway} on another's topic", message, claims)
    if has_ended and key.last_sequence is not None and claims.sequence > key.last_sequence:
        raise _refused("key", f"a replaced key, which counts up to number {key.last_sequence}", message, claims)
    return claims


def admit(message: Message, claims: Outline, history: History, now: int, *, revoked_at: int | None) -> bool:
    """Steps 6 and 7 for a report.

    Returns:
        True where it is new; False where the very same bytes are stored.

    Raises:
        RejectedError: `key`, `sequence` or `freshness`.
    """
    # (3) once more: the gateway may have been revoked since its key was looked up.
    if revoked_at is not None and revoked_at <= now:
        raise _refused("key", REVOKED, message, claims)
    # (6) The same bytes again are no offence; other bytes under a used number are.
    used_by = history.digest_of(message.gateway, claims.sequence)
    if used_by == message.digest:
        return False
    if used_by is not None:
        detail = f"number {claims.sequence} was used by other bytes; a copy of this gateway, or one from an old backup"
        raise _refused("sequence", detail, message, claims)
    # (7) Testimony about the future is none.
    if claims.issued_at > now + MAX_AHEAD_S:
        ahead = claims.issued_at - now
        raise _refused("freshness", f"issued {ahead} s ahead; set the clock and sign anew", message, claims)
    return True


def _refused(reason: str, detail: str, message: Message, claims: Outline) -> RejectedError:
    # A used number belongs to the report that used it: the one refused for it has none.
    sequence = None if reason == "sequence" else claims.sequence
    return RejectedError(reason, detail, verified=True, key_id=message.key_id, sequence=sequence)
