"""The signed bytes of reports, kept short where their row says all that they say.

A report that says nothing new says its number, its time, which report was before it and what inventory it stands for,
and its row says the same. Of its bytes only the signature is kept then. They are made again from the row, under the key
of its gateway that gives the digest of its leaf: whoever changes the row gets other bytes, and the audit finds them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import inventories, keys, leaves, reports
from evidence import report
from evidence.cose import Envelope
from evidence.keys import SIGNATURE_BYTES
from evidence.report import Heading, Outline

_before: Final = reports.alias("before")
_leaf_before: Final = leaves.alias("leaf_before")
COLUMNS: Final = (
    *(reports.c.gateway, reports.c.sequence, reports.c.leaf, reports.c.issued_at, reports.c.body),
    *(leaves.c.digest, inventories.c.inventory, _leaf_before.c.digest.label("previous")),
)
"""What `made` needs of a report."""
JOINED: Final = (
    reports.outerjoin(leaves, leaves.c["index"] == reports.c.leaf)
    .outerjoin(
        inventories, (inventories.c.gateway == reports.c.gateway) & (inventories.c.number == reports.c.inventory)
    )
    .outerjoin(_before, (_before.c.gateway == reports.c.gateway) & (_before.c.sequence == reports.c.sequence - 1))
    .outerjoin(_leaf_before, _leaf_before.c["index"] == _before.c.leaf)
)
"""Where it is."""


def signature_of(body: bytes, envelope: Envelope, claims: Outline) -> bytes | None:
    """The signature of a report from which, with what its row says, `made` makes the same bytes; None where it cannot.

    Args:
        body: The bytes.
        envelope: What they are.
        claims: What they say. The report that they name as the one before must be on record under the number before.
    """
    return envelope.signature if report.is_bare(body, envelope, claims) else None


async def made(connection: AsyncConnection, rows: Collection[Mapping[str, Any]]) -> dict[int, bytes | None]:
    """The signed bytes of reports, by leaf; None where they were erased.

    Args:
        connection: To the register.
        rows: `COLUMNS` of `JOINED`.
    """
    known: dict[str, list[bytes]] = defaultdict(list)
    short = {row["gateway"] for row in rows if row["body"] is not None and len(row["body"]) == SIGNATURE_BYTES}
    if short:
        query = sa.select(keys.c.gateway, keys.c.key_id).where(keys.c.gateway.in_(short))
        for gateway, key_id in await connection.execute(query):
            known[gateway].append(bytes.fromhex(key_id))
    return {row["leaf"]: _made(row, known[row["gateway"]]) for row in rows}


def _made(row: Mapping[str, Any], key_ids: list[bytes]) -> bytes | None:
    signature: bytes | None = row["body"]
    if signature is None or len(signature) != SIGNATURE_BYTES or row["inventory"] is None:
        return signature
    claims = Heading(
        gateway=row["gateway"],
        sequence=row["sequence"],
        issued_at=row["issued_at"],
        inventory=bytes.fromhex(row["inventory"]),
        previous=None if row["previous"] is None else bytes.fromhex(row["previous"]),
    )
    bodies = [report.assemble(claims, key_id, signature) for key_id in key_ids]
    fitting = (body for body in bodies if hashlib.sha256(body).hexdigest() == row["digest"])
    return next(fitting, bodies[0] if bodies else signature)
