"""However reports come, doubled, in whatever order and batches, what matters in the end is the same."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config import Limits
from collector.ingest import screen
from collector.ingest.derivation import derive_of
from collector.ingest.inbox import Arrival
from collector.ingest.settle import settle
from collector.store.database import reading, writing
from collector.store.gateways import enrolled_keys
from collector.store.schema import devices, gateways, inventories, leaves, reports
from evidence.ids import topic
from evidence.receipt import open_receipt
from evidence.report import DeviceReport
from tests.collector.ingest.desk import signed_report
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NEW_DEVICE, NOW, Register, key_of, seen

STATES: tuple[tuple[DeviceReport, ...], ...] = (
    (),
    (seen(DEVICE),),
    (seen(DEVICE, "2.0.0"),),
    (seen(DEVICE), seen(NEW_DEVICE, None, result="unreachable", ids=())),
)
Message = tuple[str, bytes]
gateway_histories = st.lists(st.tuples(st.sampled_from(STATES), st.booleans()), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with two gateways, to be copied."""
    folder = tmp_path_factory.mktemp("register")

    async def make() -> None:
        async with Register.opened(folder) as register:
            await register.enrol_gateway(HOME)
            await register.enrol_gateway(NEIGHBOUR)

    asyncio.run(make())
    return folder


def written(gateway: str, history: Sequence[tuple[tuple[DeviceReport, ...], bool]]) -> list[Message]:
    """The reports of a gateway; the last one states its inventory, as the answer to a request does."""
    whole = [*history, (history[-1][0], False)]
    return [
        (topic(gateway, "report"), signed_report(number, *state, gateway=gateway, same=same))
        for number, (state, same) in enumerate(whole, 1)
    ]


async def deliver(register: Register, messages: Sequence[Message]) -> None:
    """Settle messages as one batch, and check every receipt."""
    arrivals = [Arrival(to, data, lambda: None) for to, data in messages]
    async with writing(register.engine) as connection:
        known = await enrolled_keys(
            connection, [key_of(f"gateway:{name}").public.id.hex() for name in (HOME, NEIGHBOUR)]
        )
        screened = screen.authenticate_all(screen.open_all(arrivals), known, NOW)
        settled = await settle(connection, register.log, screened, limits=Limits(), now=NOW)
    async with writing(register.engine) as connection:
        await derive_of(connection, settled.derive)
    for _, digest in settled.receipts:
        assert open_receipt(settled.batch.receipt(digest), register.log.key.public).digest.hex() == digest
    assert len(settled.receipts) == len(messages)


async def outcome(empty: Path, batches: Sequence[Sequence[Message]]) -> dict[str, Any]:
    """What the register holds when the batches were delivered, as far as no order is in it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(empty / "register.sqlite", folder)
        async with Register.opened(Path(folder)) as register:
            for batch in batches:
                await deliver(register, batch)
            is_its_leaf = leaves.c["index"] == reports.c.leaf
            queries = {
                "reports": sa.select(reports.c.gateway, reports.c.sequence, leaves.c.digest).join(leaves, is_its_leaf),
                "leaves": sa.select(leaves.c.digest),
                "inventories": sa.select(inventories.c.gateway, inventories.c.inventory, inventories.c.unread).where(
                    inventories.c.stated.is_not(None)
                ),
                "devices": sa.select(devices.c.gateway, devices.c.device, devices.c.reading).where(devices.c.present),
                "gateways": sa.select(*(column for column in gateways.c if column.name != "inventory_number")),
            }
            async with reading(register.engine) as connection:
                return {
                    name: sorted(map(str, (await connection.execute(query)).all())) for name, query in queries.items()
                }


@settings(max_examples=25, deadline=None)
@given(gateway_histories, gateway_histories, st.data())
def test_any_order(empty: Path, home: Any, neighbour: Any, data: st.DataObject) -> None:
    """The same reports, leaves, inventories, shown devices and counts as when each came once, alone and in order."""
    last = [messages[-1] for messages in (written(HOME, home), written(NEIGHBOUR, neighbour))]
    others = written(HOME, home)[:-1] + written(NEIGHBOUR, neighbour)[:-1]
    doubled = others + data.draw(st.lists(st.sampled_from(others), max_size=4))
    shuffled = data.draw(st.permutations(doubled))
    cut = data.draw(st.integers(0, len(shuffled)))
    in_order = asyncio.run(outcome(empty, [[message] for message in others + last]))
    assert asyncio.run(outcome(empty, [shuffled[:cut], shuffled[cut:], last])) == in_order
