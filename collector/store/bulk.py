"""Many rows at once, handed to the driver: what SQLAlchemy does for each row costs more than SQLite does.

The statements are SQLAlchemy's, and so is what becomes of each value; only the walk over the rows is ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
_Process = Callable[[Any], Any]
AT_ONCE: Final = 500  # keys that one query looks up: always as many, so that it is made and prepared once


async def execute(
    connection: AsyncConnection, statement: sa.Insert | sa.Update | sa.Delete, rows: Sequence[Row]
) -> int:
    """Execute a statement once for each row; all rows have the keys of the first. How many rows it touched."""
    if not rows:
        return 0
    sql, binds = _compiled(statement, connection.dialect, tuple(rows[0]))
    columns = [_values(rows, bind, process) for bind, process in binds]
    return (await connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))).rowcount


async def select(
    connection: AsyncConnection,
    columns: Sequence[sa.ColumnElement[Any]],
    keys: Sequence[sa.Column[Any]],
    wanted: Collection[tuple[Any, ...]],
) -> Iterator[tuple[Any, ...]]:
    """Look rows up.

    Args:
        connection: To the register.
        columns: What of them.
        keys: Columns of the same table, the first ones of an index.
        wanted: What these are in the rows, each once.

    Returns:
        The rows that are there, in no order.
    """
    sql, binds = _compiled(_lookup(tuple(columns), tuple(keys)), connection.dialect, None)
    to_database = [process for _, process in binds[: len(keys)]]
    rows = list(_processed(wanted, to_database))
    found: list[Sequence[Any]] = []
    for first in range(0, len(rows), AT_ONCE):
        values = list(chain.from_iterable(rows[first : first + AT_ONCE]))
        values += [None] * (len(binds) - len(values))  # which no row has
        found += (await connection.exec_driver_sql(sql, tuple(values))).all()
    return _processed(found, [_result(column, connection.dialect) for column in columns])


@lru_cache
def _lookup(columns: tuple[sa.ColumnElement[Any], ...], keys: tuple[sa.Column[Any], ...]) -> sa.Select[Any]:
    names = [sa.column(key.name, key.type) for key in keys]
    rows = [tuple(sa.bindparam(f"{key.name}_{number}", type_=key.type) for key in keys) for number in range(AT_ONCE)]
    wanted = sa.values(*names, name="wanted").data(rows).cte("wanted")
    return sa.select(*columns).join(wanted, sa.and_(*(key == wanted.c[key.name] for key in keys)))


@lru_cache
def _compiled(
    statement: sa.Insert | sa.Update | sa.Delete | sa.Select[Any], dialect: sa.Dialect, keys: tuple[str, ...] | None
) -> tuple[str, list[tuple[sa.BindParameter[Any], _Process | None]]]:
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    return str(compiled), [(bind, bind.type.dialect_impl(dialect).bind_processor(dialect)) for bind in binds]


def _values(rows: Sequence[Row], bind: sa.BindParameter[Any], process: _Process | None) -> Sequence[Any]:
    # What no row names is a constant of the statement.
    values = [row[bind.key] for row in rows] if bind.key in rows[0] else [bind.effective_value] * len(rows)
    return _column(values, process)


def _processed(rows: Collection[Sequence[Any]], processes: Sequence[_Process | None]) -> Iterator[tuple[Any, ...]]:
    # By columns, since half of them need nothing done; without rows there are none.
    columns = zip(*rows, strict=True)
    return zip(*map(_column, columns, processes), strict=True)


def _column(values: Sequence[Any], process: _Process | None) -> Sequence[Any]:
    return values if process is None else list(map(process, values))


def _result(column: sa.ColumnElement[Any], dialect: sa.Dialect) -> _Process | None:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)
