"""Putting a checked statement on record, and asking for every verdict that it touches to be judged again."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue import kinds
from collector.catalogue.door import CheckedStatement
from collector.store import findings, judgements, parties, statements
from collector.store.statements import Recorded


async def insert(connection: AsyncConnection, checked: CheckedStatement, leaf: int) -> None:
    """Store a statement and queue the devices it touches; one that is on record already changes nothing.

    Args:
        connection: The writing transaction in which the statement went into the log.
        checked: What the door let in.
        leaf: Its place in the log.
    """
    await insert_all(connection, [(checked, leaf)])


async def insert_all(connection: AsyncConnection, entered: Collection[tuple[CheckedStatement, int]]) -> None:
    """Store statements, each with its place in the log, and queue once each device that they touch together."""
    rows = [(_row(checked, leaf), checked) for checked, leaf in entered if checked.leaf is None]
    await statements.insert_all(
        connection, [(row, checked.fact["ids"] if checked.kind == "model" else ()) for row, checked in rows]
    )
    await _queue_touched(connection, [row for row, _ in rows if row.kind != "answer"])


async def cease(connection: AsyncConnection, party: str, last_day: str, *, at: int) -> None:
    """Put on record that a seller or manufacturer is no more; the fact is the register's own.

    Raises:
        NotFoundError: No such party.
        ConflictError: Another day is on record.
    """
    await parties.cease(connection, party, last_day, at=at)
    await judgements.queue_debtor(connection, party, at=at)


def _row(checked: CheckedStatement, leaf: int) -> Recorded:
    fact = checked.fact
    return Recorded(
        digest=checked.digest,
        leaf=leaf,
        kind=checked.kind,
        issuer=checked.issuer,
        key_id=checked.key_id,
        asserted_at=checked.asserted_at,
        recorded_at=checked.recorded_at,
        model=fact.get("model") if checked.kind in kinds.OF_MODEL else None,
        device=fact.get("device") if checked.kind in kinds.OF_DEVICE else None,
        document=fact.get("document_digest"),
        fact=fact,
        body=checked.body,
    )


async def _queue_touched(connection: AsyncConnection, rows: Iterable[Recorded]) -> None:
    models: dict[tuple[str | None, int], set[str]] = defaultdict(set)
    for row in rows:
        household = row.issuer.removeprefix("consumer:") if row.issuer.startswith("consumer:") else None
        if row.device is not None:
            await judgements.queue_device(connection, row.device, at=row.recorded_at, gateway=household)
        elif row.model is not None:
            models[household, row.recorded_at].add(row.model)
    for (household, at), named in models.items():
        await judgements.queue_models(connection, named, at=at, gateway=household)
        await findings.queue_stated(connection, named, at=at)
