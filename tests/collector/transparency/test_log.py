"""What the log appends it can prove, once and for ever, whoever appends beside it."""

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Config
from collector.errors import ConfigError
from collector.register import opened
from collector.store import log as rows
from collector.store.database import reading, writing
from collector.transparency import tree
from collector.transparency.key import load_or_make
from collector.transparency.log import Log, genesis
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.merkle import check_consistency
from evidence.receipt import open_receipt
from tests.collector.transparency.appender import digests
from tests.world.processes import command

NOW = 1_800_000_000
Opened = tuple[AsyncEngine, Log]


def digest(number: int) -> str:
    return hashlib.sha256(b"leaf %d" % number).hexdigest()


@pytest_asyncio.fixture
async def register(tmp_path: Path) -> AsyncIterator[Opened]:
    async with opened(Config(state_dir=str(tmp_path)), now=NOW) as (engine, log):
        yield engine, log


async def test_each_leaf_of_a_batch_gets_a_receipt_under_one_head(register: Opened) -> None:
    """One signature serves the whole batch, and each receipt names its own digest."""
    engine, log = register
    async with writing(engine) as connection:
        batch = await log.append(connection, [digest(number) for number in range(5)], NOW)
    receipts = [open_receipt(batch.receipt(digest(number)), log.key.public) for number in range(5)]
    assert [receipt.digest.hex() for receipt in receipts] == [digest(number) for number in range(5)]
    assert [receipt.index for receipt in receipts] == [1, 2, 3, 4, 5]
    assert {(receipt.log, receipt.size, receipt.root, receipt.signed_at) for receipt in receipts} == {
        (log.id, 6, receipts[0].root, NOW)
    }


async def test_appending_again_appends_nothing_and_proves_the_old_place(register: Opened) -> None:
    """A digest has one leaf, whatever is appended with it or after it."""
    engine, log = register
    async with writing(engine) as connection:
        await log.append(connection, [digest(1), digest(2), digest(1)], NOW)
    async with writing(engine) as connection:
        mixed = await log.append(connection, [digest(3), digest(1)], NOW + 1)
    async with writing(engine) as connection:
        again = await log.append(connection, [digest(2)], NOW + 2)
    assert open_receipt(mixed.receipt(digest(1)), log.key.public).index == 1
    held = open_receipt(again.receipt(digest(2)), log.key.public)
    assert (held.index, held.size, held.signed_at) == (2, 4, NOW + 1)


async def test_a_log_begins_with_its_own_name(register: Opened) -> None:
    """Leaf 0 is the digest of the log's id, so that a tree is nobody else's."""
    engine, log = register
    async with reading(engine) as connection:
        assert await rows.positions(connection, [genesis(log.id)]) == {
            hashlib.sha256(bytes.fromhex(log.id)).hexdigest(): 0
        }


async def test_heads_of_growing_sizes_are_consistent(register: Opened) -> None:
    """Every signed head is a prefix of every later one."""
    engine, log = register
    heads = []
    for number in range(0, 40, 3):
        async with writing(engine) as connection:
            await log.append(connection, [digest(n) for n in range(number, number + 3)], NOW)
            heads.append(await rows.newest_head(connection, log.id))
    async with reading(engine) as connection:
        last = heads[-1]
        for head in heads[:-1]:
            path = tree.consistency(head.size, last.size)
            known = await rows.hashes(connection, {node for parts in path for node in parts})
            check_consistency(head.size, head.root, last.size, last.root, tree.resolve(path, known))


async def test_what_is_undone_was_never_appended(register: Opened) -> None:
    """The leaf is in the transaction of what it stands for, and goes with it."""
    engine, log = register

    async def fail() -> None:
        async with writing(engine) as connection:
            await log.append(connection, [digest(1)], NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with writing(engine) as connection:
        assert await rows.size(connection) == 1
        assert (await log.append(connection, [digest(2)], NOW)).leaf(digest(2)) == 1


async def test_a_batch_gives_no_receipt_before_it_is_sealed(register: Opened) -> None:
    """Nobody can hand out a proof of what is not stored."""
    engine, log = register
    async with writing(engine) as connection:
        batch = await log.begin(connection, NOW)
        await batch.add([digest(1)])
        with pytest.raises(RuntimeError, match="not sealed"):
            batch.receipt(digest(1))


async def test_several_processes_append_to_one_log(tmp_path: Path) -> None:
    """Started at once on an empty directory, they agree on key, log and order, and every receipt holds."""
    names = ("one", "two", "three")
    outputs = await asyncio.gather(
        *(command("tests.collector.transparency.appender", str(tmp_path), name, "8") for name in names)
    )
    async with opened(Config(state_dir=str(tmp_path)), now=0) as (engine, log), reading(engine) as connection:
        wanted = [item for name in names for number in range(8) for item in digests(name, number)]
        assert sorted((await rows.positions(connection, wanted)).values()) == list(range(1, 1 + len(wanted)))
        for output in outputs:
            for line in output.split():
                assert open_receipt(bytes.fromhex(line), log.key.public).log == log.id


async def test_a_receipt_of_another_collector_does_not_pass(register: Opened) -> None:
    """The key in an enrolment code decides whose receipts count."""
    engine, log = register
    async with writing(engine) as connection:
        batch = await log.append(connection, [digest(1)], NOW)
    with pytest.raises(EvidenceError):
        open_receipt(batch.receipt(digest(1)), PublicKey(bytes(32)))


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    """It is made with mode 600, found again, and refused where others may read it or it is no key."""
    path = tmp_path / "collector.key"
    key = load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make(path) == key
    assert [entry.name for entry in tmp_path.iterdir()] == ["collector.key"]
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_or_make(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="5 bytes"):
        load_or_make(path)


async def test_a_register_stays_with_its_key_and_its_clock(tmp_path: Path) -> None:
    """Another key, or a switch between simulated and real, is refused with what to do."""
    async with opened(Config(state_dir=str(tmp_path)), now=NOW):
        pass
    with pytest.raises(ConfigError, match="real register"):
        async with opened(Config(state_dir=str(tmp_path), simulated=True), now=NOW):
            pass
    (tmp_path / "collector.key").unlink()
    with pytest.raises(ConfigError, match="put it back"):
        async with opened(Config(state_dir=str(tmp_path)), now=NOW):
            pass
    assert not (tmp_path / "collector.key").exists()
    load_or_make(tmp_path / "collector.key")
    with pytest.raises(ConfigError, match="put that one back"):
        async with opened(Config(state_dir=str(tmp_path)), now=NOW):
            pass


async def test_the_key_may_be_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used whatever mode it seems to have, and never written beside the register."""
    given, state = tmp_path / "credentials", tmp_path / "state"
    given.mkdir()
    key = load_or_make(given / "collector.key")
    (given / "collector.key").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    async with opened(Config(state_dir=str(state)), now=NOW) as (_, log):
        assert log.key == key
    assert not (state / "collector.key").exists()
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ConfigError, match=r"credential collector\.key"):
        async with opened(Config(state_dir=str(state)), now=NOW):
            pass
