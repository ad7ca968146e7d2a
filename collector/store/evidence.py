"""The rows of accepted reports: what is read before a batch is settled, and what is written when it is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import bulk
from collector.store.schema import derive_queue, gateways, inventories, leaves, rejected, reports


class GatewayState(msgspec.Struct):
    """What is known of a gateway's reports.

    Attributes:
        gateway: Its id.
        last_sequence: The highest number accepted.
        last_digest: The digest of the report with it.
        report_count: How many were accepted.
        last_report_at: When the newest report came that is not late.
        last_inventory: Its inventory: what the devices are.
        inventory_number: The number of that one.
        unread: Whether some device in it could not be read.
        revoked_at: From when on nothing of it counts.
    """

    gateway: str
    last_sequence: int = 0
    last_digest: str | None = None
    report_count: int = 0
    last_report_at: int | None = None
    last_inventory: str | None = None
    inventory_number: int | None = None
    unread: bool = False
    revoked_at: int | None = None


class Named(msgspec.Struct, frozen=True):
    """An inventory that a gateway's reports named.

    Attributes:
        number: The number of the first of them.
        stated: The number of the one that carries the devices; None where none does yet.
        unread: Whether some device in it could not be read.
    """

    gateway: str
    inventory: str
    number: int
    stated: int | None
    unread: bool


class Before(NamedTuple):
    """How a gateway was stored when a batch of its reports was held against it: its last number, and how many."""

    last_sequence: int
    report_count: int


class OutdatedError(Exception):
    """Somebody else has stored reports of a gateway of the batch, or revoked it, since its changes were worked out."""


class Reported(msgspec.Struct, frozen=True):
    """A report that was accepted, but for its leaf and when it is recorded: see the columns of `reports`."""

    gateway: str
    sequence: int
    issued_at: int
    inventory: int
    late: bool
    body: bytes


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch of reports changes.

    Attributes:
        before: What it was held against, by gateway.
        reports: All that were accepted, in the order of the log.
        inventories: Those that were named or stated for the first time.
        gateways: As they are after the batch.
        shown: Gateways whose newest report, which is not late, is of the batch.
        derive: Gateway and number of the reports from which something follows.
    """

    before: Mapping[str, Before]
    reports: Sequence[Reported]
    inventories: Sequence[Named]
    gateways: Sequence[GatewayState]
    shown: Collection[str]
    derive: Sequence[tuple[str, int]]


_STATE: Final = [gateways.c[field] for field in GatewayState.__struct_fields__]
_NAMED: Final = [inventories.c[field] for field in Named.__struct_fields__]

# --- what is read ---


async def states(connection: AsyncConnection, names: Collection[str]) -> dict[str, GatewayState]:
    """What is known of these gateways."""
    rows = await bulk.select(connection, _STATE, [gateways.c.gateway], [(name,) for name in names])
    return {row[0]: GatewayState(*row) for row in rows}


async def used_numbers(connection: AsyncConnection, gateway: str, wanted: Collection[int]) -> dict[int, str]:
    """The digests of a gateway's reports that hold these numbers, by number."""
    query = sa.select(reports.c.sequence, leaves.c.digest).join(leaves, leaves.c["index"] == reports.c.leaf)
    rows = await connection.execute(query.where(reports.c.gateway == gateway, reports.c.sequence.in_(wanted)))
    return {sequence: digest for sequence, digest in rows}  # noqa: C416  # rows are no pairs


async def named(connection: AsyncConnection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Named]:
    """Those of these inventories that some report has named before, by gateway and digest."""
    rows = await bulk.select(connection, _NAMED, [inventories.c.gateway, inventories.c.inventory], wanted)
    return {row[:2]: Named(*row) for row in rows}


async def missing(connection: AsyncConnection, gateway: str, most: int) -> list[tuple[int, int]]:
    """The numbers below the highest accepted one that neither came nor were refused, as ranges from the lowest."""
    query = sa.select(rejected.c.sequence).where(
        rejected.c.gateway == gateway, rejected.c.verified, rejected.c.sequence.is_not(None)
    )
    refused = set(await connection.scalars(query))
    numbers = sa.select(reports.c.sequence).where(reports.c.gateway == gateway)
    held = sa.union(numbers, sa.select(sa.literal(0))).subquery()
    following = sa.func.lead(held.c.sequence).over(order_by=held.c.sequence).label("following")
    steps = sa.select(held.c.sequence, following).subquery()
    query = sa.select(steps).where(steps.c.following > steps.c.sequence + 1).order_by(steps.c.sequence).limit(most)
    gaps = [(row.sequence + 1, row.following - 1) for row in await connection.execute(query)]
    return [part for gap in gaps for part in _without(gap, refused)][:most]


