"""The door of the catalogue: whose word a statement is, whether it has the right form, and whether he may say it.

Nothing is believed before the signature was checked, and nothing is written here. A statement that fails a step is
refused with the stable word of that step, so that it can be kept, counted and shown, and touches no verdict:

1. *size*: at most `MAX_STATEMENT_BYTES`. A statement that is on record already passes here; it was checked then.
2. *envelope*: a deterministic COSE_Sign1 of the statement's type and our one algorithm.
3. *key*: known, and that of the gateway on whose topic it came.
4. *signature*; then that the key had not ended when the statement is recorded (`key` again).
5. *claims*: text keys, nothing that only the register may set.
6. *kind*: one that somebody may state; `party`, `key` and `report` are made by the collector.
7. *form*: rule F0 of that kind (`kinds.fault`).
8. *time*: not signed for an instant more than five minutes ahead.
9. *right*: `authority.check`.

A gateway's own `key_succession`, on its own topic, is no fact: form and right are those of `own_key.check`.
"""

import hashlib
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue import authority, kinds, own_key
from collector.catalogue.instants import to_seconds, to_text
from collector.catalogue.reasons import Reason
from collector.errors import RejectedError
from collector.store import statements
from evidence import cose, statement
from evidence.cose import Envelope
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.limits import MAX_STATEMENT_BYTES

MAX_AHEAD: Final = timedelta(minutes=5)
"""How far an issuer's clock may be ahead of ours."""

Keys = dict[str, statements.IssuerKey]
"""Issuers' keys by id, as they are within one transaction."""


class CheckedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that may be recorded.

    Attributes:
        digest: SHA-256 of the signed bytes in hex: what the log keeps, and the fact's id.
        kind: What it states.
        issuer: `role:name`, from the key.
        key_id: The key, in hex.
        asserted_at: What the signature claims, Unix seconds.
        recorded_at: When the register received it, Unix seconds.
        fact: The statement in the form of a fact.
        body: The signed bytes; None where they were erased after they went on record.
        leaf: Its place in the log, where it is on record already.
    """

    digest: str
    kind: str
    issuer: str
    key_id: str
    asserted_at: int
    recorded_at: int
    fact: dict[str, Any]
    body: bytes | None
    leaf: int | None = None


async def check_statement(
    connection: AsyncConnection, data: bytes, *, gateway: str | None, recorded_at: int
) -> CheckedStatement:
    """Whether these bytes may go on record.

    Args:
        connection: To the register; what is enrolled and recorded there decides.
        data: The signed bytes.
        gateway: The gateway on whose topic they came; None where they were handed in otherwise.
        recorded_at: When they are recorded, Unix seconds.

    Raises:
        RejectedError: They may not; `reason` is the word of the step that they failed.
    """
    digest = hashlib.sha256(data).hexdigest()
    if (found := await statements.recorded(connection, digest)) is not None:
        return CheckedStatement(**{name: getattr(found, name) for name in CheckedStatement.__struct_fields__})
    return await check_new(connection, data, gateway=gateway, recorded_at=recorded_at, keys={})


async def check_new(
    connection: AsyncConnection, data: bytes, *, gateway: str | None, recorded_at: int, keys: Keys
) -> CheckedStatement:
    """Whether bytes that are on record nowhere may go there.

    Args:
        connection: To the register.
        data: The signed bytes.
        gateway: As for `check_statement`.
        recorded_at: When they are recorded, Unix seconds.
        keys: What was looked up before in this transaction; what is looked up now goes in.

    Raises:
        RejectedError: They may not.
    """
    envelope = _envelope(data)
    try:
        return await _check_envelope(connection, data, envelope, gateway, recorded_at, keys)
    except RejectedError as error:
        error.key_id = envelope.key_id.hex()
        raise


async def open_signed(
    connection: AsyncConnection, data: bytes, *, gateway: str | None, recorded_at: int
) -> tuple[str, statements.IssuerKey, statement.Statement]:
    """Steps 1 to 5 only: the digest of some bytes, whose word they are, and what they say.

    Raises:
        RejectedError: They fail one of these steps.
    """
    key, stated = await _signed(connection, _envelope(data), gateway, recorded_at, {})
    return hashlib.sha256(data).hexdigest(), key, stated


async def _signed(
    connection: AsyncConnection, envelope: Envelope, gateway: str | None, recorded_at: int, keys: Keys
) -> tuple[statements.IssuerKey, statement.Statement]:
    key = await _key(connection, envelope, gateway, keys)
    stated = _claims(envelope, PublicKey(bytes.fromhex(key.public_key)))
    if key.ended_at is not None and key.ended_at <= recorded_at:  # an answer that only its owner gets
        raise RejectedError(Reason.KEY, f"this key of {key.party} ended at {to_text(key.ended_at)}", verified=True)
    return key, stated


async def _check_envelope(
    connection: AsyncConnection, data: bytes, envelope: Envelope, gateway: str | None, recorded_at: int, keys: Keys
) -> CheckedStatement:
    key, stated = await _signed(connection, envelope, gateway, recorded_at, keys)
    digest = hashlib.sha256(data).hexdigest()
    fact = {
        "id": digest,
        "kind": stated.kind,
        "recorded_at": to_text(recorded_at),
        "asserted_at": stated.asserted_at,
        "issuer": key.issuer,
        **stated.fields,
    }
    is_own_key = stated.kind == own_key.KIND and gateway is not None
    if not is_own_key:
        _check_form(stated.kind, fact)
    asserted_at = to_seconds(stated.asserted_at)
    if asserted_at > recorded_at + MAX_AHEAD.total_seconds():
        raise authority.refused(Reason.FUTURE, f"signed for {stated.asserted_at}; set the clock that signs")
    await (own_key.check(connection, stated, key) if is_own_key else authority.check(connection, fact))
    return CheckedStatement(
        digest=digest,
        kind=stated.kind,
        issuer=key.issuer,
        key_id=key.key_id,
        asserted_at=asserted_at,
        recorded_at=recorded_at,
        fact=fact,
        body=data,
    )


def _envelope(data: bytes) -> Envelope:
    try:
        return cose.parse(data, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error)) from error


async def _key(
    connection: AsyncConnection, envelope: Envelope, gateway: str | None, keys: Keys
) -> statements.IssuerKey:
    key_id = envelope.key_id.hex()
    key = keys.get(key_id) or await statements.issuer_key(connection, key_id)
    if key is None:
        raise RejectedError(Reason.KEY, "nobody enrolled has this key; enrol the issuer first")
    keys[key_id] = key
    if gateway is not None and key.gateway != gateway:
        raise RejectedError(Reason.KEY, f"this key is {key.party}'s, not that of gateway {gateway}")
    return key


def _claims(envelope: Envelope, key: PublicKey) -> statement.Statement:
    try:
        payload = envelope.verify(key)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error)) from error
    try:
        return statement.decode(payload)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error), verified=True) from error


def _check_form(kind: str, fact: dict[str, Any]) -> None:
    if kind not in kinds.FACT_KINDS and kind not in kinds.ABOUT_FACTS:
        known = ", ".join(sorted({*kinds.FACT_KINDS, *kinds.ABOUT_FACTS}))
        raise authority.refused(Reason.KIND, f"nobody states a {kind}; the kinds are {known}")
    if (fault := kinds.fault(kind, fact)) is not None:
        raise authority.refused(Reason.FIELD, fault)
