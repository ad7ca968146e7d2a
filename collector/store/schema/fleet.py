"""Derived from many homes: what is found of a model, and what is to be counted again."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

# Models whose findings are to be made again.
fleet_queue = table(
    "fleet_queue",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
)

# What was counted of a model the last time.
fleets = table(
    "fleets",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("manufacturer", sa.Text),
    sa.Column("households", sa.BigInteger, nullable=False),
    sa.Column("with_report", sa.BigInteger, nullable=False),
    sa.Column("judged_at", sa.BigInteger, nullable=False),
    sa.Column("judge_again_at", sa.BigInteger, index=True),  # null where no home has it: only a change can matter
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("policy_digest", Hex, nullable=False),
    sa.Column("spread", sa.JSON, nullable=False),  # how many homes ran which version when; see store/spread.py
)

# The findings that stand now.
findings = table(
    "findings",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("track", sa.Text, primary_key=True),  # empty where a finding is about neither
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("of", sa.BigInteger, nullable=False),
    sa.Column("about", sa.JSON, nullable=False),
    sa.Column("days", sa.BigInteger),
    sa.Column("publishable", sa.Boolean, nullable=False),
    sa.Column("found_at", sa.BigInteger, nullable=False),  # since when this code stands without a break
)

# A row where what is said of a model differs from what was said before, and what that stands on.
fleet_verdicts = table(
    "fleet_verdicts",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("judged_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("policy_digest", Hex, nullable=False),
    sa.Column("log_size", sa.BigInteger, nullable=False),  # all evidence that counted is among these leaves
    sa.Column("evidence", sa.JSON, nullable=False),  # the statements, and the homes by what was said of them
    sa.Column("verdict", sa.JSON, nullable=False),
)
