"""The one schema of the register.

- Ids and digests are bytes in the database and hex in Python; instants are Unix seconds, UTC.
- The key of every table that grows with the reports begins with the gateway, so that the store can be spread over
  machines; only the log has an order of its own.
- Evidence and statements are appended, never edited. What can be erased later is a body, never its leaf.
- What is derived (devices, cases, verdicts, the queue) can be made again from what was signed.
- A reading is JSON with the field names of `evidence.report.DeviceReport`, without the device's id and what is absent;
  digests are hex. Readings are equal where they differ in nothing but `read_at`.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class Hex(TypeDecorator[str]):
    """Bytes in the database, hex digits in Python: half the size, and nothing binary in the code."""

    impl = sa.LargeBinary
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], bytes | None]:  # noqa: ARG002  # SQLAlchemy's
        """To the database: one call for a value, where the decorator's own way takes five."""
        return _to_bytes

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[bytes | None], str | None]:  # noqa: ARG002
        """From the database."""
        return _to_hex


def _to_bytes(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def _to_hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()


# SQLite keeps rows in the order of a key only if it calls its type INTEGER.
Place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    return sa.Table(name, metadata, *columns, **options)


# --- the log ---

logs = _table(
    "logs",
    sa.Column("log", Hex, primary_key=True),
    sa.Column("public_key", Hex, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),  # its history was recorded under a clock that was set by hand
)

# The digests of all that was accepted, in order. Found by a digest's beginning: the whole would be kept twice.
leaves = _table(
    "leaves",
    sa.Column("index", Place, primary_key=True, autoincrement=False),
    sa.Column("digest", Hex, nullable=False),
    sa.Index("ix_leaves_digest", sa.text("substr(digest, 1, 6)")),
)

# Hashes of complete subtrees of every fourth level; the others follow from those below, in the end from the leaves.
nodes = _table(
    "nodes",
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# One for each batch, and with it when the batch was recorded.
heads = _table(
    "heads",
    sa.Column("size", Place, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("signed_at", sa.BigInteger, nullable=False),
    sa.Column("protected", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
)

# When the register was put back from a backup: from that size on its log may be another than the one that was lost.
restorations = _table(
    "restorations",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("restored_at", sa.BigInteger, nullable=False),
)

# --- who is known ---

parties = _table(
    "parties",
    sa.Column("party", sa.Text, primary_key=True),  # role:name
    sa.Column("register_number", sa.Text),  # KvK or VAT, so that a new name is not a new party
    sa.Column("enrolled_at", sa.BigInteger, nullable=False),
    sa.Column("ceased", sa.Text),  # the last day or month it existed, as the operator found it
    sa.Column("ceased_recorded_at", sa.BigInteger),
)

# The model ids that the operator lets a manufacturer speak for; one that ends in * covers all that begin so.
grants = _table(
    "grants",
    sa.Column("party", sa.ForeignKey("parties.party"), primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Column("granted_at", sa.BigInteger, nullable=False),
)

keys = _table(
    "keys",
    sa.Column("key_id", Hex, primary_key=True),
    sa.Column("public_key", Hex, nullable=False),
    sa.Column("party", sa.ForeignKey("parties.party"), nullable=False),
    sa.Column("gateway", Hex, index=True),  # set for a gateway's key, whose party is gateway:<id>
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),  # nothing signed later counts; what came before stays
    sa.Column("successor_signed", sa.Boolean),
    # Of a gateway's key: the one that ends with the first report under this one; null once it has ended.
    sa.Column("replaces", Hex, unique=True, index=True),
    # Of a gateway's key that was replaced: the last number that counts under it.
    sa.Column("last_sequence", sa.BigInteger),
)

gateways = _table(
    "gateways",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("enrolled_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),  # the earliest of its revocations
    # The head of its chain, and what its devices are by the newest report that is not late.
    sa.Column("last_sequence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_digest", Hex),
    sa.Column("report_count", sa.BigInteger, nullable=False, server_default="0"),  # less than the last: numbers lack
    sa.Column("last_report_at", sa.BigInteger),
    sa.Column("last_inventory", Hex),
    sa.Column("inventory_number", sa.BigInteger),
    sa.Column("unread", sa.Boolean, nullable=False, server_default=sa.false()),  # some of them could not be read
)

# From when on nothing of a gateway counts, and when that was recorded. Another one may only name an earlier instant.
revocations = _table(
    "revocations",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("revoked_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
)

enrolment_codes = _table(
    "enrolment_codes",
    sa.Column("code", Hex, primary_key=True),
    sa.Column("secret", sa.LargeBinary),  # gone once it was used
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
    sa.Column("gateway", Hex),
)

# --- evidence ---

# Its digest is that of its leaf. The rows lie in the order in which they came, the key beside them.
reports = _table(
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
inventories = _table(
    "inventories",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("inventory", Hex, nullable=False),
    sa.Column("stated", sa.BigInteger),  # the number of the report that carries its devices, once one has come
    sa.Column("unread", sa.Boolean, nullable=False),  # some of them could not be read
    sa.Index("ix_inventories_gateway_inventory", "gateway", "inventory", unique=True),
    sqlite_with_rowid=False,
)


def _readings(name: str) -> sa.Table:
    return _table(
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

# Evidence that failed verification, kept up to a bound. Its reason is counted for ever.
rejected = _table(
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

rejections = _table(
    "rejections",
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
)

# Messages under keys that nobody knows yet, within bounds, judged once the gateway is enrolled.
pending = _table(
    "pending",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("digest", Hex, primary_key=True),
    sa.Column("leaf_topic", sa.Text, nullable=False),
    sa.Column("key_id", Hex, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

# --- statements ---

statements = _table(
    "statements",
    sa.Column("digest", Hex, primary_key=True),  # the fact's id
    sa.Column("leaf", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False, index=True),
    sa.Column("key_id", Hex, nullable=False),
    sa.Column("asserted_at", sa.BigInteger, nullable=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("model", sa.Text, index=True),
    sa.Column("device", Hex, index=True),
    sa.Column("document", sa.Text, index=True),  # a waiver's document_digest, which joins its two deposits
    sa.Column("fact", sa.JSON, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Index("ix_statements_kind_recorded_at", "kind", "recorded_at"),
)

# Which model statements claim a model id.
model_ids = _table(
    "model_ids",
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Column("digest", Hex, sa.ForeignKey("statements.digest"), primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
)

# --- foreign catalogues ---

# Files that were imported. One that changes back to what it was is a row of its own: the feed says that again.
imports = _table(
    "imports",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("digest", Hex, nullable=False),
    sa.Column("said_at", sa.BigInteger, nullable=False),  # when its feed said it, where the file is silent
    sa.Column("imported_at", sa.BigInteger, nullable=False),
    sa.Index("ix_imports_format_file", "format", "file"),
    sa.Index("ix_imports_format_digest", "format", "digest"),
)

# What could not be mapped, or not wholly, when a file with this digest was last imported.
import_skips = _table(
    "import_skips",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("digest", Hex, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("snippet", sa.Text, nullable=False),
    sa.Column("listed_at", sa.BigInteger, nullable=False),
    sa.Index("ix_import_skips_format_digest", "format", "digest"),
)

# --- derived ---

# Reports from which what follows has not been derived yet.
derive_queue = _table(
    "derive_queue",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# A device that cannot be read now; each further miss counts. Few are, so they have an index.
UNREAD = sa.text("present AND json_extract(reading, '$.result') <> 'ok'")

devices = _table(
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
device_model_ids = _table(
    "device_model_ids",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Index("ix_device_model_ids_model_id", "model_id"),
)

# Each distinct verdict once.
verdicts = _table(
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
cases = _table(
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
case_model_ids = _table(
    "case_model_ids",
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Index("ix_case_model_ids_model_id", "model_id"),
)

# A row where the verdict on a case differs from the one before it.
case_verdicts = _table(
    "case_verdicts",
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("judged_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("verdict_id", sa.ForeignKey("verdicts.id"), nullable=False),
)

# A row where a device became another case.
device_cases = _table(
    "device_cases",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sqlite_with_rowid=False,
)

# Devices to be judged again; in the database, so that a command run beside a live collector is seen by it.
judge_queue = _table(
    "judge_queue",
    sa.Column("gateway", Hex, primary_key=True),
    sa.Column("device", Hex, primary_key=True),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
)

# --- derived: models in many homes ---

# Models whose findings are to be made again.
fleet_queue = _table(
    "fleet_queue",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("queued_at", sa.BigInteger, nullable=False),
)

# What was counted of a model the last time.
fleets = _table(
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
findings = _table(
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
fleet_verdicts = _table(
    "fleet_verdicts",
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("judged_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("policy_digest", Hex, nullable=False),
    sa.Column("log_size", sa.BigInteger, nullable=False),  # all evidence that counted is among these leaves
    sa.Column("evidence", sa.JSON, nullable=False),  # the statements, and the homes by what was said of them
    sa.Column("verdict", sa.JSON, nullable=False),
)
