"""Many rows by one statement, handed to the driver: what SQLAlchemy does for each row costs more than SQLite does.

The statement is SQLAlchemy's, and so is what becomes of each value; only the walk over the rows is ours.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
_Process = Callable[[Any], Any]


async def execute(
    connection: AsyncConnection, statement: sa.Insert | sa.Update | sa.Delete, rows: Sequence[Row]
) -> int:
    """Execute a statement once for each row; all rows have the keys of the first. How many rows it touched."""
    if not rows:
        return 0
    sql, binds = _compiled(statement, connection.dialect, tuple(rows[0]))
    columns = [_values(rows, bind, process) for bind, process in binds]
    return (await connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))).rowcount


@lru_cache
def _compiled(
    statement: sa.Insert | sa.Update | sa.Delete, dialect: sa.Dialect, keys: tuple[str, ...]
) -> tuple[str, list[tuple[sa.BindParameter[Any], _Process | None]]]:
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    return str(compiled), [(bind, bind.type.dialect_impl(dialect).bind_processor(dialect)) for bind in binds]


def _values(rows: Sequence[Row], bind: sa.BindParameter[Any], process: _Process | None) -> list[Any]:
    # What no row names is a constant of the statement.
    values = [row[bind.key] for row in rows] if bind.key in rows[0] else [bind.effective_value] * len(rows)
    return values if process is None else list(map(process, values))