def _without(gap: tuple[int, int], refused: Collection[int]) -> Iterable[tuple[int, int]]:
    first, last = gap
    for number in sorted(number for number in refused if first <= number <= last):
        if first < number:
            yield first, number - 1
        first = number + 1
    if first <= last:
        yield first, last


# --- what is written ---


class Prepared:
    """What a batch changes, ready to be stored: while that is done, all others wait.

    Args:
        dialect: The database's.
        changes: Of the batch.
    """

    def __init__(self, dialect: sa.Dialect, changes: Changes) -> None:
        gateways = changes.gateways
        before = [changes.before[state.gateway] for state in gateways]
        since: bulk.Columns = {
            "of": [state.gateway for state in gateways],
            "were": [each.last_sequence for each in before],
            "count": [each.report_count for each in before],
            "revoked": [state.revoked_at for state in gateways],
            "shown": [state.gateway in changes.shown for state in gateways],
            **bulk.columns(gateways, *_CHANGING),
        }
        # An inventory that was only named until now is replaced by what states it.
        stated = [new for new in changes.inventories if new.stated is not None and new.stated != new.number]
        forget: bulk.Columns = {"of": [new.gateway for new in stated], "this": [new.number for new in stated]}
        derive: bulk.Columns = {
            "gateway": [gateway for gateway, _ in changes.derive],
            "sequence": [sequence for _, sequence in changes.derive],
        }
        reports = bulk.columns(changes.reports, *Reported.__struct_fields__)
        self._gateways = bulk.Prepared(dialect, _SINCE, since, ["recorded_at"])
        self._reports = bulk.Prepared(dialect, _REPORTED, reports, ["leaf", "received_at"])
        self._others = (
            bulk.Prepared(dialect, _FORGET, forget),
            bulk.Prepared(dialect, _INVENTORY, bulk.columns(changes.inventories, *Named.__struct_fields__)),
            bulk.Prepared(dialect, _DERIVE, derive),
        )

    async def write(self, connection: AsyncConnection, first: int, recorded_at: int) -> None:
        """Store it.

        Args:
            connection: Of a transaction of `writing`.
            first: The leaf of the first report; the others follow.
            recorded_at: Unix seconds.

        Raises:
            OutdatedError: It was worked out from what is no longer so; the transaction is to be given up.
        """
        gateways, reports = self._gateways, self._reports
        if await gateways.execute(connection, recorded_at=gateways.each(recorded_at)) != gateways.count:
            raise OutdatedError
        leaves = range(first, first + reports.count)
        await reports.execute(connection, leaf=leaves, received_at=reports.each(recorded_at))
        for other in self._others:
            await other.execute(connection)


_REPORTED: Final = sa.insert(reports)
_INVENTORY: Final = sa.insert(inventories)
_FORGET: Final = sa.delete(inventories).where(
    inventories.c.gateway == sa.bindparam("of"), inventories.c.number == sa.bindparam("this")
)
_DERIVE: Final = sa.insert(derive_queue)
_AS_THEY_ARE: Final = ("gateway", "revoked_at", "last_report_at")
_CHANGING: Final = [name for name in GatewayState.__struct_fields__ if name not in _AS_THEY_ARE]
_SHOWN: Final = (sa.bindparam("shown", type_=sa.Boolean), sa.bindparam("recorded_at", type_=sa.BigInteger))
_SINCE: Final = (
    sa.update(gateways)
    .where(
        gateways.c.gateway == sa.bindparam("of"),
        gateways.c.last_sequence == sa.bindparam("were"),
        gateways.c.report_count == sa.bindparam("count"),
        gateways.c.revoked_at.is_not_distinct_from(sa.bindparam("revoked")),
    )
    .values({name: sa.bindparam(name) for name in _CHANGING})
    .values(last_report_at=sa.case(_SHOWN, else_=gateways.c.last_report_at))
)
