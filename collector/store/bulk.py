"""Many rows at once, handed to the driver: what SQLAlchemy does for each row costs more than SQLite does.

The statements are SQLAlchemy's, and so is what becomes of each value; only the walk over the rows is ours.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]
Statement = sa.Insert | sa.Update | sa.Delete
_Process = Callable[[Any], Any]
FEW: Final = 32
AT_ONCE: Final = 500  # keys that one query looks up: always so many, or few, so that it is made and prepared once


class Prepared:
    """A statement and its rows, ready for the driver; what is not known yet is filled in when it is executed.

    Args:
        dialect: The database's.
        statement: Is executed once for each row.
        columns: What the rows have under each key, all equally long.
        later: The keys that are filled in; their values must be such as the driver takes.
    """

    def __init__(self, dialect: sa.Dialect, statement: Statement, columns: Columns, later: Sequence[str] = ()) -> None:
        self.count = len(next(iter(columns.values()), ()))
        self._columns: list[Sequence[Any] | str] = []
        if self.count:
            self._sql, binds = _compiled(statement, dialect, (*columns, *later))
            # What no column names is a constant of the statement.
            self._columns = [
                bind.key
                if bind.key in later
                else _column(columns.get(bind.key) or [bind.effective_value] * self.count, process)
                for bind, process in binds
            ]

    async def execute(self, connection: AsyncConnection, **later: Iterable[Any]) -> int:
        """How many rows of the table it touched."""
        if not self.count:
            return 0
        columns = [later[values] if isinstance(values, str) else values for values in self._columns]
        return (await connection.exec_driver_sql(self._sql, list(zip(*columns, strict=True)))).rowcount

    def each(self, value: object) -> Iterable[Any]:
        """The same value for every row."""
        return repeat(value, self.count)


async def execute(connection: AsyncConnection, statement: Statement, rows: Sequence[Row]) -> int:
    """Execute a statement once for each row; all rows have the keys of the first. How many rows it touched."""
    columns = {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
    return await Prepared(connection.dialect, statement, columns).execute(connection)


def columns(items: Sequence[object], *names: str) -> Columns:
    """What some items have under these names, for rows with the same keys."""
    return {name: list(map(attrgetter(name), items)) for name in names}


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
    dialect, count = connection.dialect, FEW if len(wanted) <= FEW else AT_ONCE
    sql = _lookup(dialect, tuple(columns), tuple(keys), count)
    rows = list(_processed(wanted, [_bind(key, dialect) for key in keys]))
    found: list[Sequence[Any]] = []
    for first in range(0, len(rows), count):
        values = list(chain.from_iterable(rows[first : first + count]))
        values += [None] * (count * len(keys) - len(values))  # which no row has
        found += (await connection.exec_driver_sql(sql, tuple(values))).all()
    return _processed(found, [_result(column, dialect) for column in columns])


@lru_cache
def _lookup(
    dialect: sa.Dialect, columns: tuple[sa.ColumnElement[Any], ...], keys: tuple[sa.Column[Any], ...], count: int
) -> str:
    # SQLAlchemy would take fifty milliseconds for a thousand parameters by name.
    values = ", ".join([f"({', '.join('?' * len(keys))})"] * count)
    names = [sa.column(f"column{number}", key.type) for number, key in enumerate(keys, 1)]  # as SQL calls them
    wanted = sa.text(f"VALUES {values}").columns(*names).cte("wanted")
    query = sa.select(*columns).join(wanted, sa.and_(*(key == name for key, name in zip(keys, wanted.c, strict=True))))
    return str(query.compile(dialect=dialect))


@lru_cache
def _compiled(
    statement: Statement, dialect: sa.Dialect, keys: tuple[str, ...]
) -> tuple[str, list[tuple[sa.BindParameter[Any], _Process | None]]]:
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    binds = [compiled.binds[name] for name in compiled.positiontup or ()]
    return str(compiled), [(bind, _bind(bind, dialect)) for bind in binds]


def _processed(rows: Collection[Sequence[Any]], processes: Sequence[_Process | None]) -> Iterator[tuple[Any, ...]]:
    # By columns, since half of them need nothing done; without rows there are none.
    columns = zip(*rows, strict=True)
    return zip(*map(_column, columns, processes), strict=True)


def _column(values: Sequence[Any], process: _Process | None) -> Sequence[Any]:
    return values if process is None else list(map(process, values))


def _bind(column: sa.ColumnElement[Any], dialect: sa.Dialect) -> _Process | None:
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _result(column: sa.ColumnElement[Any], dialect: sa.Dialect) -> _Process | None:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)
