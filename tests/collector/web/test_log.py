"""The log shows to anybody what it holds and that it only grows; every proof passes the evidence room's own checks."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import sqlalchemy as sa

from collector.appraisal.policies import shipped
from collector.store.schema import heads, reports
from collector.web.app import create_app
from evidence import checkpoint, merkle
from evidence.receipt import open_receipt
from tests.collector.register import DEVICE, HOME, NOW, Register, key_of, seen

KEY = key_of("collector").public
COSE = {"Accept": "application/cose"}
SIZE = 20


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[Register]:
    """Twenty leaves: the genesis, a model, and reports."""
    async with Register.opened(tmp_path) as register:
        await register.enrol_gateway(HOME)
        await register.enrol("operator:register")
        await register.state("operator:register", "model", model="acme/cam-2", ids=["zigbee:ACME/C"], manufacturer="a")
        for number in range(1, SIZE - 1):
            await register.report(HOME, number, NOW, seen(DEVICE, f"1.{number}"))
        yield register


@pytest.fixture
async def client(register: Register) -> AsyncIterator[httpx.AsyncClient]:
    """Asks in the same process."""
    app = create_app(
        register.engine,
        clock=lambda: NOW,
        health=lambda: {"ok": True},
        policy=shipped("2026-11-a"),
        allowed_hosts={"register"},
    )
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://register/api/v1/log") as asking:
        yield asking


async def digests(client: httpx.AsyncClient) -> list[str]:
    return [item["digest"] for item in (await client.get("/entries", params={"limit": 200})).json()["items"]]


async def test_the_log_names_itself_and_its_newest_head(client: httpx.AsyncClient, register: Register) -> None:
    """Id, size, root, time and key; the checkpoint signs the same."""
    state = (await client.get("")).json()
    assert (state["id"], state["size"], state["public_key"]) == (register.log.id, SIZE, KEY.data.hex())
    assert (state["simulated"], state["restorations"]) == (True, [])
    answer = await client.get("/checkpoint")
    assert answer.headers["content-type"] == "application/cose"
    head = checkpoint.open_checkpoint(answer.content, KEY)
    assert (head.log, head.size, head.root.hex()) == (state["id"], SIZE, state["root"])


async def test_every_leaf_is_shown_to_be_in_every_tree_that_has_it(client: httpx.AsyncClient) -> None:
    """By the checks of the evidence room, against the root that consistency shows."""
    leaves = await digests(client)
    for size in range(1, SIZE + 1):
        root = merkle_root([bytes.fromhex(leaf) for leaf in leaves[:size]])
        for index in {0, size // 2, size - 1}:
            found = (await client.get("/inclusion", params={"digest": leaves[index], "size": size})).json()
            path = [bytes.fromhex(step) for step in found["path"]]
            leaf = merkle.leaf_hash(bytes.fromhex(leaves[index]))
            assert merkle.root_from_inclusion(leaf, found["index"], size, path) == root
            assert (found["root"], found["size"]) == (root.hex(), size)


async def test_every_tree_is_shown_to_continue_every_earlier_one(client: httpx.AsyncClient) -> None:
    """For all pairs of sizes."""
    leaves = [bytes.fromhex(leaf) for leaf in await digests(client)]
    for size1 in range(1, SIZE + 1):
        for size2 in {size1, (size1 + SIZE) // 2, SIZE}:
            found = (await client.get("/consistency", params={"from": size1, "to": size2})).json()
            path = [bytes.fromhex(step) for step in found["path"]]
            roots = merkle_root(leaves[:size1]), merkle_root(leaves[:size2])
            assert (found["from_root"], found["to_root"]) == tuple(root.hex() for root in roots)
            assert (found["from"], found["to"]) == (size1, size2)
            merkle.check_consistency(size1, roots[0], size2, roots[1], path)


async def test_receipts_come_where_they_are_asked_for(client: httpx.AsyncClient) -> None:
    """RFC 9942, of inclusion and of consistency, under the signature that the head has."""
    leaves = await digests(client)
    answer = await client.get("/inclusion", params={"digest": leaves[3], "size": 7}, headers=COSE)
    receipt = open_receipt(answer.content, KEY)
    assert (receipt.digest.hex(), receipt.index, receipt.size) == (leaves[3], 3, 7)
    answer = await client.get("/consistency", params={"from": 7}, headers=COSE)
    shown = checkpoint.open_consistency(answer.content, KEY)
    assert shown.size == SIZE
    assert shown.earlier is not None
    assert (shown.earlier.size, shown.earlier.root) == (7, receipt.root)


async def test_a_receipt_needs_a_head_that_was_signed(client: httpx.AsyncClient, register: Register) -> None:
    """Where no batch ended there is none; the proof without signature is there."""
    await register.execute(sa.delete(heads).where(heads.c.size == 7))
    parameters = {"from": 3, "to": 7}
    answer = await client.get("/consistency", params=parameters, headers=COSE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await client.get("/consistency", params=parameters)).status_code == 200


async def test_the_entries_come_in_order_page_by_page(client: httpx.AsyncClient, register: Register) -> None:
    """Each once; what was erased has its leaf still."""
    await register.execute(sa.update(reports).where(reports.c.sequence == 2).values(body=None))
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(SIZE):
        parameters = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/entries", params=parameters)).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [item["index"] for item in found] == list(range(SIZE))
    assert [item["kind"] for item in found] == ["genesis", "model", *["report"] * (SIZE - 2)]
    assert [item["index"] for item in found if not item["body_present"]] == [0, 3]


@pytest.mark.parametrize(
    ("address", "status", "path"),
    {
        "a digest that is none": ("/inclusion?digest=00", 400, "digest"),
        "no digest": ("/inclusion", 400, None),
        "a digest that is not there": (f"/inclusion?digest={'0' * 64}", 404, None),
        "more leaves than there are": (f"/inclusion?digest={'0' * 64}&size=21", 400, "size"),
        "no leaves": ("/consistency?from=0", 400, "from"),
        "a log that shrinks": ("/consistency?from=9&to=8", 400, "from"),
        "a size beyond any database": (f"/consistency?from={2**63}", 400, "from"),
        "a cursor of no list": ("/entries?cursor=!", 400, "cursor"),
    }.values(),
)
async def test_what_cannot_be_shown_is_told_in_the_one_shape(
    client: httpx.AsyncClient, address: str, status: int, path: str | None
) -> None:
    """Code, message, and the parameter that is at fault."""
    for headers in ({}, COSE):
        answer = await client.get(address, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"].get("path") == path


def merkle_root(entries: list[bytes]) -> bytes:
    """By the definition of RFC 9162 section 2.1.1."""
    if len(entries) <= 1:
        return merkle.leaf_hash(entries[0]) if entries else hashlib.sha256(b"").digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return merkle.node_hash(merkle_root(entries[:split]), merkle_root(entries[split:]))
