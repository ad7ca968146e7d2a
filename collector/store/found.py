"""What is shown of findings about models: every read, one function each; paged as views.py says.

A finding whose numbers would point at a few homes is kept, and not shown: not here, and so nowhere (appraisal.md
section 11, `publishable`). That there are too few homes to say anything is shown, without the numbers.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.store import schema as s
from collector.store.paged import form_of, page_of, rows_of
from collector.store.rows import (
    Finding,
    FindingFilter,
    FindingKey,
    Fleet,
    FleetVerdictRow,
    NumberKey,
    Page,
    Statement,
)

_f: Final = s.findings.c
SHOWN: Final = _f.publishable | (_f.rule == "G0")
_RANK: Final = sa.case({"B": 0, "A": 1, "C": 2, "OK": 3}, value=_f.level, else_=4)
_OWN: Final = (s.fleets.c.manufacturer, s.fleets.c.judged_at, s.fleets.c.policy_version, s.fleets.c.policy_digest)


async def findings(
    connection: AsyncConnection,
    wanted: FindingFilter,
    *,
    withheld: bool = False,
    after: FindingKey | None = None,
    limit: int,
) -> Page[Finding, FindingKey]:
    """The findings that fit and may be shown, what weighs most first; for the operator also those `withheld`."""
    can_be_told = sa.true() if withheld else _f.publishable
    numbers = [sa.case((can_be_told, _f[name])).label(name) for name in ("count", "of")]
    said = (_f.model, _f.rule, _f.track, _f.code, _f.level, _f.about, _f.days, _f.publishable, _f.found_at)
    fits = {name: value for name, value in _asked(wanted).items() if value is not None}
    query = sa.select(*said, *numbers, *_OWN).join(s.fleets, s.fleets.c.model == _f.model)
    query = query.where(
        sa.true() if withheld else SHOWN,
        *((s.fleets if name == "manufacturer" else s.findings).c[name] == value for name, value in fits.items()),
    )
    keys = (_RANK, _f.model, _f.rule, _f.track)
    return await page_of(connection, query, keys, after, limit, FindingKey, form_of(Finding))


def _asked(wanted: FindingFilter) -> dict[str, str | None]:
    return {name: getattr(wanted, name) for name in FindingFilter.__struct_fields__}


async def levels(connection: AsyncConnection) -> dict[str, int]:
    """How many findings are shown, by level."""
    rows = await connection.execute(sa.select(_f.level, sa.func.count()).where(SHOWN).group_by(_f.level))
    return {row[0]: row[1] for row in rows}


async def fleet(connection: AsyncConnection, model: str) -> Fleet | None:
    """A model whose homes were counted, None where they were not."""
    rows = await rows_of(connection, sa.select(s.fleets).where(s.fleets.c.model == model))
    return form_of(Fleet)(rows[0]) if rows else None


async def history(
    connection: AsyncConnection, model: str, *, after: NumberKey | None = None, limit: int
) -> Page[FleetVerdictRow, NumberKey]:
    """How the findings about a model changed, newest first, with all that was found; who shows it must choose."""
    column = s.fleet_verdicts.c
    query = sa.select(*(each for each in column if each.name not in ("model", "evidence"))).where(column.model == model)
    return await page_of(
        connection, query, (column.judged_at.desc(),), after, limit, NumberKey, form_of(FleetVerdictRow)
    )


async def evidence(connection: AsyncConnection, model: str) -> dict[str, Any] | None:
    """What the newest findings about a model stand on, None where there are none."""
    column = s.fleet_verdicts.c
    query = sa.select(column.judged_at, column.log_size, column.evidence).where(column.model == model)
    rows = await rows_of(connection, query.order_by(column.judged_at.desc()).limit(1))
    return rows[0] if rows else None


async def answers(connection: AsyncConnection, model: str, *, limit: int) -> tuple[Statement, ...]:
    """What sellers and manufacturers replied about a model or a statement about it, the newest first."""
    column = s.statements.c
    shown = (
        column.digest,
        column.leaf,
        column.kind,
        column.issuer,
        column.asserted_at,
        column.recorded_at,
        column.fact,
    )
    about = (
        sa.select(column.digest).where(column.model == model, column.issuer.not_like("consumer:%")).scalar_subquery()
    )
    of_model = (column.model == model) | column.fact["statement"].as_string().in_(about)
    own = column.issuer.like("seller:%") | column.issuer.like("manufacturer:%")
    query = sa.select(*shown).where(column.kind == "answer", column.device.is_(None), own, of_model)
    rows = await rows_of(connection, query.order_by(column.leaf.desc()).limit(limit))
    return tuple(map(form_of(Statement), rows))
