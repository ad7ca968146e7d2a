"""The reports of a batch held against what is stored: which are new, which are there already, which are not accepted.

That only reads. So it is done beside the one lock to write, for which all workers wait; the transaction that stores the
reports then makes sure that nobody else has changed what they were held against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.errors import RejectedError
from collector.ingest import verify
from collector.ingest.ledger import Ledger
from collector.ingest.screen import Screened
from collector.ingest.verify import Message
from collector.store import evidence
from collector.store.evidence import GatewayState, Prepared
from collector.store.log import Leaves
from evidence.report import Outline, SeenHead

Item = tuple[Screened, Message, Outline]


@dataclass(slots=True)
class Intake:
    """What the reports of a batch come to.

    Attributes:
        leaves: Of the new ones.
        receipts: Gateway and digest of what is accepted, now or before.
        heads: By digest of those the heads that they name.
        ended: By a gateway's key that was replaced the first number under its successor.
        rejected: What is not accepted, and why.
        changes: What the new ones put on record.
        wanted: Gateways whose inventory nobody has stated yet.
        gaps: Gateways of which numbers may be missing.
        derive: Gateways of which something follows from reports.
    """

    leaves: Leaves = field(init=False)
    receipts: list[tuple[str, str]] = field(default_factory=list)
    heads: dict[str, SeenHead] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    rejected: list[tuple[Screened, RejectedError]] = field(default_factory=list)
    changes: Prepared = field(init=False)
    wanted: set[str] = field(default_factory=set)
    gaps: set[str] = field(default_factory=set)
    derive: set[str] = field(default_factory=set)


async def take_in(connection: AsyncConnection, screened: Sequence[Screened], now: int) -> Intake:
    """Hold the authentic reports of a batch against what is stored.

    Raises:
        StoreError: From the database.
    """
    items = [
        (item, item.message, item.claims)
        for item in screened
        if item.fault is None and item.message is not None and isinstance(item.claims, Outline)
    ]
    states = await evidence.states(connection, {message.gateway for _, message, _ in items})
    intake, ledger = Intake(), Ledger(states, now)
    new = _admit(intake, items, states, await _history(connection, states, items), now)
    ledger.name(await evidence.named(connection, _naming(states, new)))
    for item, message, claims in new:
        ledger.accept(claims, message, item.signature)
    intake.leaves = Leaves(connection.dialect, [message.digest for _, message, _ in new])
    changes = ledger.changes()
    intake.changes = Prepared(connection.dialect, changes)
    intake.wanted = ledger.wanted
    intake.gaps = {state.gateway for state in changes.gateways if state.report_count < state.last_sequence}
    intake.derive = {gateway for gateway, _ in changes.derive}
    return intake


class _History:
    """The used numbers of the batch's gateways; it learns those of the batch itself."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], str] = {}

    def add(self, gateway: str, sequence: int, digest: str) -> None:
        self._used[gateway, sequence] = digest

    def digest_of(self, gateway: str, sequence: int) -> str | None:
        return self._used.get((gateway, sequence))


async def _history(connection: AsyncConnection, states: Mapping[str, GatewayState], items: Sequence[Item]) -> _History:
    # Only numbers up to the highest accepted one can have been used.
    wanted: dict[str, set[int]] = {}
    for _, message, claims in items:
        if claims.sequence <= states[message.gateway].last_sequence:
            wanted.setdefault(message.gateway, set()).add(claims.sequence)
    history = _History()
    for gateway, numbers in wanted.items():
        for sequence, digest in (await evidence.used_numbers(connection, gateway, numbers)).items():
            history.add(gateway, sequence, digest)
    return history


def _admit(
    intake: Intake, items: Sequence[Item], states: Mapping[str, GatewayState], history: _History, now: int
) -> list[Item]:
    """Sort the reports; those that are new."""
    new = []
    for each in items:
        item, message, claims = each
        try:
            is_new = verify.admit(message, claims, history, now, revoked_at=states[message.gateway].revoked_at)
        except RejectedError as error:
            intake.rejected.append((item, error))
            continue
        if is_new:
            new.append(each)
            history.add(message.gateway, claims.sequence, message.digest)
            if item.ends is not None:
                intake.ended[item.ends] = min(claims.sequence, intake.ended.get(item.ends, claims.sequence))
        intake.receipts.append((message.gateway, message.digest))
        if claims.head is not None:
            intake.heads[message.digest] = claims.head
    return new


def _naming(states: Mapping[str, GatewayState], new: Sequence[Item]) -> set[tuple[str, str]]:
    """Gateway and digest of inventories to be looked up: most only repeat what is shown, of which all is known."""
    named = ((message.gateway, claims.inventory.hex()) for _, message, claims in new)
    return {(gateway, inventory) for gateway, inventory in named if inventory != states[gateway].last_inventory}
