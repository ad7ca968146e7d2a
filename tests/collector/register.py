"""A register in a temporary file, with parties that sign and gateways that report, each under its own key."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from collector.catalogue import record
from collector.catalogue.door import CheckedStatement, check_statement
from collector.catalogue.instants import to_seconds, to_text
from collector.config import Limits
from collector.ingest import screen
from collector.ingest.derivation import derive_of
from collector.ingest.inbox import Arrival
from collector.ingest.screen import Screened
from collector.ingest.settle import settle
from collector.store import gateways, parties
from collector.store.database import open_engine, reading, writing
from collector.transparency.log import Log
from evidence import statement
from evidence.ids import topic
from evidence.keys import SigningKey
from evidence.report import DeviceReport, Report, Result, inventory_digest, sign
from evidence.statement import Statement

HOME = "a0" * 16
NEIGHBOUR = "b0" * 16
DEVICE = "d1" * 16
NEIGHBOURS_DEVICE = "d2" * 16
NEW_DEVICE = "d3" * 16
NOW = to_seconds("2026-11-20T12:00:00Z")
DAY = 86400


def key_of(party: str) -> SigningKey:
    """The signing key of a party: the same in every run."""
    return SigningKey(hashlib.sha256(party.encode()).digest())


def signed(by: str, kind: str, *, at: int = NOW, **fields: Any) -> bytes:
    """A statement by a party, signed at an instant."""
    return statement.sign(Statement(kind=kind, asserted_at=to_text(at), fields=fields), key_of(by))


def seen(device: str, version: str | None = "1.0.0", *, result: str = "ok", **fields: Any) -> DeviceReport:
    """A device as a gateway read it: of the recorded model, unless other fields are given."""
    return DeviceReport(
        device=device,
        result=Result(result),
        reader="zigbee2mqtt",
        reason=None if result == "ok" else "timeout",
        version_raw=version,
        **{"read_at": 0, "ids": ("zigbee:ACME/CAM-2",), **fields},
    )


def reported(gateway: str, sequence: int, at: int, *found: DeviceReport, same: bool = False) -> bytes:
    """A report of what a gateway found; with `same` it does not say again what that is."""
    told = tuple(sorted(found, key=lambda device: device.device))
    claims = Report(
        gateway=gateway,
        sequence=sequence,
        issued_at=at,
        inventory=inventory_digest(told),
        devices=None if same else told,
    )
    return sign(claims, key_of(f"gateway:{gateway}"))


class Register:
    """The register of one test."""

    def __init__(self, engine: AsyncEngine, log: Log) -> None:
        self.engine = engine
        self.log = log

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[Self]:
        """A new register in a folder."""
        engine = await open_engine(folder / "register.sqlite")
        try:
            log = await Log.open(engine, key_of("collector"), folder / "collector.key", now=0, simulated=True)
            yield cls(engine, log)
        finally:
            await engine.dispose()

    async def enrol(self, party: str, *grants: str) -> None:
        """Let a party state things."""
        async with writing(self.engine) as connection:
            await parties.enrol(connection, party, key_of(party).public, granted=grants, at=0)

    async def enrol_gateway(self, gateway: str) -> None:
        """Let a household's gateway in."""
        async with writing(self.engine) as connection:
            await gateways.enrol(connection, gateway, key_of(f"gateway:{gateway}").public, now=0)

    async def settle(self) -> None:
        """Enrol one of every role and two households, record a model, and let each household have a device."""
        await self.enrol("manufacturer:acme", "zigbee:ACME/*", "model:CAM-2")
        for party in ("operator:register", "manufacturer:bolder", "seller:noordlicht", "seller:zuidlicht"):
            await self.enrol(party)
        await self.enrol("third_party:feed")
        ids = ["zigbee:ACME/CAM-2"]
        await self.state("operator:register", "model", at=0, model="acme/cam-2", ids=ids, manufacturer="acme")
        for gateway, device in ((HOME, DEVICE), (NEIGHBOUR, NEIGHBOURS_DEVICE)):
            await self.enrol_gateway(gateway)
            await self.report(gateway, 1, NOW - DAY, seen(device))

    async def report(self, gateway: str, sequence: int, at: int, *found: DeviceReport) -> str:
        """Let a gateway report what it found; the report's digest."""
        return await self.receive(gateway, "report", reported(gateway, sequence, at, *found), at=at)

    async def receive(self, gateway: str, leaf: str, data: bytes, *, at: int) -> str:
        """Let a message come in on a gateway's topic; its digest."""
        async with writing(self.engine) as connection:
            return await self.settle_in(connection, gateway, leaf, data, at=at)

    async def settle_in(
        self, connection: AsyncConnection, gateway: str, leaf: str, data: bytes, *, at: int, derived: bool = True
    ) -> str:
        """Settle a message as the ingest does, in a transaction that may hold more; with what follows from it."""
        screened = await self.screened(connection, gateway, leaf, data, at=at)
        settled = await settle(connection, self.log, screened, limits=Limits(), now=at)
        if derived:
            await derive_of(connection, settled.derive)
        return hashlib.sha256(data).hexdigest()

    async def screened(
        self, connection: AsyncConnection, gateway: str, leaf: str, data: bytes, *, at: int = NOW
    ) -> list[Screened]:
        """A message of a gateway after all that can be found out beside the database."""
        known = await gateways.enrolled_keys(connection, [key_of(f"gateway:{gateway}").public.id.hex()])
        opened = screen.open_all([Arrival(topic(gateway, leaf), data, lambda: None)])
        return screen.authenticate_all(opened, known, at)

    async def check(self, data: bytes, *, gateway: str | None = None, at: int = NOW) -> CheckedStatement:
        """Ask the door and record nothing."""
        async with reading(self.engine) as connection:
            return await check_statement(connection, data, gateway=gateway, recorded_at=at)

    async def submit(self, data: bytes, *, at: int = NOW) -> str:
        """Put a statement on record; its digest."""
        async with writing(self.engine) as connection:
            checked = await check_statement(connection, data, gateway=None, recorded_at=at)
            batch = await self.log.append(connection, [checked.digest], at)
            await record.insert(connection, checked, batch.leaf(checked.digest))
        return checked.digest

    async def state(self, by: str, kind: str, *, at: int = NOW, **fields: Any) -> str:
        """Let a party sign something and put it on record; its digest."""
        return await self.submit(signed(by, kind, at=at, **fields), at=at)

    async def execute(self, statement: sa.Executable, rows: Any = None) -> None:
        """Write straight into the store."""
        async with writing(self.engine) as connection:
            await connection.execute(statement, rows)

    async def rows(self, query: sa.Select[Any]) -> list[Mapping[str, Any]]:
        """Read straight from the store."""
        async with reading(self.engine) as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]
