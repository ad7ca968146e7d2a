"""Many rows at once come out as they would one by one, and are found by an index."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.store import bulk
from collector.store.database import open_engine, reading, writing
from collector.store.evidence import named, states
from collector.store.gateways import enrolled_keys
from collector.store.schema import inventories

MANY = bulk.AT_ONCE + 7
COLUMNS = (inventories.c.inventory, inventories.c.number, inventories.c.stated, inventories.c.unread)


def gateway(number: int) -> str:
    return f"{number:032x}"


def inventory(number: int) -> str:
    return f"{number:064x}"


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A register in which many gateways have two inventories each; only the second was stated."""
    engine = await open_engine(tmp_path / "register.sqlite")
    rows = [
        {
            "gateway": gateway(number),
            "number": which,
            "inventory": inventory(which),
            "stated": 2 if which == 2 else None,
            "unread": which == 1,
        }
        for number in range(MANY)
        for which in (1, 2)
    ]
    async with writing(engine) as connection:
        assert await bulk.execute(connection, sa.insert(inventories), rows) == 2 * MANY
    yield engine
    await engine.dispose()


@given(wanted=st.sets(st.tuples(st.integers(0, MANY + 5), st.integers(1, 3)), max_size=20))
@example(wanted={(number, 2) for number in range(MANY + 5)})
@example(wanted={(number, 1) for number in range(bulk.AT_ONCE)})
@example(wanted={(number, 1) for number in range(bulk.FEW + 1)})
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_there_is_found_once(engine: AsyncEngine, wanted: set[tuple[int, int]]) -> None:
    """However many are asked for; with bytes as hex, NULL as None and bits as truth, as in any query."""
    pairs = {(gateway(number), inventory(which)) for number, which in wanted}
    async with reading(engine) as connection:
        rows = await bulk.select(
            connection, (inventories.c.gateway, *COLUMNS), (inventories.c.gateway, inventories.c.inventory), pairs
        )
        found = list(rows)
    expected = [
        (gateway(number), inventory(which), which, 2 if which == 2 else None, which == 1)
        for number, which in wanted
        if number < MANY and which < 3
    ]
    assert sorted(found) == sorted(expected)
    assert all(row[-1] is (row[2] == 1) for row in found)


async def test_a_key_of_one_column_finds_all_its_rows(engine: AsyncEngine) -> None:
    async with reading(engine) as connection:
        rows = await bulk.select(connection, COLUMNS, [inventories.c.gateway], [(gateway(3),), (gateway(MANY),)])
    assert sorted(rows) == [(inventory(1), 1, None, True), (inventory(2), 2, 2, False)]


async def test_rows_are_made_ready_before_all_is_known(engine: AsyncEngine) -> None:
    columns: bulk.Columns = {
        "gateway": [gateway(MANY)] * 2,
        "inventory": [inventory(3), inventory(4)],
        "unread": [False] * 2,
    }
    async with writing(engine) as connection:
        ready = bulk.Prepared(connection.dialect, sa.insert(inventories), columns, ["number", "stated"])
        assert await ready.execute(connection, number=range(8, 10), stated=ready.each(7)) == ready.count == 2
        found = await bulk.select(connection, COLUMNS, [inventories.c.gateway], [(gateway(MANY),)])
    assert sorted(found) == [(inventory(3), 8, 7, False), (inventory(4), 9, 7, False)]


async def test_no_rows_are_no_statement(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        assert await bulk.execute(connection, sa.insert(inventories), []) == 0


@pytest.mark.parametrize(
    ("sentence", "look", "index"),
    [
        ("gateways by their id", lambda of: states(of, {gateway(1)}), "gateway=?"),
        ("keys by their id", lambda of: enrolled_keys(of, {"00" * 8}), "key_id=?"),
        (
            "inventories by gateway and digest, of which a gateway has ever more",
            lambda of: named(of, {(gateway(1), inventory(1))}),
            "gateway=? AND inventory=?",
        ),
    ],
)
async def test_nothing_is_looked_for_in_a_whole_table(
    engine: AsyncEngine, sentence: str, look: Any, index: str
) -> None:
    assert sentence
    asked: list[tuple[str, Any]] = []
    sa.event.listen(
        engine.sync_engine, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values))
    )
    async with reading(engine) as connection:
        await look(connection)
        sql, values = asked[-1]
        explained = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = [str(row["detail"]) for row in explained.mappings()]
    assert [step for step in plan if step.startswith("SEARCH")]
    assert index in " ".join(plan)
    assert all(
        step.startswith(("SEARCH", "SCAN wanted", "MATERIALIZE wanted", "CO-ROUTINE wanted")) or "CONSTANT" in step
        for step in plan
    )
