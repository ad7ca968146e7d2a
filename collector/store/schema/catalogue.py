"""What was stated, and the files of foreign catalogues that statements were made from."""

import sqlalchemy as sa

from collector.store.schema.base import Hex, table

statements = table(
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
model_ids = table(
    "model_ids",
    sa.Column("model_id", sa.Text, primary_key=True),
    sa.Column("digest", Hex, sa.ForeignKey("statements.digest"), primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
)

# Files that were imported. One that changes back to what it was is a row of its own: the feed says that again.
imports = table(
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
import_skips = table(
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
