"""The household's sales: each `[[sales]]` entry becomes a signed `sale` statement, once for each content.

An entry that was changed becomes a new statement that corrects the earlier one of that device, wherever that came from.
An entry waits until its device was seen: until then its identity may be a slip.
"""

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from agent.config import Sale
from agent.keys import Identity
from agent.spool import Kind, Spool
from agent.stated import Stated, sign, standing, stated
from evidence.ids import device_id

log = logging.getLogger(__name__)

KIND = "sale"


def spool_sales(sales: Sequence[Sale], seen: Collection[str], identity: Identity, spool: Spool, now: int) -> int:
    """Sign and spool what is not on record yet.

    Args:
        sales: The entries of the configuration.
        seen: Identities of the devices of this round.
        identity: Of this gateway.
        spool: Where they wait, and where those stated before are found.
        now: Unix seconds.

    Returns:
        How many entries wait for their device.
    """
    ready = [sale for sale in sales if sale.device in seen]
    for data in sign_unsaid(ready, identity, stated(spool.state_dir, identity) if ready else [], now):
        spool.put(Kind.STATEMENT, data, now=now)
        log.info("sale_stated digest=%s", hashlib.sha256(data).hexdigest())
    return len(sales) - len(ready)


def sign_unsaid(sales: Iterable[Sale], identity: Identity, every: Sequence[Stated], now: int) -> list[bytes]:
    """The signed statements that put these sales on record; nothing is put anywhere.

    Args:
        sales: Whose devices were seen.
        identity: Of this gateway.
        every: What it has stated before.
        now: Unix seconds.
    """
    entries: dict[str, list[dict[str, Any]]] = {}
    for sale in sales:
        fields = sale_fields(sale, identity)
        entries.setdefault(fields["device"], []).append(fields)
    return [
        sign(KIND, fields, identity, now)
        for device, wanted in entries.items()
        for fields in _unsaid(wanted, standing(every, KIND, device), every)
    ]


def sale_fields(sale: Sale, identity: Identity) -> dict[str, Any]:
    """The fields of the statement; the device goes by its id, its identity stays in the house."""
    return {**msgspec.to_builtins(sale), "device": device_id(identity.secret, sale.device)}


def _unsaid(
    wanted: Sequence[dict[str, Any]], standing_now: Sequence[Stated], every: Sequence[Stated]
) -> list[dict[str, Any]]:
    """What is to be stated about one device: each in place of one that nobody wants any more, while there are such."""
    outdated = [one.digest for one in standing_now if one.content not in wanted]
    # What was refused would be refused again.
    said = [one.content for one in (*standing_now, *(one for one in every if one.refused))]
    unsaid = [fields for fields in wanted if fields not in said]
    return [
        {**fields, "corrects": digest} if digest else fields
        for fields, digest in zip_longest(unsaid, outdated[: len(unsaid)])
    ]
