"""Reading a list page by page, by the key of its rows: see views.py."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.rows import Item, Key, Page

Row = dict[str, Any]


async def page_of(
    connection: AsyncConnection,
    query: sa.Select[Any],
    keys: Sequence[sa.ColumnElement[Any]],
    after: Key | None,
    limit: int,
    key_form: type[Key],
    make: Callable[[Row], Item],
) -> Page[Item, Key]:
    """One page of a query in the order of its keys, which together are unique.

    The keys are all ascending, or one alone that descends; `after` is the key of the last row of the page before.
    """
    plain = [key.element if isinstance(key, sa.UnaryExpression) else key for key in keys]
    if after is not None:
        bound = [sa.literal(value, key.type) for value, key in zip(msgspec.structs.astuple(after), plain, strict=True)]
        falling = isinstance(keys[0], sa.UnaryExpression)
        query = query.where(plain[0] < bound[0] if falling else sa.tuple_(*plain) > sa.tuple_(*bound))
    labelled = [key.label(f"key_{number}") for number, key in enumerate(plain)]
    rows = await rows_of(connection, query.add_columns(*labelled).order_by(*keys).limit(limit + 1))
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=tuple(make(row) for row in rows[:limit]),
        next=None if last is None else key_form(*(last[label.name] for label in labelled)),
    )


async def rows_of(connection: AsyncConnection, query: sa.Executable) -> list[Row]:
    """The rows of a query, by the names of its columns."""
    # The library's names are a kind of str that msgspec does not take for one.
    return [{str(name): value for name, value in row.items()} for row in (await connection.execute(query)).mappings()]


def form_of(kind: type[Item]) -> Callable[[Row], Item]:
    """What makes a typed row."""
    return lambda row: msgspec.convert(row, kind)
