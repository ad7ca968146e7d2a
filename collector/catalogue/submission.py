"""Handing statements in by file: each on record with its place in the log, or in quarantine with the reason.

Statements lean on each other: a release on the model it is of, a correction on what it corrects. Files come in any
order, so what was refused for lack of another statement is tried again as long as others went on record.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.catalogue import record
from collector.catalogue.door import check_statement
from collector.catalogue.instants import to_text
from collector.catalogue.reasons import LEANING
from collector.config import Limits
from collector.errors import ConflictError, RejectedError
from collector.store import rejected, statements
from collector.store.database import reading, writing
from collector.store.rejected import Rejected
from collector.transparency.log import Log

BATCH: Final = 100
"""Statements in one transaction: one signature and one wait for the disk, and a live collector's turn comes soon."""
SOURCE: Final = "statements submit"
"""Stands in quarantine where a topic would."""


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """Signed bytes and the name of the file that they came from."""

    file: str
    data: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a file: on record (`leaf` says where) or in quarantine (`reason` says why)."""

    file: str
    digest: str
    kind: str | None = None
    issuer: str | None = None
    recorded_at: str | None = None
    leaf: int | None = None
    reason: str | None = None
    detail: str | None = None


async def check_clock(engine: AsyncEngine, recorded_at: int, *, now: int, simulated: bool) -> None:
    """Whether a clock may be set by hand to an instant.

    Raises:
        ConflictError: The register is a real one, or its log would go backwards or into the future.
    """
    if not simulated:
        raise ConflictError("this register's clock is the real one; only one that is `simulated` can be set")
    async with reading(engine) as connection:
        newest = await statements.newest_recorded_at(connection)
    if recorded_at > now or (newest is not None and recorded_at < newest):
        first = "the beginning" if newest is None else to_text(newest)
        raise ConflictError(f"{to_text(recorded_at)} does not lie between {first}, the newest entry, and now")


async def submit(
    engine: AsyncEngine, log: Log, handed: Sequence[Handed], *, recorded_at: int, limits: Limits
) -> AsyncIterator[Outcome]:
    """Record what may be recorded; every file has one outcome, as soon as it is settled.

    Args:
        engine: The register.
        log: Its log.
        handed: The files.
        recorded_at: When they are received, Unix seconds.
        limits: Bounds of what is kept in quarantine.

    Raises:
        StoreError: The register does not take them; what was settled before stays.
    """
    waiting, final = list(handed), False
    while waiting:
        left: list[Handed] = []
        for start in range(0, len(waiting), BATCH):
            part = waiting[start : start + BATCH]
            async with writing(engine) as connection:
                outcomes = await _settle(connection, log, part, recorded_at, limits, final=final)
            left += [item for item, outcome in zip(part, outcomes, strict=True) if outcome is None]
            for outcome in outcomes:
                if outcome is not None:
                    yield outcome
        final = len(left) == len(waiting)
        waiting = left


async def _settle(
    connection: AsyncConnection, log: Log, part: Sequence[Handed], recorded_at: int, limits: Limits, *, final: bool
) -> list[Outcome | None]:
    batch = await log.begin(connection, recorded_at)
    outcomes: list[Outcome | None] = []
    quarantined: list[Rejected] = []
    for item in part:
        try:
            checked = await check_statement(connection, item.data, gateway=None, recorded_at=recorded_at)
        except RejectedError as error:
            if error.reason in LEANING and not final:
                outcomes.append(None)
            else:
                quarantined.append(_quarantined(item, error, recorded_at))
                outcomes.append(_refused(item, error))
            continue
        await batch.add([checked.digest])
        await record.insert(connection, checked, batch.leaf(checked.digest))
        outcomes.append(
            Outcome(
                file=item.file,
                digest=checked.digest,
                kind=checked.kind,
                issuer=checked.issuer,
                recorded_at=to_text(checked.recorded_at),
                leaf=batch.leaf(checked.digest),
            )
        )
    await batch.seal()
    if quarantined:
        await rejected.insert(connection, quarantined, limits)
    return outcomes


def _refused(item: Handed, error: RejectedError) -> Outcome:
    digest = hashlib.sha256(item.data).hexdigest()
    return Outcome(file=item.file, digest=digest, reason=str(error.reason), detail=error.detail)


def _quarantined(item: Handed, error: RejectedError, recorded_at: int) -> Rejected:
    return Rejected(
        received_at=recorded_at,
        topic=SOURCE,
        gateway=None,
        key_id=error.key_id,
        sequence=None,
        reason=str(error.reason),
        detail=error.detail,
        digest=hashlib.sha256(item.data).hexdigest(),
        size=len(item.data),
        verified=error.verified,
        body=item.data,
    )
