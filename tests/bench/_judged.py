"""A register of many devices of one model, made quickly: rows as the ingest writes them, without signatures and bodies.

Skewed as real fleets are: a few versions and hardware variants are most of it. One in five devices has a sale on
record, nine in ten of those bought by housing corporations, many in one contract, the others each on a day of its own,
half of them just before it was first seen. One in twelve was updated since it is seen. One in a hundred cannot be read
now, one in a hundred was not seen for weeks.
"""

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from collector.catalogue.instants import to_text
from tests.bench._placed import COLUMNS as PLACED
from tests.bench._placed import Placer

NOW: Final = 1_795_176_000  # 2026-11-20T12:00:00Z
DAY: Final = 86_400
MODEL: Final = "acme/thermostat-2"
VERSIONS: Final = [f"{major}.{minor}.{patch}" for major in (1, 2) for minor in range(3) for patch in range(2)]
_SHARES: Final = [1 / (rank + 1) for rank in range(len(VERSIONS))]
IDS: Final = ["zigbee:ACME/TH-2", "zigbee:ACME/TH-2B", "zigbee:ACME/TH-2-EU"]
_SELLERS: Final = ["noordlicht", "zuidlicht", "bolder", "wester"]
QUEUED: Final = 4000
_HOME: Final = 4  # devices
_CORPORATIONS: Final = [(f"2025-{month:02}-15", seller) for month in range(1, 13) for seller in _SELLERS]
_BOUGHT: Final = [1 / (rank + 1) for rank in range(len(_CORPORATIONS))]

Row = tuple[Any, ...]


def state(path: Path) -> None:
    """Put on record in a register that is migrated what there is about the model."""
    with sqlite3.connect(path) as connection:
        _statements(connection)
    connection.close()


def fill(path: Path, size: int, placer: Placer) -> None:
    """Fill a register that knows the model and has nobody in it; the first devices are queued.

    Args:
        path: The register.
        size: How many devices.
        placer: Says which cases they are.
    """
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-500000")
    rng = random.Random(1)
    for number, part in enumerate(_parts(size)):
        tables: dict[str, list[Row]] = {name: [] for name in _COLUMNS}
        for _ in range(part):
            _home(rng, tables)
        if number == 0:
            tables["judge_queue"] = [(gateway, device, NOW) for gateway, device, *_ in tables["devices"][:QUEUED]]
        placer.place(tables)
        with connection:
            for name, rows in tables.items():
                connection.executemany(_insert(name), rows)
    connection.close()


_COLUMNS: Final = {
    **PLACED,
    "devices": "gateway, device, first_seen_at, last_seen_at, last_read_at, present, reading, case_id, judge_again_at",
    "readings": "gateway, device, sequence, received_at, reading",
    "device_model_ids": "gateway, device, model_id",
    "judge_queue": "gateway, device, queued_at",
    "statements": "digest, leaf, kind, issuer, key_id, asserted_at, recorded_at, model, device, fact",
    "gateways": "gateway, enrolled_at, last_report_at",
    "reports": "gateway, sequence, leaf, received_at, issued_at, inventory, late",
    "leaves": '"index", digest',
}


def _insert(table: str) -> str:
    columns = _COLUMNS[table]
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' for _ in columns.split(','))})"


