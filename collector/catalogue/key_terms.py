"""The terms for which parties sign with their keys: how a new key takes over from an old one, and the facts about it.

A party replaces a key by signing the new one with the old: a statement of kind `key_succession` with the fields `party`
and `key` (the new public key, 64 hex digits). It goes on record like any other, and the operator carries it out, since
whoever stole a key could sign one too. Keys that end before their term without it are a finding about the party
(`IDENTITY_CAROUSEL`, appraisal.md G11).
"""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue.door import CheckedStatement, open_signed
from collector.catalogue.instants import to_seconds, to_text
from collector.catalogue.reasons import Reason
from collector.catalogue.record import insert
from collector.errors import RejectedError
from collector.store import findings, parties
from collector.transparency.log import Log
from evidence.keys import PublicKey

KIND: Final = "key_succession"
Fact = dict[str, Any]


async def replace(connection: AsyncConnection, log: Log, party: str, new: PublicKey, data: bytes, *, at: int) -> str:
    """End a key of a party and let it go on under the one that the old key has signed.

    Args:
        connection: A writing transaction.
        log: The statement goes on record there.
        party: `role:name`.
        new: The key that takes over.
        data: The statement, signed with a key of the party that has not ended.
        at: Now, Unix seconds.

    Returns:
        The id of the key that has ended.

    Raises:
        RejectedError: It is not that party's word, or not about this key.
        ConflictError: The new key is somebody's already.
    """
    checked = await _checked(connection, party, new, data, at)
    await parties.replace_key(connection, party, checked.key_id, new, at=at)
    batch = await log.append(connection, [checked.digest], at)
    await insert(connection, checked, batch.leaf(checked.digest))
    return checked.key_id


async def end(connection: AsyncConnection, key_id: str, *, at: int) -> None:
    """Let nothing that is recorded later count under a party's key; its models are looked at again.

    Raises:
        NotFoundError: No party has that key.
    """
    party = await parties.end_key(connection, key_id, at=at)
    await findings.queue_party(connection, party, at=at)


async def _checked(connection: AsyncConnection, party: str, new: PublicKey, data: bytes, at: int) -> CheckedStatement:
    digest, key, stated = await open_signed(connection, data, gateway=None, recorded_at=at)
    expected = {"party": party, "key": new.data.hex()}
    if stated.kind != KIND:
        raise RejectedError(Reason.KIND, f"a {stated.kind} is no {KIND}", verified=True)
    if key.issuer != party:
        raise RejectedError(Reason.ISSUER, f"signed by {key.issuer}, not by {party}", verified=True)
    if dict(stated.fields) != expected:
        detail = f"it states {dict(stated.fields)}, not party {party} and key {new.data.hex()}"
        raise RejectedError(Reason.FIELD, detail, verified=True)
    fact = {
        "id": digest,
        "kind": KIND,
        "recorded_at": to_text(at),
        "asserted_at": stated.asserted_at,
        "issuer": party,
        **expected,
    }
    return CheckedStatement(
        digest=digest,
        kind=KIND,
        issuer=party,
        key_id=key.key_id,
        asserted_at=to_seconds(stated.asserted_at),
        recorded_at=at,
        fact=fact,
        body=data,
    )


async def key_facts(connection: AsyncConnection, named: Collection[str]) -> list[Fact]:
    """The terms of the keys of some parties, for the shared facts of `appraise_fleet`.

    A key that has ended is given twice: as it was recorded, and from its end on with that end, in place of the other.
    """
    return [fact for term in await parties.key_terms(connection, named) for fact in _facts(term)]


def _facts(term: parties.KeyTerm) -> list[Fact]:
    begun: Fact = {
        "id": f"key:{term.key_id}",
        "kind": "key",
        "recorded_at": to_text(term.valid_from),
        "issuer": "operator:register",
        "party": term.party,
        "key": term.key_id,
        "valid_from": to_text(term.valid_from),
    }
    if term.ended_at is None:
        return [begun]
    ended_at = to_text(term.ended_at)
    ended = {
        **begun,
        "id": f"{begun['id']}:ended",
        "recorded_at": ended_at,
        "ended_at": ended_at,
        "successor_signed": bool(term.successor_signed),
        "corrects": begun["id"],
    }
    return [begun, ended]
