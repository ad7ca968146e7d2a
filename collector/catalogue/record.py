"""Putting a checked statement on record, and asking for every verdict that it touches to be judged again."""

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue import kinds
from collector.catalogue.door import CheckedStatement
from collector.store import judgements, parties, statements
from collector.store.statements import Recorded


async def insert(connection: AsyncConnection, checked: CheckedStatement, leaf: int) -> None:
    """Store a statement and queue the devices it touches; one that is on record already changes nothing.

    Args:
        connection: The writing transaction in which the statement went into the log.
        checked: What the door let in.
        leaf: Its place in the log.
    """
    if checked.leaf is not None:
        return
    fact = checked.fact
    row = Recorded(
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
    await statements.insert(connection, row, fact["ids"] if checked.kind == "model" else ())
    await _queue_touched(connection, row)


async def cease(connection: AsyncConnection, party: str, last_day: str, *, at: int) -> None:
    """Put on record that a seller or manufacturer is no more; the fact is the register's own.

    Raises:
        NotFoundError: No such party.
        ConflictError: Another day is on record.
    """
    await parties.cease(connection, party, last_day, at=at)
    await judgements.queue_debtor(connection, party, at=at)


async def _queue_touched(connection: AsyncConnection, row: Recorded) -> None:
    if row.kind == "answer":
        return
    household = row.issuer.removeprefix("consumer:") if row.issuer.startswith("consumer:") else None
    if row.device is not None:
        await judgements.queue_device(connection, row.device, at=row.recorded_at, gateway=household)
    elif row.model is not None:
        await judgements.queue_model(connection, row.model, at=row.recorded_at, gateway=household)
