"""Who may state things: parties, their keys, and the model ids that manufacturers were granted."""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.errors import ConflictError, NotFoundError
from collector.store import dialect
from collector.store.schema import grants, keys, parties
from evidence.keys import PublicKey


class KeyTerm(msgspec.Struct, frozen=True, kw_only=True):
    """How long a party signed with a key; `successor_signed` where it signed the next one with it."""

    party: str
    key_id: str
    valid_from: int
    ended_at: int | None
    successor_signed: bool | None


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A party, its keys by id with the instant at which each ended, and what it may speak for."""

    party: str
    register_number: str | None
    enrolled_at: int
    ceased: str | None
    keys: dict[str, int | None] = {}
    grants: list[str] = []


async def enrol(
    connection: AsyncConnection,
    party: str,
    key: PublicKey,
    *,
    at: int,
    register_number: str | None = None,
    granted: Collection[str] = (),
) -> None:
    """Let a party state things under a key; what is on record already stays and is added to.

    Args:
        connection: A writing transaction.
        party: `role:name`.
        key: Its public key.
        at: Now, Unix seconds.
        register_number: In a trade register; whoever has it there is that party.
        granted: Model ids, or beginnings of them that end in `*`.

    Raises:
        ConflictError: The key or the number is another party's, or the party has another number.
    """
    await _check_number(connection, party, register_number)
    new = dialect.insert(connection, parties).values(party=party, register_number=register_number, enrolled_at=at)
    known = sa.func.coalesce(parties.c.register_number, new.excluded.register_number)
    await connection.execute(new.on_conflict_do_update(index_elements=["party"], set_={"register_number": known}))
    await _add_key(connection, party, key, at)
    if granted:
        rows = [{"party": party, "model_id": name, "granted_at": at} for name in granted]
        await connection.execute(dialect.insert(connection, grants).on_conflict_do_nothing(), rows)


async def _check_number(connection: AsyncConnection, party: str, number: str | None) -> None:
    if number is None:
        return
    # One legal person may be seller and manufacturer, so only a second name in the same role is refused.
    same_role = parties.c.party.like(party.partition(":")[0] + ":%")
    clash = (parties.c.party == party) & (parties.c.register_number != number)
    clash |= (parties.c.party != party) & (parties.c.register_number == number) & same_role
    row = (await connection.execute(sa.select(parties).where(clash).limit(1))).one_or_none()
    if row is not None:
        raise ConflictError(f"{row.party} has register number {row.register_number}; a new name is not a new party")


async def _add_key(connection: AsyncConnection, party: str, key: PublicKey, at: int) -> None:
    key_id = key.id.hex()
    holder = await connection.scalar(sa.select(keys.c.party).where(keys.c.key_id == key_id))
    if holder is None:
        row = {"key_id": key_id, "public_key": key.data.hex(), "party": party, "valid_from": at}
        await connection.execute(sa.insert(keys).values(row))
    elif holder != party:
        raise ConflictError(f"key {key_id} is {holder}'s; every party signs with a key of its own")


async def end_key(connection: AsyncConnection, key_id: str, *, at: int) -> str:
    """Let nothing that is recorded later count under a party's key; what came before stays.

    Returns:
        The party.

    Raises:
        NotFoundError: No party has that key.
    """
    this = (keys.c.key_id == key_id) & keys.c.gateway.is_(None)
    party: str | None = await connection.scalar(sa.select(keys.c.party).where(this))
    if party is None:
        raise NotFoundError(f"no party was enrolled with key {key_id}; `issuers list` shows the keys")
    await connection.execute(sa.update(keys).where(this, keys.c.ended_at.is_(None)).values(ended_at=at))
    return party


async def replace_key(connection: AsyncConnection, party: str, old: str, new: PublicKey, *, at: int) -> None:
    """End a key that has signed its successor, and let the party go on under that.

    Args:
        connection: A writing transaction.
        party: `role:name`.
        old: Id of the key that ends.
        new: Its successor.
        at: Now, Unix seconds.

    Raises:
        ConflictError: The new key is on record already.
    """
    holder = await connection.scalar(sa.select(keys.c.party).where(keys.c.key_id == new.id.hex()))
    if holder is not None:
        raise ConflictError(f"key {new.id.hex()} is {holder}'s already; a successor is a new key")
    ended = {"ended_at": at, "successor_signed": True}
    await connection.execute(sa.update(keys).where(keys.c.key_id == old).values(ended))
    await _add_key(connection, party, new, at)


async def key_terms(connection: AsyncConnection, named: Collection[str]) -> list[KeyTerm]:
    """The terms of the keys of some parties, in the order in which they began."""
    columns = (getattr(keys.c, name) for name in KeyTerm.__struct_fields__)
    query = sa.select(*columns).where(keys.c.party.in_(named)).order_by(keys.c.valid_from, keys.c.key_id)
    return [KeyTerm(**row) for row in (await connection.execute(query)).mappings()]


async def cease(connection: AsyncConnection, party: str, last_day: str, *, at: int) -> None:
    """Put on record that a party is no more.

    Raises:
        NotFoundError: No such party.
        ConflictError: Another day is on record.
    """
    row = (await connection.execute(sa.select(parties).where(parties.c.party == party))).one_or_none()
    if row is None:
        raise NotFoundError(f"{party} was never enrolled")
    if row.ceased not in (None, last_day):
        raise ConflictError(f"{party} ceased on {row.ceased} according to the record")
    this = (parties.c.party == party) & parties.c.ceased.is_(None)
    await connection.execute(sa.update(parties).where(this).values(ceased=last_day, ceased_recorded_at=at))


async def listed(connection: AsyncConnection) -> list[Party]:
    """All parties but gateways, by name."""
    columns = (parties.c.party, parties.c.register_number, parties.c.enrolled_at, parties.c.ceased)
    known = sa.select(*columns).where(parties.c.party.not_like("gateway:%")).order_by(parties.c.party)
    found = {row["party"]: Party(**row) for row in (await connection.execute(known)).mappings()}
    for row in await connection.execute(sa.select(keys).where(keys.c.party.in_(found)).order_by(keys.c.valid_from)):
        found[row.party].keys[row.key_id] = row.ended_at
    for row in await connection.execute(sa.select(grants).order_by(grants.c.model_id)):
        found[row.party].grants.append(row.model_id)
    return list(found.values())
