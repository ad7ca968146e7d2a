"""Who may send: gateways, their keys, and the codes with which they enrol."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk, dialect
from collector.store.rejected import conflicts
from collector.store.revocations import recorded_at
from collector.store.schema import devices, enrolment_codes, gateways, keys, parties
from evidence.keys import PublicKey


class EnrolledKey(msgspec.Struct, frozen=True):
    """A key that is known.

    Attributes:
        key: The key.
        gateway: None where it is no gateway's.
        ended_at: From when on nothing counts under it.
        replaces: The key that ends with the first report under this one.
        last_sequence: Of a key that was replaced: up to here its reports count all the same.
    """

    key: PublicKey
    gateway: str | None
    ended_at: int | None
    replaces: str | None = None
    last_sequence: int | None = None


class OpenCode(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment code that still works."""

    code: str
    secret: bytes


async def enrolled_keys(connection: AsyncConnection, key_ids: Collection[str]) -> dict[str, EnrolledKey]:
    """The known ones among these keys, by key id."""
    found = await bulk.select(connection, _ENROLLED, [keys.c.key_id], [(key_id,) for key_id in key_ids])
    return {key_id: EnrolledKey(PublicKey(key), *others) for key_id, key, *others in found}


_ENROLLED: Final = (
    keys.c.key_id,
    sa.type_coerce(keys.c.public_key, sa.LargeBinary),
    *(keys.c[field] for field in EnrolledKey.__struct_fields__[1:]),
)


async def key_of(connection: AsyncConnection, gateway: str) -> str | None:
    """The public key that a gateway is enrolled with, its newest, in hex; None where it is not enrolled."""
    newest = (keys.c.ended_at.is_(None).desc(), keys.c.replaces.is_not(None).desc(), keys.c.valid_from.desc())
    query = sa.select(keys.c.public_key).where(keys.c.gateway == gateway).order_by(*newest).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def enrol(connection: AsyncConnection, gateway: str, key: PublicKey, *, now: int) -> None:
    """Make a gateway known. Its key signs for the gateway, and for the household that owns it."""
    household = [{"party": f"{role}:{gateway}", "enrolled_at": now} for role in ("gateway", "consumer")]
    await connection.execute(dialect.insert(connection, parties).on_conflict_do_nothing(), household)
    await connection.execute(sa.insert(gateways), {"gateway": gateway, "enrolled_at": now})
    await _add_key(connection, gateway, key, now)


async def has_successor(connection: AsyncConnection, key_id: str) -> bool:
    """Whether a gateway's key has signed another one already."""
    return await connection.scalar(sa.select(keys.c.key_id).where(keys.c.replaces == key_id)) is not None


async def succeed(connection: AsyncConnection, gateway: str, old: str, new: PublicKey, *, now: int) -> None:
    """Let a gateway sign with another key; its first report under that one ends the old one (`end_replaced`)."""
    await _add_key(connection, gateway, new, now, replaces=old)


async def end_replaced(connection: AsyncConnection, old: str, *, first: int, now: int) -> None:
    """End a key that was replaced: the first report under its successor has come, and this is its number."""
    ended = {"ended_at": now, "last_sequence": first - 1, "successor_signed": True}
    await connection.execute(sa.update(keys).where(keys.c.key_id == old).values(ended))
    await connection.execute(sa.update(keys).where(keys.c.replaces == old).values(replaces=None))


async def _add_key(
    connection: AsyncConnection, gateway: str, key: PublicKey, now: int, replaces: str | None = None
) -> None:
    await connection.execute(
        sa.insert(keys),
        {
            "key_id": key.id.hex(),
            "public_key": key.data.hex(),
            "party": f"gateway:{gateway}",
            "gateway": gateway,
            "valid_from": now,
            "replaces": replaces,
        },
    )


async def listed(connection: AsyncConnection) -> Sequence[Mapping[str, Any]]:
    """Every gateway, with the number of devices in its newest inventory."""
    present = (
        sa.select(sa.func.count())
        .where(devices.c.gateway == gateways.c.gateway, devices.c.present)
        .scalar_subquery()
        .label("devices")
    )
    columns = ("gateway", "enrolled_at", "revoked_at", "last_sequence", "report_count", "last_report_at")
    more = (present, conflicts(gateways.c.gateway), recorded_at(gateways.c.gateway))
    query = sa.select(*(gateways.c[name] for name in columns), *more)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_code(connection: AsyncConnection, code: OpenCode, *, now: int, expires_at: int) -> None:
    """Let a code work, once, until it expires."""
    row = {"code": code.code, "secret": code.secret, "created_at": now, "expires_at": expires_at}
    await connection.execute(sa.insert(enrolment_codes), row)


async def open_code(connection: AsyncConnection, code: str, *, now: int) -> OpenCode | None:
    """The code of that id, None where it was never given out, was used, or has expired."""
    query = sa.select(enrolment_codes.c.secret).where(
        enrolment_codes.c.code == code, enrolment_codes.c.used_at.is_(None), enrolment_codes.c.expires_at > now
    )
    secret = (await connection.execute(query)).scalar_one_or_none()
    return None if secret is None else OpenCode(code=code, secret=secret)


async def use_code(connection: AsyncConnection, code: str, gateway: str, *, now: int) -> None:
    """Spend a code; its secret is forgotten."""
    spent = {"used_at": now, "gateway": gateway, "secret": None}
    await connection.execute(sa.update(enrolment_codes).where(enrolment_codes.c.code == code).values(spent))
