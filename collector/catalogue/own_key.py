"""A gateway's own succession: its old key has signed the new one, and the new one that it takes over (`evidence/`).

Unlike a seller's, it needs no operator: nobody could ask each household. Whoever stole a key can do it too; then the
gateway's own succession is refused, since a key has one successor, and the operator revokes the gateway.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue.reasons import Reason
from collector.errors import RejectedError
from collector.store import gateways, statements
from collector.store.statements import IssuerKey
from evidence import succession
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.statement import Statement

KIND = succession.KIND


async def check(connection: AsyncConnection, stated: Statement, old: IssuerKey) -> None:
    """Whether a gateway's key may give way to the one that a statement of this kind names.

    Raises:
        RejectedError: It may not.
    """
    try:
        new = succession.successor(stated, old.gateway or "", PublicKey(bytes.fromhex(old.public_key)))
    except EvidenceError as error:
        raise RejectedError(Reason.FIELD, str(error), verified=True) from error
    if await statements.issuer_key(connection, new.id.hex()) is not None:
        raise RejectedError(Reason.FIELD, f"key {new.id.hex()} is on record already", verified=True)
    if await gateways.has_successor(connection, old.key_id):
        detail = "this key has a successor already; if that is not this gateway's, revoke the gateway"
        raise RejectedError(Reason.KEY, detail, verified=True)


async def carry_out(connection: AsyncConnection, fact: dict[str, str], *, gateway: str, old: str, now: int) -> None:
    """Let a gateway sign with the key that a checked statement names."""
    await gateways.succeed(connection, gateway, old, PublicKey(bytes.fromhex(fact["key"])), now=now)
