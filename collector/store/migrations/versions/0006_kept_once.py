"""Each digest kept once, rows in the order in which they came, and a queue for what follows from reports."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from evidence import cose, report
from evidence.errors import EvidenceError

revision: Final = "0006"
down_revision: Final = "0005"


REMADE: Final = ("leaves", "nodes", "heads", "reports", "inventories", "gateways")


def upgrade() -> None:
    for table in REMADE:
        op.rename_table(table, f"old_{table}")
    _log()
    _evidence()
    _inventories()
    op.execute(
        """INSERT INTO reports
        SELECT r.gateway, r.sequence, r.leaf, r.received_at, r.issued_at, i.number, r.late, r.body
        FROM old_reports r JOIN inventories i ON i.gateway = r.gateway AND i.inventory = r.inventory ORDER BY r.leaf"""
    )
    op.execute(
        """INSERT INTO gateways
        SELECT g.gateway, g.enrolled_at, g.revoked_at, g.last_sequence, r.digest, g.report_count,
        g.last_report_at, g.last_inventory, i.number, coalesce(i.unread, 0) FROM old_gateways g
        LEFT JOIN old_reports r ON r.gateway = g.gateway AND r.sequence = g.last_sequence
        LEFT JOIN inventories i ON i.gateway = g.gateway AND i.inventory = g.last_inventory"""
    )
    for table in REMADE:
        op.drop_table(f"old_{table}")


def _log() -> None:
    op.create_table(
        "leaves",
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_leaves"),
    )
    op.create_index("ix_leaves_digest", "leaves", [sa.text("substr(digest, 1, 6)")], unique=False)
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name="pk_nodes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heads",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("protected", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_heads"),
    )
    op.execute('INSERT INTO leaves SELECT "index", digest FROM old_leaves ORDER BY "index"')
    op.execute("INSERT INTO nodes SELECT * FROM old_nodes WHERE level % 4 = 0")
    op.execute("INSERT INTO heads SELECT * FROM old_heads ORDER BY size")


def _evidence() -> None:
    op.create_table(
        "reports",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("inventory", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "sequence", name="pk_reports"),
        sa.UniqueConstraint("leaf", name="uq_reports_leaf"),
    )
    op.create_table(
        "inventories",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inventory", sa.LargeBinary(), nullable=False),
        sa.Column("stated", sa.BigInteger(), nullable=True),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "number", name="pk_inventories"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_inventories_gateway_inventory", "inventories", ["gateway", "inventory"], unique=True)
    op.create_table(
        "derive_queue",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "sequence", name="pk_derive_queue"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gateways",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_sequence", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("last_digest", sa.LargeBinary(), nullable=True),
        sa.Column("report_count", sa.BigInteger(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("last_report_at", sa.BigInteger(), nullable=True),
        sa.Column("last_inventory", sa.LargeBinary(), nullable=True),
        sa.Column("inventory_number", sa.BigInteger(), nullable=True),
        sa.Column("unread", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateways"),
    )


def _inventories() -> None:
    """Number what reports named, and find the report that stated it."""
    connection = op.get_bind()
    named = sa.text("SELECT gateway, inventory, min(sequence) AS number FROM old_reports GROUP BY gateway, inventory")
    bodies = sa.text(
        "SELECT sequence, body FROM old_reports WHERE gateway = :gateway AND inventory = :inventory ORDER BY sequence"
    )
    new = sa.text("INSERT INTO inventories VALUES (:gateway, :number, :inventory, :stated, :unread)")
    for row in connection.execute(named).mappings().all():
        told = ((number, _devices(body)) for number, body in connection.execute(bodies, dict(row)))
        stated, devices = next(((number, found) for number, found in told if found is not None), (None, ()))
        unread = any(device.result is not report.Result.OK for device in devices)
        connection.execute(new, {**row, "stated": stated, "unread": unread})


def _devices(body: bytes | None) -> Any:
    try:
        return report.decode(cose.parse(body or b"", report.MESSAGE_TYPE).unverified_payload or b"").devices
    except EvidenceError:
        return None
