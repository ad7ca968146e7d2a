"""The household's sales: each `[[sales]]` entry becomes a signed `sale` statement, once for each content.

An entry that was changed becomes a new statement that corrects the earlier one of that device. What will be signed is
remembered before it is, instant included: Ed25519 gives the same bytes again, so a crash in between repeats a statement
instead of making a second one. An entry waits until its device was seen: until then its identity may be a slip.
"""

import hashlib
import logging
import time
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from agent.config import Sale
from agent.keys import Identity
from agent.spool import Kind, Spool
from agent.state import Remembered, SaleRecord
from evidence import statement
from evidence.ids import device_id
from evidence.statement import Statement

log = logging.getLogger(__name__)


def spool_sales(
    sales: Sequence[Sale], seen: Collection[str], identity: Identity, remembered: Remembered, spool: Spool, now: int
) -> int:
    """Sign and spool what is not on record yet.

    Args:
        sales: The entries of the configuration.
        seen: Identities of the devices of this round.
        identity: Of this gateway.
        remembered: Where the records are.
        spool: Where they wait.
        now: Unix seconds.

    Returns:
        How many entries wait for their device.
    """
    _put_all(identity, remembered, spool, now)  # what a crash left over, before anything can correct it
    entries: dict[str, list[dict[str, Any]]] = {}
    waiting = 0
    for sale in sales:
        if sale.device not in seen:
            waiting += 1
            continue
        device = device_id(identity.secret, sale.device)
        entries.setdefault(device, []).append({**msgspec.to_builtins(sale), "device": device})
    for device, fields in entries.items():
        _record(device, fields, identity, remembered, now)
    _put_all(identity, remembered, spool, now)
    return waiting


def _record(
    device: str, entries: Sequence[dict[str, Any]], identity: Identity, remembered: Remembered, now: int
) -> None:
    """Remember what will be signed about one device."""
    records = list(remembered.state.sales.get(device, ()))
    left = [record for record in records if _content(record) not in entries]
    on_record = [_content(record) for record in records]
    for fields in entries:
        if fields in on_record:
            continue
        asserted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        corrected = left.pop() if left else None
        stated = fields if corrected is None else {**fields, "corrects": corrected.digest}
        digest = hashlib.sha256(_sign(stated, asserted_at, identity)).hexdigest()
        if corrected is not None:
            records.remove(corrected)
        records.append(SaleRecord(fields=stated, asserted_at=asserted_at, digest=digest))
    if tuple(records) != remembered.state.sales.get(device, ()):
        remembered.update(sales={**remembered.state.sales, device: tuple(records)})


def _put_all(identity: Identity, remembered: Remembered, spool: Spool, now: int) -> None:
    for device, records in remembered.state.sales.items():
        left = [record for record in records if not record.spooled]
        for record in left:
            spool.put(Kind.STATEMENT, _sign(record.fields, record.asserted_at, identity), now=now)
            log.info("sale_stated device=%s digest=%s", device, record.digest)
        if left:
            done = tuple(msgspec.structs.replace(record, spooled=True) for record in records)
            remembered.update(sales={**remembered.state.sales, device: done})


def _content(record: SaleRecord) -> dict[str, Any]:
    return {name: value for name, value in record.fields.items() if name != "corrects"}


def _sign(fields: dict[str, Any], asserted_at: str, identity: Identity) -> bytes:
    return statement.sign(Statement(kind="sale", asserted_at=asserted_at, fields=fields), identity.key)
