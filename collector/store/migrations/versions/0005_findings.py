"""Findings about models in many homes."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    op.create_table(
        "fleet_queue",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_fleet_queue"),
    )
    op.create_table(
        "fleets",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("manufacturer", sa.Text()),
        sa.Column("households", sa.BigInteger(), nullable=False),
        sa.Column("with_report", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("judge_again_at", sa.BigInteger()),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.LargeBinary(), nullable=False),
        sa.Column("spread", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_fleets"),
    )
    op.create_index("ix_fleets_judge_again_at", "fleets", ["judge_again_at"], unique=False)
    op.create_table(
        "findings",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("of", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("days", sa.BigInteger()),
        sa.Column("publishable", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "rule", "track", name="pk_findings"),
    )
    op.create_table(
        "fleet_verdicts",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.LargeBinary(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("model", "judged_at", name="pk_fleet_verdicts"),
    )
