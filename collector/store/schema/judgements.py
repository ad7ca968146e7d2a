"""Derived from facts: cases, the verdicts on them, and what is to be judged again."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

# Each distinct verdict once.
verdicts = table(
    "verdicts",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", Hex, nullable=False, unique=True),  # of the policy's digest and the verdict
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("policy_digest", Hex, nullable=False),
    sa.Column("verdict", sa.JSON, nullable=False),  # {"S": ..., "M": ...}
    # What to search by and to sort by, from the verdict.
    sa.Column("code_s", sa.Text, nullable=False),
    sa.Column("level_s", sa.Text, nullable=False),
    sa.Column("finding_s", sa.Text),
    sa.Column("finding_level_s", sa.Text),
    sa.Column("code_m", sa.Text, nullable=False),
    sa.Column("level_m", sa.Text, nullable=False),
    sa.Column("finding_m", sa.Text),
    sa.Column("finding_level_m", sa.Text),
)

# Devices that no rule can tell from one another, judged as one: all of them follow when its verdict changes.
cases = table(
    "cases",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", Hex, unique=True),  # of the policy's digest and the facts; null: closed, never to be judged again
    sa.Column("facts", sa.Text),  # a catalogue.case.Case; null where one device is judged by itself
    sa.Column("model", sa.Text, index=True),  # matched, null where unknown or ambiguous
    sa.Column("verdict_id", sa.ForeignKey("verdicts.id")),
    sa.Column("judged_at", sa.BigInteger),
    sa.Column("again_at", sa.BigInteger, index=True),  # before it the verdict cannot change by time alone
    sa.Column("queued_at", sa.BigInteger, index=True),  # what is on record about its model has changed
    sa.Column("age_s", sa.BigInteger),  # how old a report of such a device may be
    sa.Column("fault", sa.Text),  # why it could not be judged the last time; the verdict above is then older
)

# What the devices of a case call themselves: finds those that a model statement touches.
case_model_ids = table(
    "case_model_ids",
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Index("ix_case_model_ids_model_id", "model_id"),
)

# A row where the verdict on a case differs from the one before it.
case_verdicts = table(
    "case_verdicts",
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("judged_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("verdict_id", sa.ForeignKey("verdicts.id"), nullable=False),
)

# A row where a device became another case.
device_cases = table(
    "device_cases",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sqlite_with_rowid=False,
)

# Devices to be judged again; in the database, so that a command run beside a live collector is seen by it.
judge_queue = table(
    "judge_queue",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
)
