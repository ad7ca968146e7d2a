"""What was stated: the keys and rights of those who state, the statements themselves, and whom they concern."""

from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import dialect
from collector.store.schema import device_model_ids, devices, grants, heads, keys, model_ids, parties, statements

PAGE: Final = 500
Fact = dict[str, Any]


class IssuerKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that somebody was enrolled with; `gateway` is set where it is a gateway's."""

    key_id: str
    public_key: str
    party: str
    gateway: str | None
    ended_at: int | None

    @property
    def issuer(self) -> str:
        """Whose word a statement under this key is: a gateway's key signs for the household that owns it."""
        return self.party if self.gateway is None else f"consumer:{self.gateway}"


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as the register keeps it; the attributes are those of the table."""

    digest: str
    leaf: int
    kind: str
    issuer: str
    key_id: str
    asserted_at: int
    recorded_at: int
    model: str | None
    device: str | None
    document: str | None
    fact: Fact
    body: bytes | None


# --- who may state what ---


async def issuer_key(connection: AsyncConnection, key_id: str) -> IssuerKey | None:
    """The key of that id, None where nobody was enrolled with it."""
    columns = (getattr(keys.c, name) for name in IssuerKey.__struct_fields__)
    row = (await connection.execute(sa.select(*columns).where(keys.c.key_id == key_id))).mappings().one_or_none()
    return None if row is None else IssuerKey(**row)


async def granted(connection: AsyncConnection, party: str) -> set[str]:
    """The model ids, and beginnings of model ids that end in `*`, that a party may speak for."""
    return set(await connection.scalars(sa.select(grants.c.model_id).where(grants.c.party == party)))


async def gateways_of(connection: AsyncConnection, device: str) -> set[str]:
    """The gateways that reported a device of this id."""
    return set(await connection.scalars(sa.select(devices.c.gateway).where(devices.c.device == device)))


async def makers(connection: AsyncConnection, model: str, *, but: str | None = None) -> set[str]:
    """Who makes a model, by what was stated of it and not corrected since.

    Args:
        connection: To the register.
        model: Its name.
        but: A statement to leave out.
    """
    facts = {fact["id"]: fact for fact in await _facts(connection, _of("model", statements.c.model == model))}
    corrected = {fact.get("corrects") for fact in facts.values()} | {but}
    return {fact["manufacturer"] for digest, fact in facts.items() if digest not in corrected}


async def makers_of_device(connection: AsyncConnection, device: str) -> set[str]:
    """Who makes the models whose ids a device of this id reports."""
    models = await connection.scalars(
        sa.select(model_ids.c.model)
        .distinct()
        .join(device_model_ids, device_model_ids.c.model_id == model_ids.c.model_id)
        .where(device_model_ids.c.device == device)
    )
    return {maker for model in models for maker in await makers(connection, model)}


# --- statements ---


async def recorded(connection: AsyncConnection, digest: str) -> Recorded | None:
    """The statement with these signed bytes, None where it is not on record."""
    found = await connection.execute(sa.select(statements).where(statements.c.digest == digest))
    row = found.mappings().one_or_none()
    return None if row is None else Recorded(**row)


async def insert(connection: AsyncConnection, row: Recorded, ids: Iterable[str]) -> None:
    """Put a statement on record, once.

    Args:
        connection: A writing transaction.
        row: The statement.
        ids: The model ids that it claims, where it is about a model.
    """
    await insert_all(connection, [(row, ids)])


async def insert_all(connection: AsyncConnection, rows: Collection[tuple[Recorded, Iterable[str]]]) -> None:
    """Put statements on record, each once and with the model ids that it claims."""
    values = [msgspec.structs.asdict(row) for row, _ in rows]
    if values:
        await connection.execute(dialect.insert(connection, statements).on_conflict_do_nothing(), values)
    claimed = [
        {"model_id": name, "digest": row.digest, "model": row.model} for row, ids in rows for name in sorted(set(ids))
    ]
    if claimed:
        await connection.execute(dialect.insert(connection, model_ids).on_conflict_do_nothing(), claimed)


async def models_claiming(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """The models of which some statement, whenever it was made, claims one of these ids."""
    return set(await connection.scalars(sa.select(model_ids.c.model).where(model_ids.c.model_id.in_(ids)).distinct()))


async def facts_of_models(connection: AsyncConnection, models: Collection[str]) -> list[Fact]:
    """What was stated about models: what they are, promises, releases, advisories."""
    kinds = ("model", "window", "release", "advisory")
    return await _facts(connection, statements.c.model.in_(models), statements.c.kind.in_(kinds))


async def facts_of_device(
    connection: AsyncConnection, gateway: str, device: str, *, revoked_at: int | None
) -> list[Fact]:
    """What was stated about a device, by its own household or by anybody who is no household.

    Acknowledgements are among it, answers are not, nor what the household said since its gateway is revoked.
    """
    kinds = ("sale", "unit", "notice", "acknowledgement")
    return await _facts(
        connection,
        statements.c.device == device,
        statements.c.kind.in_(kinds),
        _of_household(gateway, revoked_at) | _OF_NO_HOUSEHOLD,
    )


async def waiver_deposits(
    connection: AsyncConnection, gateway: str, device: str, models: Collection[str], *, revoked_at: int | None
) -> list[Fact]:
    """The deposits of waivers that concern a device.

    A waiver names a model and no device, so a seller's deposit concerns the household that deposited the same document,
    and the device that it names where it names one.
    """
    own = _of_household(gateway, revoked_at)
    same_document = sa.select(statements.c.document).where(statements.c.kind == "waiver", own)
    return await _facts(
        connection,
        statements.c.kind == "waiver",
        statements.c.model.in_(models),
        own | _OF_NO_HOUSEHOLD,
        statements.c.device.is_(None) | (statements.c.device == device),
        (statements.c.document.in_(same_document)) | (statements.c.device == device),
    )


async def ceased_parties(connection: AsyncConnection, named: Collection[str]) -> list[tuple[str, str, int]]:
    """Those among the named parties that are no more: party, last day, when that was recorded."""
    query = sa.select(parties.c.party, parties.c.ceased, parties.c.ceased_recorded_at)
    rows = await connection.execute(query.where(parties.c.party.in_(named), parties.c.ceased.is_not(None)))
    return [(row.party, row.ceased, row.ceased_recorded_at) for row in rows]


async def newest_recorded_at(connection: AsyncConnection) -> int | None:
    """When something was recorded last; the entry that begins the log is not counted."""
    query = sa.select(sa.func.max(heads.c.signed_at)).where(heads.c.size > 1)
    newest: int | None = (await connection.execute(query)).scalar_one()
    return newest


async def listed(
    connection: AsyncConnection, *, kind: str | None, model: str | None, issuer: str | None
) -> AsyncIterator[Recorded]:
    """Statements in the order of the log, read page by page."""
    column = statements.c
    wanted = [column[name] == value for name, value in (("kind", kind), ("model", model), ("issuer", issuer)) if value]
    query = sa.select(statements).where(*wanted).order_by(column.leaf).limit(PAGE)
    after = -1
    while rows := (await connection.execute(query.where(column.leaf > after))).mappings().all():
        for row in rows:
            yield Recorded(**row)
        after = rows[-1]["leaf"]


def _of(kind: str, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(statements.c.kind == kind, *conditions)


def _of_household(gateway: str, revoked_at: int | None) -> sa.ColumnElement[bool]:
    own = statements.c.issuer == f"consumer:{gateway}"
    return own if revoked_at is None else own & (statements.c.recorded_at < revoked_at)


_OF_NO_HOUSEHOLD: Final = statements.c.issuer.not_like("consumer:%")


async def _facts(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[Fact]:
    return list(await connection.scalars(sa.select(statements.c.fact).where(*conditions)))
