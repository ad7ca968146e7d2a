"""Where the two databases have words of their own: inserts that may meet the same key, and JSON as text."""

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An insert with `on_conflict_do_nothing` and `on_conflict_do_update`, which both databases spell alike."""
    return _insert(connection.dialect.name, table)


def keeping(connection: AsyncConnection, table: sa.Table) -> Any:
    """An insert that leaves a row with the same key as it is; always the same object, so it is compiled once."""
    return _keeping(connection.dialect.name, table)


def replacing(connection: AsyncConnection, table: sa.Table, *columns: str) -> Any:
    """An insert that writes these columns of a row with the same key anew; compiled once, too."""
    return _replacing(connection.dialect.name, table, columns)


def _insert(name: str, table: sa.Table) -> Any:
    return postgresql.insert(table) if name == "postgresql" else sqlite.insert(table)


@cache
def _keeping(name: str, table: sa.Table) -> Any:
    return _insert(name, table).on_conflict_do_nothing()


@cache
def _replacing(name: str, table: sa.Table, columns: tuple[str, ...]) -> Any:
    new = _insert(name, table)
    anew = {column: new.excluded[column] for column in columns}
    return new.on_conflict_do_update(index_elements=list(table.primary_key), set_=anew)


def json_text(connection: AsyncConnection, name: str) -> sa.ColumnElement[Any]:
    """A parameter for a column of JSON that is given as text: what many rows share is written once."""
    text = sa.bindparam(name, type_=sa.Text)
    return sa.cast(text, sa.JSON) if connection.dialect.name == "postgresql" else text
