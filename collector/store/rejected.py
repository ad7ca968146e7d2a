"""What is not accepted: kept within bounds, counted for ever. And what waits for its gateway's enrolment.

Rejections under a good signature are facts for the judge, so they are bounded for each gateway by itself; the others
are bounded together, and none of them can push out a fact. The same signed bytes are one rejection, however often they
come.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.config import Limits
from collector.store import dialect
from collector.store.schema import keys, pending, rejected, rejections


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was not accepted; the attributes are those of the table."""

    received_at: int
    topic: str
    gateway: str | None
    key_id: str | None
    sequence: int | None
    reason: str
    detail: str
    digest: str
    size: int
    verified: bool
    body: bytes


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A message under a key that nobody knows yet."""

    gateway: str
    digest: str
    leaf_topic: str
    key_id: str
    received_at: int
    body: bytes


async def known(connection: AsyncConnection, gateways: Collection[str], digests: Collection[str]) -> set[str]:
    """Those among these gateways' messages that were rejected before under a good signature."""
    query = sa.select(rejected.c.digest).where(
        rejected.c.gateway.in_(gateways), rejected.c.verified, rejected.c.digest.in_(digests)
    )
    return set(await connection.scalars(query))


async def insert(connection: AsyncConnection, new: Sequence[Rejected], limits: Limits) -> None:
    """Keep and count rejections, and forget the oldest beyond the bounds."""
    await connection.execute(sa.insert(rejected), [_row(item, limits) for item in new])
    counts = Counter(item.reason for item in new)
    counted = dialect.insert(connection, rejections)
    await connection.execute(
        counted.on_conflict_do_update(
            index_elements=["reason"],
            set_={"count": rejections.c.count + counted.excluded["count"], "last_at": counted.excluded.last_at},
        ),
        [{"reason": reason, "count": count, "last_at": new[-1].received_at} for reason, count in counts.items()],
    )
    if not all(item.verified for item in new):
        await _trim(connection, limits.rejected, ~rejected.c.verified)
    for gateway in {item.gateway for item in new if item.verified}:
        await _trim(connection, limits.rejected_per_gateway, rejected.c.verified, rejected.c.gateway == gateway)


def conflicts(gateway: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    """How many kept reports of a gateway came under a number that other bytes had used.

    One is what a gateway from an old backup does before it learns its number. Two that share a key do it ever again.
    """
    used_twice = (rejected.c.gateway == gateway) & rejected.c.verified & (rejected.c.reason == "sequence")
    return sa.select(sa.func.count()).where(used_twice).scalar_subquery().label("conflicts")


async def conflicting(connection: AsyncConnection, most: int) -> dict[str, int]:
    """The gateways with such reports, those with most of them first."""
    used_twice = rejected.c.verified & (rejected.c.reason == "sequence")
    number = sa.func.count().label("number")
    query = sa.select(rejected.c.gateway, number).where(used_twice).group_by(rejected.c.gateway)
    rows = await connection.execute(query.order_by(number.desc(), rejected.c.gateway).limit(most))
    return {gateway: count for gateway, count in rows}  # noqa: C416  # rows are no pairs


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How often each reason was met."""
    query = sa.select(rejections.c.reason, rejections.c.count).order_by(rejections.c.reason)
    return {reason: count for reason, count in await connection.execute(query)}  # noqa: C416  # rows are no pairs


async def hold(connection: AsyncConnection, new: Iterable[Pending], limits: Limits) -> list[Pending]:
    """Keep messages until their gateway is enrolled.

    Returns:
        Those for which there is no room. What came first stays: a gateway's first messages are what it begins with.
    """
    total = (await connection.execute(sa.select(sa.func.count()).select_from(pending))).scalar_one()
    held: Counter[str] = Counter()
    left_out: list[Pending] = []
    for item in new:
        if item.gateway not in held:
            own = sa.select(sa.func.count()).where(pending.c.gateway == item.gateway)
            held[item.gateway] = (await connection.execute(own)).scalar_one()
        if total >= limits.pending or held[item.gateway] >= limits.pending_per_gateway:
            left_out.append(item)
            continue
        kept = await connection.execute(
            dialect.insert(connection, pending).values(msgspec.structs.asdict(item)).on_conflict_do_nothing()
        )
        total, held[item.gateway] = total + kept.rowcount, held[item.gateway] + kept.rowcount
    return left_out


async def due(connection: AsyncConnection, most: int) -> list[Pending]:
    """Held messages whose key is known by now, in the order in which they came."""
    query = sa.select(pending).join(keys, keys.c.key_id == pending.c.key_id).order_by(pending.c.received_at).limit(most)
    return [Pending(**row) for row in (await connection.execute(query)).mappings()]


async def release(connection: AsyncConnection, done: Iterable[tuple[str, str]]) -> None:
    """Let go of held messages (gateway, digest) that were judged in this transaction."""
    rows = [{"of": gateway, "this": digest} for gateway, digest in done]
    same = (pending.c.gateway == sa.bindparam("of")) & (pending.c.digest == sa.bindparam("this"))
    await connection.execute(sa.delete(pending).where(same), rows)


def _row(item: Rejected, limits: Limits) -> Mapping[str, Any]:
    row = msgspec.structs.asdict(item)
    return row if item.size <= limits.rejected_body_bytes else {**row, "body": None}


async def _trim(connection: AsyncConnection, keep: int, *which: sa.ColumnElement[bool]) -> None:
    newest = sa.select(rejected.c.id).where(*which).order_by(rejected.c.id.desc()).offset(keep).limit(1)
    await connection.execute(sa.delete(rejected).where(*which, rejected.c.id <= newest.scalar_subquery()))
