"""Where the two databases have words of their own: inserts that may meet the same key, and JSON as text."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An insert with `on_conflict_do_nothing` and `on_conflict_do_update`, which both databases spell alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def json_text(connection: AsyncConnection, name: str) -> sa.ColumnElement[Any]:
    """A parameter for a column of JSON that is given as text: what many rows share is written once."""
    text = sa.bindparam(name, type_=sa.Text)
    return sa.cast(text, sa.JSON) if connection.dialect.name == "postgresql" else text
