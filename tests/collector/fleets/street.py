"""A street of households that report to a real register, and everybody's work on it: ingest, judge and count."""

import hashlib
import itertools
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from collector.appraisal import FleetVerdict, Policy, appraise_fleet, policies
from collector.catalogue import fleet
from collector.fleets import Fleets
from collector.judge import Judge
from collector.store.database import reading
from collector.store.findings import PAUSE_S
from collector.store.schema import findings, fleet_verdicts
from evidence.report import DeviceReport
from tests.collector.register import DAY, NOW, Register, seen

SHIPPED = policies.shipped("2026-11-a")
FEW = msgspec.structs.replace(
    SHIPPED,
    fleet=msgspec.structs.replace(
        SHIPPED.fleet,
        min_households=2,
        min_cell=2,
        claim_min_households=msgspec.structs.replace(SHIPPED.fleet.claim_min_households, auto=2, manual=2),
        notice_min_households=1,
        stall_days=30,
    ),
)
"""The numbers that are shipped, but so that a few homes are many."""
BEGIN = NOW - 400 * DAY
MODEL = "acme/cam-9"
CAMERA = "zigbee:ACME/CAM-9"
SHOP, MAKER = "seller:noordlicht", "manufacturer:acme"
SOLD = {"seller": "noordlicht", "jurisdiction": "NL", "seller_type": "trader", "buyer_type": "consumer"}


class Own(NamedTuple):
    """A device of a household: what it says of itself, when it was last read, what was bought, and its update."""

    version: str | None = "1.0.0"
    revision: int | None = None
    ids: tuple[str, ...] = (CAMERA,)
    digest: bytes | None = None
    days_ago: int = 1
    is_read: bool = True
    sale: dict[str, Any] | None = None
    market: str | None = None
    is_told: bool = False
    updated: str | None = None
    updated_ago: int = 0


class Street:
    """Households of one model, each with its gateway.

    Args:
        register: Where they report to.
        policy: What they are judged by.
        name: Tells its homes from those of another street.
    """

    def __init__(self, register: Register, policy: Policy = FEW, *, name: str = "home") -> None:
        self.register = register
        self.policy = policy
        self.now = NOW
        self._name = name
        self.fleets = Fleets(register.engine, policy, lambda: self.now)
        self._judge = Judge(register.engine, policy, lambda: self.now)
        self._numbers = itertools.count(1)

    async def state(self, by: str, kind: str, *, at: int = BEGIN, **fields: Any) -> str:
        """Something about the model; its digest."""
        return await self.register.state(by, kind, at=at, model=MODEL, **fields)

    async def found(self, **fields: Any) -> None:
        """Record the model and its first release."""
        entry = {"ids": [CAMERA], "manufacturer": "acme", "scheme": "multipart-numeric"}
        await self.state("operator:register", "model", **{**entry, **fields})
        await self.state(MAKER, "release", version="1.0.0", available_from="2025-10-01")

    async def move_in(self, *owned: Own) -> str:
        """A household with these devices, which were seen for the first time 300 days ago; its gateway."""
        gateway = hashlib.sha256(f"{self._name} {next(self._numbers)}".encode()).hexdigest()[:32]
        devices = [hashlib.sha256(f"{gateway} {place}".encode()).hexdigest()[:32] for place in range(len(owned))]
        await self.register.enrol_gateway(gateway)
        first = [self._seen(name, own) for name, own in zip(devices, owned, strict=True)]
        await self.register.report(gateway, 1, NOW - 300 * DAY, *first)
        updates = {own.updated_ago for own in owned if own.updated}
        for number, ago in enumerate(sorted({own.days_ago for own in owned} | updates, reverse=True), 2):
            found = [self._later(name, own, ago) for name, own in zip(devices, owned, strict=True)]
            await self.register.report(gateway, number, NOW - ago * DAY, *(each for each in found if each is not None))
        for name, own in zip(devices, owned, strict=True):
            await self._tell(gateway, name, own)
        return gateway

    def _seen(self, name: str, own: Own) -> DeviceReport:
        return seen(name, own.version, ids=own.ids, hardware_revision=own.revision, image_digest=own.digest)

    def _later(self, name: str, own: Own, ago: int) -> DeviceReport | None:
        """What is reported of a device so many days ago; nothing after it was last seen."""
        if ago < own.days_ago:
            return None
        if not own.is_read:
            return seen(name, None, result="unreachable", ids=())
        is_updated = own.updated is not None and ago <= own.updated_ago
        return self._seen(name, own._replace(version=own.updated) if is_updated else own)

    async def _tell(self, gateway: str, device: str, own: Own) -> None:
        at = NOW - 299 * DAY
        if own.sale is not None:
            await self.register.state(f"gateway:{gateway}", "sale", at=at, device=device, **{**SOLD, **own.sale})
        if own.market is not None:
            await self.register.state("operator:register", "unit", at=at, device=device, market=own.market)
        if own.is_told:
            told = {"topic": "update", "version": "1.1.0", "says_available": True}
            await self.register.state(SHOP, "notice", at=at, device=device, **told)

    async def settle(self) -> None:
        """Let everything that is due be judged and counted, after the pause between two counts."""
        self.now += PAUSE_S
        while await self._judge.round():
            pass
        while await self.fleets.round():
            pass

    async def kept(self) -> list[dict[str, Any]]:
        """The history of what was found of the model, oldest first."""
        column = fleet_verdicts.c
        query = sa.select(fleet_verdicts).where(column.model == MODEL).order_by(column.judged_at)
        return [dict(row) for row in await self.register.rows(query)]

    async def newest(self) -> FleetVerdict:
        """What was found last, with the days as they count now: that a day has passed makes no row of the history."""
        verdict = (await self.kept())[-1]["verdict"]
        column = findings.c
        of_model = sa.select(column.rule, column.track, column.days).where(column.model == MODEL)
        days = {(row["rule"], row["track"]): row["days"] for row in await self.register.rows(of_model)}
        counted = [{**each, "days": days[each["rule"], each["track"] or ""]} for each in verdict["findings"]]
        return msgspec.convert({**verdict, "findings": counted}, FleetVerdict)

    async def written(self) -> FleetVerdict:
        """What `appraise_fleet` says of everything on record, written as a case."""
        async with reading(self.register.engine) as connection:
            case = await fleet.case(connection, MODEL, self.policy, known=self.now)
        instant = datetime.fromtimestamp(self.now, UTC)
        return appraise_fleet(case, instant, instant, self.policy)
