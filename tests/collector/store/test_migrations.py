"""A register of an earlier version goes on: what was signed is on record as it was, and the audit says the same."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig

from collector.store import audited
from collector.store.database import open_engine, reading
from collector.store.log import find
from collector.transparency import tree
from collector.transparency.audit import audit
from collector.transparency.log import Log, genesis
from evidence.merkle import leaf_hash
from evidence.receipt import sign_head
from evidence.report import DeviceReport, Report, inventory_digest, sign
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NOW, Register, key_of, seen

LOG = "5e" * 16
KEY = key_of("collector")


def chained(gateway: str, found: Sequence[DeviceReport], *same: bool) -> list[bytes]:
    """Reports that name the one before; unchanged ones carry no devices."""
    made: list[bytes] = []
    for sequence, is_same in enumerate(same, 1):
        claims = Report(
            gateway=gateway,
            sequence=sequence,
            issued_at=NOW,
            inventory=inventory_digest(tuple(found)),
            previous=hashlib.sha256(made[-1]).digest() if made else None,
            devices=None if is_same else tuple(found),
        )
        made.append(sign(claims, key_of(f"gateway:{gateway}")))
    return made


HOME_REPORTS = chained(HOME, [seen(DEVICE)], False, *[True] * 20)
NEIGHBOURS_REPORTS = chained(NEIGHBOUR, [seen(DEVICE, None, result="unreachable")], True, False, True)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of a register as version 0005 wrote it, one leaf a batch."""
    file = tmp_path / "register.sqlite"
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = AlembicConfig(attributes={"connection": connection})
        config.set_main_option("script_location", "collector.store:migrations")
        command.upgrade(config, "0005")
    engine.dispose()
    with sqlite3.connect(file) as register:
        _fill(register)
    register.close()
    return file


def _fill(register: sqlite3.Connection) -> None:
    register.execute("INSERT INTO logs VALUES (?, ?, 0, 1)", (bytes.fromhex(LOG), KEY.public.data))
    hashes: dict[tree.Node, bytes] = {}
    messages = [(HOME, data) for data in HOME_REPORTS] + [(NEIGHBOUR, data) for data in NEIGHBOURS_REPORTS]
    digests = [bytes.fromhex(genesis(LOG)), *(hashlib.sha256(data).digest() for _, data in messages)]
    for index, digest in enumerate(digests):
        grown = tree.grow(index, [leaf_hash(digest)], hashes)
        hashes |= grown
        root = tree.fold(tree.root(index + 1), hashes)
        head = sign_head(log=LOG, size=index + 1, root=root, signed_at=NOW, key=KEY)
        register.execute("INSERT INTO leaves VALUES (?, ?, ?)", (index, digest, NOW))
        register.execute(
            "INSERT INTO heads VALUES (?, ?, ?, ?, ?)", (head.size, head.root, NOW, head.protected, head.signature)
        )
        nodes = [(*node, value) for node, value in grown.items() if node[0] > 0]
        register.executemany("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
    for gateway, found, reports in (
        (HOME, [seen(DEVICE)], HOME_REPORTS),
        (NEIGHBOUR, [seen(DEVICE, None, result="unreachable")], NEIGHBOURS_REPORTS),
    ):
        name, inventory = bytes.fromhex(gateway), inventory_digest(tuple(found))
        register.execute(
            "INSERT INTO gateways VALUES (?, 0, NULL, ?, ?, ?, ?)", (name, len(reports), len(reports), NOW, inventory)
        )
        devices = msgspec.json.encode({DEVICE: {"result": str(found[0].result)}}).decode()
        register.execute("INSERT INTO inventories VALUES (?, ?, ?)", (name, inventory, devices))
        for sequence, data in enumerate(reports, 1):
            digest = hashlib.sha256(data).digest()
            row = (name, sequence, digest, digests.index(digest), NOW, NOW, inventory, sequence == 1, data)
            register.execute("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


async def test_an_earlier_register_is_audited_as_before(old: Path) -> None:
    """Every leaf, subtree, head and body, and gateways go on where they were."""
    engine = await open_engine(old)
    try:
        async with reading(engine) as connection:
            row = await find(connection)
            kept = await audited.stored(connection, 1, 100)
        assert row is not None
        found = await audit(engine, row, lambda _done, _size: None)
        assert (found.listed, found.size, found.heads, found.bodies) == ([], 25, 25, 24)
        assert [item.body for _, item in sorted(kept.items())] == HOME_REPORTS + NEIGHBOURS_REPORTS
        register = Register(engine, Log(LOG, KEY))
        states = await register.rows(
            sa.text(  # type: ignore[arg-type]  # plain words, as another program would see it
                "SELECT g.last_sequence, hex(last_digest) AS digest, number, stated, g.unread FROM gateways g "
                "JOIN inventories i ON i.gateway = g.gateway AND i.number = inventory_number ORDER BY g.gateway"
            )
        )
        assert [tuple(state.values()) for state in states] == [
            (21, hashlib.sha256(HOME_REPORTS[-1]).hexdigest().upper(), 1, 1, 0),
            (3, hashlib.sha256(NEIGHBOURS_REPORTS[-1]).hexdigest().upper(), 1, 2, 1),
        ]
    finally:
        await engine.dispose()
