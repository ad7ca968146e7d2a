"""What gateways reported, and what was refused or waits until its gateway is enrolled."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

# Its digest is that of its leaf. The rows lie in the order in which they came, the key beside them.
reports = table(
    "reports",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.BigInteger, nullable=False, unique=True),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Column("inventory", sa.BigInteger, nullable=False),  # its number
    # A higher number was there when it came, or nobody had stated its inventory: it says nothing about the present.
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("body", sa.LargeBinary),  # the signature alone where the row says all the rest: see bodies.py
)

# What a gateway's inventory digests stand for. Each has the number of the first report that named it.
inventories = table(
    "inventories",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("inventory", Hex, nullable=False),
    sa.Column("stated", sa.BigInteger),  # the number of the report that carries its devices, once one has come
    sa.Column("unread", sa.Boolean, nullable=False),  # some of them could not be read
    sa.Index("ix_inventories_gateway_inventory", "gateway", "inventory", unique=True),
    sqlite_with_rowid=False,
)

# Evidence that failed verification, kept up to a bound. Its reason is counted for ever.
rejected = table(
    "rejected",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("gateway", Hex, index=True),
    sa.Column("key_id", Hex),
    sa.Column("sequence", sa.BigInteger),  # of a report whose claims were readable: refused, so not missing
    sa.Column("reason", sa.Text, nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("digest", Hex, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("verified", sa.Boolean, nullable=False, index=True),  # a good signature: only then it becomes a fact
    sa.Column("body", sa.LargeBinary),
)

rejections = table(
    "rejections",
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
)

# Messages under keys that nobody knows yet, within bounds, judged once the gateway is enrolled.
pending = table(
    "pending",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("digest", Hex, primary_key=True),
    sa.Column("leaf_topic", sa.Text, nullable=False),
    sa.Column("key_id", Hex, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
