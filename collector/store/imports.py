"""Foreign catalogues in the register: which files were imported, what was left out, what a feed has said before."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store.schema import import_skips, imports, model_ids, statements
from collector.store.statements import PAGE, Fact


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


async def begin(connection: AsyncConnection, format_: str, file: str, digest: str, *, now: int) -> int:
    """Note that a file is imported, and forget what was left out when these bytes last were.

    Returns:
        When its feed said what it says, where the file is silent: when these bytes were first imported, or, where the
        file was another in between, when it came back to them.
    """
    gone = sa.delete(import_skips).where(import_skips.c.format == format_, import_skips.c.digest == digest)
    await connection.execute(gone)
    of_format = imports.c.format == format_
    newest = sa.select(imports).where(of_format, imports.c.file == file).order_by(imports.c.id.desc()).limit(1)
    last = (await connection.execute(newest)).one_or_none()
    if last is not None and last.digest == digest:
        await connection.execute(sa.update(imports).where(imports.c.id == last.id).values(imported_at=now))
        return int(last.said_at)
    said_at: int | None = None
    if last is None:
        first = sa.select(sa.func.min(imports.c.said_at)).where(of_format, imports.c.digest == digest)
        said_at = await connection.scalar(first)
    row = {"format": format_, "file": file, "digest": digest, "said_at": said_at or now, "imported_at": now}
    await connection.execute(sa.insert(imports).values(row))
    return int(row["said_at"])


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


def _pages(names: Collection[str]) -> list[list[str]]:
    """A few hundred at a time: databases bound the parameters of one query."""
    every = sorted(set(names))
    return [every[start : start + PAGE] for start in range(0, len(every), PAGE)]
