"""Verdicts are kept once and belong to cases; a device refers to its case.

Every device is judged anew after this, as its case is not known yet. Until then it refers to a closed case that holds
the verdict and the history that it had. The numbers of those cases are the devices' row ids.
"""

import hashlib
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"

_UNREAD: Final = sa.text("present AND json_extract(reading, '$.result') <> 'ok'")
_PART: Final = 1000


def upgrade() -> None:
    for name in ("model", "judge_again_at", "unread"):
        op.drop_index(f"ix_devices_{name}", table_name="devices")
    op.rename_table("devices", "old_devices")
    op.rename_table("verdicts", "old_verdicts")
    _make()
    connection = op.get_bind()
    _keep_verdicts(connection)
    for statement in _MOVED:  # in the order of what refers to what
        connection.execute(sa.text(statement))
    for table in ("old_verdicts", "old_devices", "old_texts"):
        op.drop_table(table)


def _make() -> None:
    op.create_table(
        "devices",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_read_at", sa.BigInteger(), nullable=True),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("judge_again_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "device", name="pk_devices"),
    )
    op.create_index("ix_devices_case_id", "devices", ["case_id"], unique=False)
    op.create_index("ix_devices_judge_again_at", "devices", ["judge_again_at"], unique=False)
    op.create_index("ix_devices_unread", "devices", ["gateway"], unique=False, sqlite_where=_UNREAD)
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("code_s", sa.Text(), nullable=False),
        sa.Column("level_s", sa.Text(), nullable=False),
        sa.Column("finding_s", sa.Text(), nullable=True),
        sa.Column("finding_level_s", sa.Text(), nullable=True),
        sa.Column("code_m", sa.Text(), nullable=False),
        sa.Column("level_m", sa.Text(), nullable=False),
        sa.Column("finding_m", sa.Text(), nullable=True),
        sa.Column("finding_level_m", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("digest", name="uq_verdicts_digest"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("verdict_id", sa.Integer(), nullable=True),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.Column("again_at", sa.BigInteger(), nullable=True),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("age_s", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("key", name="uq_cases_key"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name="fk_cases_verdict_id_verdicts"),
    )
    for column in ("model", "again_at", "queued_at"):
        op.create_index(f"ix_cases_{column}", "cases", [column], unique=False)
    op.create_table(
        "case_model_ids",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "model_id", name="pk_case_model_ids"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_model_ids_case_id_cases"),
    )
    op.create_index("ix_case_model_ids_model_id", "case_model_ids", ["model_id"], unique=False)
    op.create_table(
        "case_verdicts",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verdict_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "judged_at", name="pk_case_verdicts"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_verdicts_case_id_cases"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name="fk_case_verdicts_verdict_id_verdicts"),
    )
    op.create_table(
        "device_cases",
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "device", "since", name="pk_device_cases"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_device_cases_case_id_cases"),
        sqlite_with_rowid=False,
    )


def _keep_verdicts(connection: sa.Connection) -> None:
    """Keep each distinct verdict once, in the form that the judge gives it, and which one each old text is."""
    connection.execute(sa.text("CREATE TABLE old_texts (text TEXT, policy_digest BLOB, verdict_id INTEGER)"))
    told = connection.execute(sa.text("SELECT DISTINCT verdict, policy_version, policy_digest FROM old_verdicts"))
    numbers: dict[bytes, int] = {}
    for part in told.partitions(_PART):
        texts, rows = [], []
        for old, version, policy in part:
            verdict = msgspec.json.decode(old)
            text = msgspec.json.encode(verdict)
            digest = hashlib.sha256(policy.hex().encode() + text).digest()
            if digest not in numbers:
                numbers[digest] = len(numbers) + 1
                kept = {"id": numbers[digest], "digest": digest, "verdict": text.decode()}
                rows.append({**kept, "policy_version": version, "policy_digest": policy, **_codes(verdict)})
            texts.append({"text": old, "policy_digest": policy, "verdict_id": numbers[digest]})
        for table, values in (("verdicts", rows), ("old_texts", texts)):
            if values:
                connection.execute(sa.insert(sa.table(table, *map(sa.column, values[0]))), values)
    connection.execute(sa.text("CREATE INDEX ix_old_texts ON old_texts (text, policy_digest)"))


def _codes(verdict: dict[str, Any]) -> dict[str, str | None]:
    codes: dict[str, str | None] = {}
    for track in ("S", "M"):
        side, name = verdict[track], track.lower()
        finding = side.get("window_finding") or {}
        codes |= {f"code_{name}": side["code"], f"level_{name}": side["level"]}
        codes |= {f"finding_{name}": finding.get("code"), f"finding_level_{name}": finding.get("level")}
    return codes


_MOVED: Final = (
    # A case for each device that was judged; its last verdict is the last of its history.
    """INSERT INTO cases (id, model, verdict_id, judged_at, fault)
       SELECT d.rowid, d.model,
              (SELECT t.verdict_id FROM old_verdicts v JOIN old_texts t
                 ON t.text = v.verdict AND t.policy_digest = v.policy_digest
                WHERE v.gateway = d.gateway AND v.device = d.device ORDER BY v.judged_at DESC LIMIT 1),
              d.judged_at, d.judge_fault
         FROM old_devices d WHERE d.judged_at IS NOT NULL OR d.judge_fault IS NOT NULL""",
    """INSERT INTO case_verdicts (case_id, judged_at, verdict_id)
       SELECT d.rowid, v.judged_at, t.verdict_id
         FROM old_verdicts v JOIN old_devices d USING (gateway, device)
         JOIN cases c ON c.id = d.rowid
         JOIN old_texts t ON t.text = v.verdict AND t.policy_digest = v.policy_digest""",
    """INSERT INTO device_cases (gateway, device, since, case_id)
       SELECT d.gateway, d.device, min(v.judged_at), d.rowid
         FROM old_verdicts v JOIN old_devices d USING (gateway, device) JOIN cases c ON c.id = d.rowid
        GROUP BY d.gateway, d.device""",
    """INSERT INTO devices
         (gateway, device, first_seen_at, last_seen_at, last_read_at, present, reading, case_id)
       SELECT d.gateway, d.device, d.first_seen_at, d.last_seen_at, d.last_read_at, d.present, d.reading, c.id
         FROM old_devices d LEFT JOIN cases c ON c.id = d.rowid""",
    """INSERT OR IGNORE INTO judge_queue (gateway, device, queued_at)
       SELECT gateway, device, last_seen_at FROM old_devices""",
)
