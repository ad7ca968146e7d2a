"""When which revocation was recorded, and the readings that it took back.

Revocations of before took nothing back, and nobody noted when they were recorded: they stay so until they are recorded
again.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "revoked_at", name="pk_revocations"),
    )
    op.create_table(
        "revoked_readings",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "device", "sequence", name="pk_revoked_readings"),
    )
