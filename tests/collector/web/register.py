"""A register to look at: a file of SQLite with the schema of the collector, and rows as ingest and judge leave them.

Invented parties and products. Every verdict is in the form of appraisal.md section 3.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from msgspec import json
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from collector.appraisal.days import day_start
from collector.appraisal.policies import shipped
from collector.store import cases
from collector.store import schema as s

NOW: Final = int(datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp())
DAY: Final = 86_400
GATEWAY: Final = "a3" * 16
FILE: Final = "register.sqlite"
POLICY: Final = "2026-11-a"
Json = dict[str, Any]


def name_of(text: str, length: int = 32) -> str:
    """A hex name that always is the same for the same text."""
    return sha256(text.encode()).hexdigest()[:length]


def instant(seconds: int) -> str:
    """Unix seconds in the form of facts and verdicts."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(offset: int) -> str:
    """The day so many days from now."""
    return (datetime.fromtimestamp(NOW, UTC) + timedelta(days=offset)).date().isoformat()


def window(start: int | None, end: int | None, basis: str | None = "promise", extended: int | None = None) -> Json:
    """A window that starts and ends at local midnights, of days counted from now."""

    def midnight(offset: int | None) -> str | None:
        if offset is None:
            return None
        start = day_start(date.fromisoformat(day(offset)), shipped(POLICY).zone("NL"))
        return instant(int(start.timestamp()))

    return {
        "start": midnight(start),
        "end_excl": midnight(end),
        "extended_end_excl": midnight(extended),
        "basis": basis if end is not None or basis == "extension" else None,
    }


def verdict(code: str, level: str, **fields: Any) -> Json:
    """One track, with nothing in it that is not given."""
    return {
        "code": code,
        "level": level,
        "since": None,
        "reason": None,
        "about": [],
        "flags": [],
        "window": window(None, None),
        "window_finding": None,
        "missing": [],
        "basis": [],
        "policy_version": POLICY,
        **fields,
    }


def reading(version: str | None = "1.0.0", *, ids: Sequence[str] = (), **fields: Any) -> Json:
    """A good reading."""
    return {"result": "ok", "reader": "zigbee2mqtt", "ids": list(ids), "version_raw": version, **fields}


def failure(result: str = "unreachable", reason: str = "timeout") -> Json:
    """A read failure."""
    return {"result": result, "reason": reason, "reader": "modbus_device_id", "ids": []}


