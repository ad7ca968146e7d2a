"""Many rows by one statement, handed to the driver: what SQLAlchemy does for each row costs more than SQLite does.

The statement is SQLAlchemy's, and so is what becomes of each value; only the walk over the rows is ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


async def execute(
    connection: AsyncConnection, statement: sa.Insert | sa.Update | sa.Delete, rows: Sequence[Row]
) -> None:
    """Execute a statement once for each row; all rows have the keys of the first."""
    if not rows:
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup or ()
    columns = [_values(rows, compiled.binds[name], connection.dialect) for name in names]
    await connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _values(rows: Sequence[Row], bind: sa.BindParameter[Any], dialect: sa.Dialect) -> list[Any]:
    # What no row names is a constant of the statement.
    values = [row[bind.key] for row in rows] if bind.key in rows[0] else [bind.effective_value] * len(rows)
    process = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return values if process is None else [process(value) for value in values]
