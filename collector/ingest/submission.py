"""Handing reports in by file: from a spool that no network reaches, or a past that is played in a simulated register.

A file goes the way of a message on the topic of the gateway that it names, with every step of the verification, in a
transaction of its own. Nobody is answered: a gateway that sends the same bytes again gets its receipt then.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.catalogue.instants import to_text
from collector.catalogue.submission import Handed, check_clock
from collector.config import Limits
from collector.ingest import screen
from collector.ingest.derivation import derive_of
from collector.ingest.inbox import Arrival
from collector.ingest.settle import settle
from collector.ingest.verify import REPORT
from collector.store import evidence
from collector.store.database import reading, writing
from collector.store.gateways import enrolled_keys
from collector.transparency.log import Log
from evidence import cose, report
from evidence.errors import EvidenceError
from evidence.ids import topic
from evidence.report import Outline


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a file: on record, or not for a reason."""

    file: str
    digest: str
    gateway: str | None = None
    sequence: int | None = None
    recorded_at: str | None = None
    reason: str | None = None
    detail: str | None = None


async def submit(
    engine: AsyncEngine, log: Log, handed: Sequence[Handed], *, now: int, as_issued: bool, limits: Limits
) -> AsyncIterator[Outcome]:
    """Record reports, those that were issued first before the others; every file has one outcome.

    Args:
        engine: The register, `simulated` where `as_issued`.
        log: Its log.
        handed: The files.
        now: Unix seconds.
        as_issued: The clock stands for each report at the instant at which it says that it was issued.
        limits: Bounds of what is kept of rejected reports.

    Raises:
        ConflictError: The clock cannot be set to such an instant.
        StoreError: The register does not take them; what was settled before stays.
    """
    told: list[tuple[Handed, Outline]] = []
    for item in handed:
        try:
            told.append((item, report.outline(cose.parse(item.data, report.MESSAGE_TYPE).unverified_payload or b"")))
        except EvidenceError as error:
            yield Outcome(file=item.file, digest=_digest(item), reason=error.code, detail=str(error))
    for item, claims in sorted(told, key=lambda each: (each[1].issued_at, each[1].sequence)):
        if as_issued and not await _is_on_record(engine, item, claims):
            await check_clock(engine, claims.issued_at, now=now, simulated=True)
        yield await _settle(engine, log, item, claims, claims.issued_at if as_issued else now, limits)


async def _is_on_record(engine: AsyncEngine, item: Handed, claims: Outline) -> bool:
    async with reading(engine) as connection:
        used = await evidence.used_numbers(connection, claims.gateway, {claims.sequence})
    return used.get(claims.sequence) == _digest(item)


async def _settle(engine: AsyncEngine, log: Log, item: Handed, claims: Outline, at: int, limits: Limits) -> Outcome:
    opened = screen.open_all([Arrival(topic(claims.gateway, REPORT), item.data, _nobody_waits)])
    async with reading(engine) as connection:
        keys = await enrolled_keys(connection, {each.message.key_id for each in opened if each.message is not None})
    screened = screen.authenticate_all(opened, keys, at)
    async with writing(engine) as connection:
        settled = await settle(connection, log, screened, limits=limits, now=at)
        await derive_of(connection, settled.derive)
    named = Outcome(file=item.file, digest=_digest(item), gateway=claims.gateway, sequence=claims.sequence)
    if settled.receipts:
        return replace(named, recorded_at=to_text(at))
    if screened[0].held:
        return replace(named, reason="key", detail="nobody enrolled has this key; kept until its gateway is enrolled")
    if (fault := screened[0].fault) is not None:
        return replace(named, reason=str(fault.reason), detail=fault.detail)
    return replace(
        named,
        reason=settled.refusals[0].reason,
        detail="the number was used for other bytes, or was issued ahead of this clock",
    )


def _digest(item: Handed) -> str:
    return hashlib.sha256(item.data).hexdigest()


def _nobody_waits() -> None:
    """A file needs no acknowledgement."""