class Register:
    """Fills a register row by row.

    Args:
        engine: To an empty one.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._leaf = 0
        self._cases = 0

    @classmethod
    async def open(cls, folder: Path) -> "Register":
        """An empty one in a folder."""
        found = cls.at(folder)
        async with found.engine.begin() as connection:
            await connection.run_sync(s.metadata.create_all)
        return found

    @classmethod
    def at(cls, folder: Path) -> "Register":
        """The one in a folder."""
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / FILE}")
        sa.event.listen(engine.sync_engine, "connect", _hurry)
        return cls(engine)

    async def insert(self, table: sa.Table, **row: Any) -> None:
        """One row."""
        async with self.engine.begin() as connection:
            await connection.execute(table.insert().values(**row))

    async def gateway(self, gateway: str = GATEWAY, **fields: Any) -> str:
        """A gateway that was enrolled two years ago."""
        row = {"enrolled_at": NOW - 730 * DAY, "last_sequence": 412, "last_report_at": NOW - 900, **fields}
        await self.insert(s.gateways, gateway=gateway, **row)
        return gateway

    async def device(
        self,
        about: str,
        *,
        gateway: str = GATEWAY,
        model: str | None = None,
        now_reads: Json | None = None,
        read: Json | None = None,
        tracks: tuple[Json, Json] | None = None,
        judge_fault: str | None = None,
        seen: int = 900,
        **fields: Any,
    ) -> str:
        """A device, its readings, its verdict and its history.

        Args:
            about: Its name is made from this.
            gateway: Whose it is.
            model: As matched.
            now_reads: The newest reading, where it is another than the last good one.
            read: The last good reading.
            tracks: Both verdicts.
            judge_fault: Why it could not be judged the last time.
            seen: So many seconds ago.
            fields: Columns of the row.
        """
        name = name_of(about)
        newest = now_reads or read or failure()
        judged = None if tracks is None else dict(zip("SM", tracks, strict=True))
        row = {
            "first_seen_at": NOW - 400 * DAY,
            "last_seen_at": NOW - seen,
            "last_read_at": None if read is None else NOW - (seen if now_reads is None else 3 * DAY),
            "present": True,
            "reading": newest,
            "case_id": await self._case(gateway, name, model, judged, judge_fault),
            **fields,
        }
        await self.insert(s.devices, gateway=gateway, device=name, **row)
        for sequence, item in enumerate([read, now_reads], 400):
            if item is not None:
                at = NOW - (403 - sequence) * DAY
                await self.insert(
                    s.readings, gateway=gateway, device=name, sequence=sequence, received_at=at, reading=item
                )
        return name

    async def _case(
        self, gateway: str, device: str, model: str | None, judged: Json | None, fault: str | None
    ) -> int | None:
        if model is None and judged is None and fault is None:
            return None
        self._cases += 1
        case = {"id": self._cases, "model": model, "fault": fault}
        if judged is not None:
            said = cases.said(judged, json.encode(judged), device)
            named = {"policy_version": POLICY, "policy_digest": "00" * 32, "verdict": judged, **said.codes}
            await self.insert(s.verdicts, id=self._cases, digest=said.digest, **named)
            case |= {"verdict_id": self._cases, "judged_at": NOW - 60}
        await self.insert(s.cases, **case)
        if judged is not None:
            await self.insert(s.case_verdicts, case_id=self._cases, judged_at=NOW - 60, verdict_id=self._cases)
            await self.insert(s.device_cases, gateway=gateway, device=device, since=NOW - 60, case_id=self._cases)
        return self._cases

    async def report(self, sequence: int, *, ago: float, gateway: str = GATEWAY) -> None:
        """An accepted report that came so many days ago."""
        at = NOW - int(ago * DAY)
        name = name_of(f"report {sequence}", 64)
        self._leaf += 1
        await self.insert(s.leaves, index=self._leaf, digest=name)
        row = {"leaf": self._leaf, "received_at": at, "issued_at": at, "inventory": 1, "late": False}
        await self.insert(s.reports, gateway=gateway, sequence=sequence, **row)

    async def statement(self, kind: str, issuer: str, fields: Mapping[str, Any], *, ago: int = 300) -> str:
        """A statement that was recorded so many days ago."""
        self._leaf += 1
        digest = name_of(f"{kind}{issuer}{self._leaf}", 64)
        at = NOW - ago * DAY
        fact = {"id": digest, "kind": kind, "issuer": issuer, "recorded_at": instant(at), "asserted_at": instant(at)}
        await self.insert(
            s.statements,
            digest=digest,
            leaf=self._leaf,
            kind=kind,
            issuer=issuer,
            key_id="0b" * 8,
            asserted_at=at,
            recorded_at=at,
            model=fields.get("model"),
            device=fields.get("device"),
            fact={**fact, **fields},
        )
        return digest

    async def product(self, model: str, maker: str, device_class: str, ids: Sequence[str]) -> None:
        """A model's catalogue entry."""
        entry = {"model": model, "manufacturer": maker, "class": device_class, "ids": list(ids)}
        digest = await self.statement("model", "operator:register", entry, ago=800)
        for name in ids:
            await self.insert(s.model_ids, model_id=name, digest=digest, model=model)

    async def sale(self, device: str, seller: str, *, gateway: str = GATEWAY, bought: int = -400) -> None:
        """What the household says that it bought."""
        sold = {"device": device, "seller": seller, "contract": day(bought), "delivered": day(bought + 2)}
        terms = {"seller_type": "trader", "buyer_type": "consumer", "supply": "single", "jurisdiction": "NL"}
        await self.statement("sale", f"consumer:{gateway}", {**sold, **terms}, ago=-bought)

    async def simulated(self, *, simulated: bool = True) -> None:
        """The log, and whether its clock was set by hand."""
        row = {"public_key": "01" * 32, "created_at": NOW - 800 * DAY, "simulated": simulated}
        await self.insert(s.logs, log="02" * 32, **row)

    async def rejection(self, reason: str, *, count: int = 1, detail: str = "found something else") -> None:
        """A refused message, and its count."""
        await self.insert(
            s.rejected,
            received_at=NOW - 3600,
            topic=f"updateplicht/1/a3/{GATEWAY}/report",
            gateway=GATEWAY,
            reason=reason,
            detail=detail,
            digest=name_of(reason, 64),
            size=1234,
            verified=reason == "sequence",
        )
        await self.insert(s.rejections, reason=reason, count=count, last_at=NOW - 3600)


def _hurry(connection: Any, _record: object) -> None:
    # A test's register outlives no loss of power.
    connection.execute("PRAGMA synchronous=OFF")
