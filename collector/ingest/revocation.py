"""Revocation: nothing of a gateway counts that came from an instant on, also what was believed until now.

What came before stays, and so does what was known before the revocation was recorded (store/revocations.py).
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue.instants import to_text
from collector.errors import ConflictError, NotFoundError
from collector.ingest.derivation import derive_of
from collector.store import derived, evidence, judgements, revocations


async def revoke(connection: AsyncConnection, gateway: str, *, at: int, now: int) -> int:
    """Revoke a gateway, and have its devices judged again.

    Args:
        connection: A transaction of `writing`.
        gateway: Its id.
        at: From when on nothing counts, Unix seconds.
        now: When that is recorded.

    Returns:
        How many reports count no more.

    Raises:
        NotFoundError: There is no such gateway.
        ConflictError: It is revoked from then on, or from earlier on.
    """
    state = (await evidence.states(connection, [gateway])).get(gateway)
    if state is None:
        raise NotFoundError(f"no gateway {gateway}; `gateways list` shows those there are")
    before = state.revoked_at
    # One of an older release took nothing back and may be recorded again.
    is_recorded = gateway in await revocations.revoked(connection, [gateway])
    if before is not None and (at > before or (at == before and is_recorded)):
        raise ConflictError(f"gateway {gateway} is revoked from {to_text(before)} on; that can only become earlier")
    await revocations.record(connection, gateway, at=at, now=now)
    if taken_back := await revocations.reports_since(connection, gateway, at):
        await derive_of(connection, [gateway])
        await revocations.take_back(connection, gateway, since=at)
    await judgements.queue(connection, await derived.every_device(connection, [gateway]), at=now)
    return taken_back
