"""Foreign catalogues in the register: which files were imported, what was left out, what a feed has said before."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import import_skips, imports, model_ids, statements
from collector.store.statements import PAGE, Fact

T = TypeVar("T")


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be mapped, or not wholly; the attributes are those of the table."""

    format: str
    digest: str
    file: str
    place: str
    reason: str
    detail: str
    snippet: str
    listed_at: int


async def begin(connection: AsyncConnection, format_: str, files: Mapping[str, str], *, now: int) -> dict[str, int]:
    """Note that files are imported, and forget what was left out when they last were, with the same bytes.

    Args:
        connection: A writing transaction.
        format_: Their format.
        files: The digest of each file.
        now: Unix seconds.

    Returns:
        For each file when its feed said what it says, where the file is silent: when these bytes were first imported,
        or, where the file was another in between, when it came back to them.
    """
    newest = {row.file: row for row in await _rows(connection, format_, imports.c.file, files)}
    first = {
        row.digest: row.said_at for row in reversed(await _rows(connection, format_, imports.c.digest, files.values()))
    }
    new, same, said_at = [], [], {}
    for file, digest in files.items():
        last = newest.get(file)
        if last is not None and last.digest == digest:
            said_at[file] = last.said_at
            same.append(last.id)
        else:
            said_at[file] = now if last is not None else first.get(digest, now)
            new.append(
                {"format": format_, "file": file, "digest": digest, "said_at": said_at[file], "imported_at": now}
            )
    for ids in _pages(same):
        await connection.execute(sa.update(imports).where(imports.c.id.in_(ids)).values(imported_at=now))
    if new:
        await connection.execute(sa.insert(imports), new)
    for names in _pages(files):
        of_these = import_skips.c.file.in_(names) & import_skips.c.digest.in_([files[name] for name in names])
        await connection.execute(sa.delete(import_skips).where(import_skips.c.format == format_, of_these))
    return said_at


async def _rows(
    connection: AsyncConnection, format_: str, column: sa.Column[str], wanted: Iterable[str]
) -> list[sa.Row[Any]]:
    """The imports of a format with these values in a column, the oldest first."""
    found: list[sa.Row[Any]] = []
    for values in _pages(wanted):
        found += await connection.execute(
            sa.select(imports).where(imports.c.format == format_, column.in_(values)).order_by(imports.c.id)
        )
    return found


async def keep(connection: AsyncConnection, skips: Sequence[Skip]) -> None:
    """Keep what could not be mapped."""
    if skips:
        await connection.execute(sa.insert(import_skips), [msgspec.structs.asdict(skip) for skip in skips])


async def listed(connection: AsyncConnection, format_: str) -> AsyncIterator[Skip]:
    """What is kept of a format, in the order of import, read page by page."""
    query = sa.select(import_skips).where(import_skips.c.format == format_).order_by(import_skips.c.id).limit(PAGE)
    after = -1
    while rows := (await connection.execute(query.where(import_skips.c.id > after))).mappings().all():
        for row in rows:
            yield Skip(**{name: row[name] for name in Skip.__struct_fields__})
        after = rows[-1]["id"]


async def said_before(connection: AsyncConnection, issuer: str, models: Collection[str], format_: str) -> list[Fact]:
    """What an issuer has stated about models by importing files of a format, in the order of the log."""
    found: list[tuple[int, Fact]] = []
    for names in _pages(models):
        about = sa.select(statements.c.leaf, statements.c.fact).where(
            statements.c.issuer == issuer,
            statements.c.model.in_(names),
            statements.c.fact["source", "format"].as_string() == format_,
        )
        found += [(row.leaf, row.fact) for row in await connection.execute(about)]
    return [fact for _, fact in sorted(found, key=lambda row: row[0])]


async def on_record(connection: AsyncConnection, models: Collection[str]) -> dict[str, set[str]]:
    """The models among these of which some statement, whoever made it, says what they are; each with its ids."""
    found: dict[str, set[str]] = {}
    for names in _pages(models):
        described = sa.select(statements.c.model, statements.c.fact).where(
            statements.c.kind == "model", statements.c.model.in_(names)
        )
        for row in await connection.execute(described):
            found.setdefault(row.model, set()).update(row.fact["ids"])
    return found


async def claimed(connection: AsyncConnection, ids: Collection[str]) -> dict[str, set[str]]:
    """The models on record that claim each of these ids."""
    found: dict[str, set[str]] = defaultdict(set)
    for names in _pages(ids):
        query = sa.select(model_ids.c.model_id, model_ids.c.model).where(model_ids.c.model_id.in_(names))
        for row in await connection.execute(query):
            found[row.model_id].add(row.model)
    return found


def _pages(values: Iterable[T]) -> list[list[T]]:
    """A few hundred at a time: databases bound the parameters of one query."""
    every = list(dict.fromkeys(values))
    return [every[start : start + PAGE] for start in range(0, len(every), PAGE)]