def _parts(size: int) -> Iterator[int]:
    homes = -(-size // _HOME)
    for begin in range(0, homes, 10_000):
        yield min(10_000, homes - begin)


def _home(rng: random.Random, tables: dict[str, list[Row]]) -> None:
    gateway, began = rng.randbytes(16), NOW - rng.randint(1, 300) * DAY - rng.randrange(DAY)
    last = NOW - rng.randrange(DAY) if rng.random() > 0.01 else NOW - rng.randint(8, 60) * DAY
    began = min(began, last)
    tables["gateways"].append((gateway, began, last))
    for sequence, at in ((1, began), (2, last)):
        digest = rng.randbytes(32)
        leaf = int.from_bytes(digest[:7], "big")  # each its own is enough here
        tables["leaves"].append((leaf, digest))
        tables["reports"].append((gateway, sequence, leaf, at, at, 1, False))
    for _ in range(_HOME):
        _device(rng, tables, gateway, began, last)


def _device(rng: random.Random, tables: dict[str, list[Row]], gateway: bytes, began: int, last: int) -> None:
    device = rng.randbytes(16)
    version = rng.choices(VERSIONS, _SHARES)[0]
    ids = [rng.choices(IDS, (80, 15, 5))[0]]
    reading: dict[str, Any] = {"result": "ok", "read_at": last, "reader": "zigbee2mqtt", "version_raw": version}
    reading |= {"ids": ids, "hardware": rng.randbytes(16).hex()}
    runs = [(1, began, reading)]
    is_read = rng.random() > 0.01
    if not is_read:
        runs.append((2, last, {"result": "unreachable", "reason": "timeout", "read_at": last, "ids": []}))
    elif rng.random() < 1 / 12:
        before = VERSIONS[max(0, VERSIONS.index(version) - 1)]
        runs = [(1, began, {**reading, "version_raw": before}), (2, last, reading)]
    shown = json.dumps(runs[-1][2])
    tables["devices"].append((gateway, device, began, last, last if is_read else began, True, shown))
    tables["readings"] += [(gateway, device, sequence, at, json.dumps(said)) for sequence, at, said in runs]
    tables["device_model_ids"].append((gateway, device, ids[0]))
    if rng.random() < 1 / 5:
        tables["statements"].append(_sale(rng, gateway.hex(), device, began))


def _sale(rng: random.Random, gateway: str, device: bytes, began: int) -> Row:
    if rng.random() < 0.9:
        contract, seller = rng.choices(_CORPORATIONS, _BOUGHT)[0]
        said = {"delivered": contract}
    else:
        ago = rng.randrange(4) if rng.random() < 0.5 else rng.randint(4, 400)
        contract, seller, said = to_text(began - ago * DAY)[:10], rng.choice(_SELLERS), {}
    words = {"jurisdiction": "NL", "seller_type": "trader", "buyer_type": "consumer", "supply": "continuous"}
    fields = {"device": device.hex(), "seller": seller, "contract": contract, **words, **said}
    return _stated(rng.randbytes(32), "sale", f"consumer:{gateway}", NOW - rng.randrange(DAY), of=device, **fields)


def _statements(connection: sqlite3.Connection) -> None:
    """What is on record about the model."""
    maker, since = "manufacturer:acme", NOW - 800 * DAY
    said: list[tuple[str, dict[str, Any]]] = [
        ("model", {"ids": IDS, "manufacturer": "acme", "class": "thermostat", "scheme": "semver"}),
        ("window", {"end": "2031-03-31"}),
        *(("release", {"version": version, "available_from": "2025-01-01"}) for version in VERSIONS),
        *(("advisory", hole(number)) for number in range(1, 6)),
    ]
    for number, (kind, fields) in enumerate(said):
        row = _stated(number.to_bytes(32, "big"), kind, maker, since, model=MODEL, **fields)
        connection.execute(_insert("statements"), row)
    claimed = [(name, bytes(32), MODEL) for name in IDS]
    connection.executemany("INSERT INTO model_ids (model_id, digest, model) VALUES (?, ?, ?)", claimed)


def hole(number: int) -> dict[str, Any]:
    """The fields of an advisory, whose fix came with one of the versions."""
    fixed = VERSIONS[number % len(VERSIONS)]
    said = {"advisory": f"ACME-{number}", "public_since": "2026-01-10", "severity": "high"}
    return {**said, "affected": [{"before": fixed}], "fixed_in": [fixed]}


def _stated(digest: bytes, kind: str, issuer: str, at: int, *, of: bytes | None = None, **fields: Any) -> Row:
    ours = {"id": digest.hex(), "kind": kind, "issuer": issuer, "recorded_at": to_text(at)}
    fact = json.dumps({**fields, **ours})
    return digest, 0, kind, issuer, bytes(8), at, at, fields.get("model"), of, fact
