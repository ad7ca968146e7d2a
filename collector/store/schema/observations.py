"""Derived from reports: what each device is now, and what was read from it before."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

# Reports from which what follows has not been derived yet.
derive_queue = table(
    "derive_queue",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)


def _readings(name: str) -> sa.Table:
    return table(
        name,
        sa.Column("gateway", Hex, primary_key=True),
        sa.Column("device", Hex, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("reading", sa.JSON(none_as_null=True)),
    )


# One row where a device's reading differs from the one before; null where it is no longer in the inventory.
readings = _readings("readings")

# Those rows that a revocation took back: they counted for whoever did not know of it yet.
revoked_readings = _readings("revoked_readings")

# A device that cannot be read now; each further miss counts. Few are, so they have an index.
UNREAD = sa.text("present AND json_extract(reading, '$.result') <> 'ok'")

devices = table(
    "devices",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("first_seen_at", sa.BigInteger, nullable=False),
    # The last report that names it, and the last one with result ok, as of its last change: see presence.py.
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("last_read_at", sa.BigInteger),
    sa.Column("present", sa.Boolean, nullable=False),  # in the newest inventory
    sa.Column("reading", sa.JSON, nullable=False),  # the newest
    sa.Column("case_id", sa.Integer, index=True),  # which it is from when it was judged on; its verdict is the case's
    sa.Column("judge_again_at", sa.BigInteger, index=True),  # before it time alone does not make it another case
    sa.Index("ix_devices_unread", "gateway", sqlite_where=UNREAD),
)

# What devices called themselves when they were last read: finds those that a model statement touches.
device_model_ids = table(
    "device_model_ids",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Index("ix_device_model_ids_model_id", "model_id"),
)
