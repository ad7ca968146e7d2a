"""The transparency log: its leaves, the hashes above them, and its signed heads."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, Place, table

logs = table(
    "logs",
    sa.Column("log", Hex, primary_key=True),
    sa.Column("public_key", Hex, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),  # its history was recorded under a clock that was set by hand
)

# The digests of all that was accepted, in order. Found by a digest's beginning: the whole would be kept twice.
leaves = table(
    "leaves",
    sa.Column("index", Place, primary_key=True, autoincrement=False),
    sa.Column("digest", Hex, nullable=False),
    sa.Index("ix_leaves_digest", sa.text("substr(digest, 1, 6)")),
)

# Hashes of complete subtrees of every fourth level; the others follow from those below, in the end from the leaves.
nodes = table(
    "nodes",
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# One for each batch, and with it when the batch was recorded.
heads = table(
    "heads",
    sa.Column("size", Place, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("signed_at", sa.BigInteger, nullable=False),
    sa.Column("protected", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
)

# When the register was put back from a backup: from that size on its log may be another than the one that was lost.
restorations = table(
    "restorations",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("restored_at", sa.BigInteger, nullable=False),
)
