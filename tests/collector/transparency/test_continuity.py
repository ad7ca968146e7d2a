"""The log shows each gateway that it continues what the gateway saw, or that it does not."""

import asyncio
import hashlib
import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config import Config
from collector.register import opened
from collector.store import log as rows
from collector.store.database import reading, writing
from collector.store.log import Restoration
from collector.transparency import proofs
from evidence import checkpoint
from evidence.merkle import check_consistency, leaf_hash, root_from_inclusion
from evidence.receipt import Receipt, open_receipt
from evidence.report import SeenHead

NOW = 1_800_000_000


def digest(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_whatever_the_batches_every_proof_holds(batches: list[int], data: st.DataObject) -> None:
    """Of any leaf in any tree that has it, and from any tree to any later one, by the checks of the evidence room."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Config(state_dir=folder), now=NOW) as (engine, log):
                size = 1
                for count in batches:
                    async with writing(engine) as connection:
                        await log.append(connection, [digest(n) for n in range(size, size + count)], NOW)
                    size += count
                async with reading(engine) as connection:
                    size2 = data.draw(st.integers(1, size))
                    size1 = data.draw(st.integers(1, size2))
                    index = data.draw(st.integers(0, size2 - 1))
                    root = await proofs.root(connection, size2)
                    earlier = await proofs.consistency(connection, size1, size2)
                    check_consistency(size1, await proofs.root(connection, size1), size2, root, earlier.path)
                    ((_, entry),) = await rows.digests(connection, index, index + 1)
                    path = await proofs.inclusion(connection, index, size2)
                    assert root_from_inclusion(leaf_hash(bytes.fromhex(entry)), index, size2, path) == root
                    head = await rows.newest_head(connection, log.id)
                    receipt = checkpoint.encode_consistency(head, await proofs.consistency(connection, size1, size))
                assert checkpoint.open_consistency(receipt, log.key.public).root == head.root

    asyncio.run(run())


async def answered(folder: Path, seen: SeenHead | None, *, restored: bool = False, other_log: bool = False) -> Receipt:
    """The receipt of a report that names a head, in a log of eleven leaves."""
    async with opened(Config(state_dir=str(folder)), now=NOW) as (engine, log):
        async with writing(engine) as connection:
            if await rows.size(connection) == 1:
                await log.append(connection, [digest(number) for number in range(4)], NOW)
                root = await proofs.root(connection, 5)
                if restored:
                    await rows.note_restoration(connection, Restoration(size=5, root=root, restored_at=NOW))
                await log.append(connection, [digest(number) for number in range(10, 16)], NOW)
            if seen is not None:
                seen = SeenHead(log="5" * 32 if other_log else log.id, size=seen.size, root=seen.root)
                if seen.size == 5 and seen.root == b"":
                    seen = SeenHead(log=seen.log, size=5, root=await proofs.root(connection, 5))
            batch = await log.begin(connection, NOW)
            batch.compare(digest(99), seen)
            await batch.add([digest(99)])
            await batch.seal()
        return open_receipt(batch.receipt(digest(99)), log.key.public)


async def test_a_head_that_we_had_is_shown_to_be_continued(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And nothing is said of it."""
    with caplog.at_level(logging.ERROR):
        receipt = await answered(tmp_path, SeenHead(log="", size=5, root=b""))
    assert receipt.earlier is not None
    assert (receipt.earlier.size, receipt.size) == (5, 12)
    assert not caplog.records


async def test_another_root_is_answered_with_ours_and_said_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway sees by itself that it is another."""
    with caplog.at_level(logging.ERROR):
        receipt = await answered(tmp_path, SeenHead(log="", size=5, root=bytes(32)))
    assert receipt.earlier is not None
    assert receipt.earlier.size == 5
    assert receipt.earlier.root != bytes(32)
    assert "log_forked" in caplog.text


@pytest.mark.parametrize("restored", [True, False], ids=["restored", "not known to be restored"])
async def test_a_head_beyond_ours_is_answered_from_where_we_were_restored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, restored: bool
) -> None:
    """So that the gateway knows what to send again; with nothing, where nobody knows."""
    with caplog.at_level(logging.ERROR):
        receipt = await answered(tmp_path, SeenHead(log="", size=4711, root=bytes(32)), restored=restored)
    assert (None if receipt.earlier is None else receipt.earlier.size) == (5 if restored else None)
    assert "log_forked" in caplog.text


@pytest.mark.parametrize("seen", [None, SeenHead(log="", size=3, root=bytes(32))], ids=["no head", "another log's"])
async def test_where_nothing_of_ours_is_named_nothing_is_shown(tmp_path: Path, seen: SeenHead | None) -> None:
    """The receipt is as small as ever."""
    assert (await answered(tmp_path, seen, other_log=True)).earlier is None
