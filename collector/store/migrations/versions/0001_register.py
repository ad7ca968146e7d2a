"""The register as it was first laid."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    op.create_table(
        "device_model_ids",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "device", "model_id", name="pk_device_model_ids"),
    )
    op.create_index("ix_device_model_ids_model_id", "device_model_ids", ["model_id"], unique=False)
    op.create_table(
        "devices",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_read_at", sa.BigInteger(), nullable=True),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("code_s", sa.Text(), nullable=True),
        sa.Column("level_s", sa.Text(), nullable=True),
        sa.Column("code_m", sa.Text(), nullable=True),
        sa.Column("level_m", sa.Text(), nullable=True),
        sa.Column("verdict", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.Column("judge_again_at", sa.BigInteger(), nullable=True),
        sa.Column("judge_fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "device", name="pk_devices"),
    )
    op.create_index("ix_devices_judge_again_at", "devices", ["judge_again_at"], unique=False)
    op.create_index("ix_devices_model", "devices", ["model"], unique=False)
    op.create_table(
        "enrolment_codes",
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("gateway", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_enrolment_codes"),
    )
    op.create_table(
        "gateways",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("report_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_report_at", sa.BigInteger(), nullable=True),
        sa.Column("last_inventory", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateways"),
    )
    op.create_table(
        "heads",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("protected", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_heads"),
    )
    op.create_table(
        "inventories",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("inventory", sa.LargeBinary(), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "inventory", name="pk_inventories"),
    )
    op.create_table(
        "judge_queue",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "device", name="pk_judge_queue"),
    )
    op.create_table(
        "leaves",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_leaves"),
        sa.UniqueConstraint("digest", name="uq_leaves_digest"),
    )
    op.create_table(
        "logs",
        sa.Column("log", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("log", name="pk_logs"),
    )
    op.create_table(
        "nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name="pk_nodes"),
    )
    op.create_table(
        "parties",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("register_number", sa.Text(), nullable=True),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("ceased", sa.Text(), nullable=True),
        sa.Column("ceased_recorded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("party", name="pk_parties"),
    )
    op.create_table(
        "pending",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_topic", sa.Text(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "digest", name="pk_pending"),
    )
    op.create_table(
        "readings",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reading", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "device", "sequence", name="pk_readings"),
    )
    op.create_table(
        "rejected",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("gateway", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.LargeBinary(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rejected"),
    )
    op.create_index("ix_rejected_gateway", "rejected", ["gateway"], unique=False)
    op.create_index("ix_rejected_reason", "rejected", ["reason"], unique=False)
    op.create_index("ix_rejected_verified", "rejected", ["verified"], unique=False)
    op.create_table(
        "rejections",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reason", name="pk_rejections"),
    )
    op.create_table(
        "reports",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("inventory", sa.LargeBinary(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "sequence", name="pk_reports"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reports_digest", "reports", ["digest"], unique=False)
    op.create_index("ix_reports_gateway_received_at", "reports", ["gateway", "received_at"], unique=False)
    op.create_table(
        "statements",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("asserted_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("device", sa.LargeBinary(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("fact", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_statements"),
    )
    op.create_index("ix_statements_device", "statements", ["device"], unique=False)
    op.create_index("ix_statements_document", "statements", ["document"], unique=False)
    op.create_index("ix_statements_issuer", "statements", ["issuer"], unique=False)
    op.create_index("ix_statements_kind_recorded_at", "statements", ["kind", "recorded_at"], unique=False)
    op.create_index("ix_statements_model", "statements", ["model"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "device", "judged_at", name="pk_verdicts"),
    )
    op.create_table(
        "grants",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["party"], ["parties.party"], name="fk_grants_party_parties"),
        sa.PrimaryKeyConstraint("party", "model_id", name="pk_grants"),
    )
    op.create_table(
        "keys",
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("gateway", sa.LargeBinary(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("successor_signed", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["party"], ["parties.party"], name="fk_keys_party_parties"),
        sa.PrimaryKeyConstraint("key_id", name="pk_keys"),
    )
    op.create_index("ix_keys_gateway", "keys", ["gateway"], unique=False)
    op.create_table(
        "model_ids",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_model_ids_digest_statements"),
        sa.PrimaryKeyConstraint("model_id", "digest", name="pk_model_ids"),
    )
    op.create_index("ix_model_ids_model", "model_ids", ["model"], unique=False)
