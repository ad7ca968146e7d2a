"""A backup is the register of one instant, whoever writes meanwhile; what is restored says that it was."""

import asyncio
import json
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from collector.config import Config
from collector.register import opened
from collector.store.database import writing
from tests.collector.commands.conftest import Command


def append(state: Path, first: int, last: int, stop: threading.Event | None = None) -> int:
    """Append leaves, a batch each, until told to stop; how many there are then."""

    async def run() -> int:
        async with opened(Config(state_dir=str(state)), now=0) as (engine, log):
            for number in range(first, last):
                if stop is not None and stop.is_set():
                    return number
                async with writing(engine) as connection:
                    await log.append(connection, [f"{number:064x}"], number)
        return last

    return asyncio.run(run())


def log_of(command: Command) -> dict[str, object]:
    return dict(json.loads(command("status", "--json")[1]))


def test_a_backup_is_restored_with_its_key_and_says_so(command: Command, tmp_path: Path) -> None:
    """Log, leaves and key are those of the backup; status tells when it was put back."""
    state, file = tmp_path / "state", tmp_path / "copy"
    append(state, 1, 6)
    code, out, _ = command("backup", str(file), "--with-key")
    assert code == 0
    assert "6 leaves" in out
    assert stat.S_IMODE((tmp_path / "copy.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy", "copy.key"]
    before = log_of(command)
    append(state, 6, 9)
    shutil.rmtree(state)

    code, out, _ = command("restore", str(file))
    assert code == 0
    assert "goes on from 6 leaves" in out
    after = log_of(command)
    assert (after["log"], after["log_size"]) == (before["log"], 6)
    assert (before["restored_at"], len(after["restored_at"])) == ([], 1)  # type: ignore[arg-type]
    assert append(state, 6, 8) == 8


def test_a_backup_is_of_one_instant_while_others_write(command: Command, tmp_path: Path) -> None:
    """However often somebody commits meanwhile, it ends, and its head is over all its leaves."""
    state, stop = tmp_path / "state", threading.Event()
    append(state, 1, 300)
    writer = threading.Thread(target=append, args=(state, 300, 100_000, stop))
    writer.start()
    try:
        for number in range(3):
            assert command("backup", str(tmp_path / f"copy{number}"))[0] == 0
    finally:
        stop.set()
        writer.join()
    sizes = []
    for number in range(3):
        with sqlite3.connect(tmp_path / f"copy{number}") as connection:
            sizes.append(connection.execute("SELECT max(size) FROM heads").fetchone()[0])
            assert connection.execute("SELECT count(*) FROM leaves").fetchone()[0] == sizes[-1]
        connection.close()
    assert sizes == sorted(sizes)
    assert not (tmp_path / "copy0.key").exists()


@pytest.mark.parametrize("present", ["state/register.sqlite", "copy"])
def test_nothing_is_overwritten(command: Command, tmp_path: Path, present: str) -> None:
    """Neither a register by a backup, nor a backup by another: exit 65."""
    append(tmp_path / "state", 1, 3)
    assert command("backup", str(tmp_path / "copy"))[0] == 0
    before = (tmp_path / present).read_bytes()
    verb = "restore" if "state" in present else "backup"
    code, out, err = command(verb, str(tmp_path / "copy"))
    assert (code, out) == (65, "")
    assert "is there already" in err
    assert (tmp_path / present).read_bytes() == before


def test_a_backup_without_its_key_is_not_restored(command: Command, tmp_path: Path) -> None:
    """The log could not go on; nor with the key of another."""
    append(tmp_path / "state", 1, 3)
    append(tmp_path / "other", 1, 3)
    command("backup", str(tmp_path / "copy"))
    shutil.rmtree(tmp_path / "state")
    code, _, err = command("restore", str(tmp_path / "copy"))
    assert (code, "--key" in err) == (66, True)
    code, _, err = command("restore", str(tmp_path / "copy"), "--key", str(tmp_path / "other" / "collector.key"))
    assert (code, "not the key" in err) == (65, True)
    assert not (tmp_path / "state" / "register.sqlite").exists()


def test_a_damaged_backup_is_not_restored(command: Command, tmp_path: Path) -> None:
    """It is looked through before anything is put in its place: exit 74."""
    append(tmp_path / "state", 1, 300)
    command("backup", str(tmp_path / "copy"), "--with-key")
    shutil.rmtree(tmp_path / "state")
    data = bytearray((tmp_path / "copy").read_bytes())
    data[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    (tmp_path / "copy").write_bytes(data)
    code, _, err = command("restore", str(tmp_path / "copy"))
    assert (code, err.count("Traceback")) == (74, 0)
    assert not (tmp_path / "state" / "register.sqlite").exists()


def test_there_must_be_something_to_copy(command: Command, tmp_path: Path) -> None:
    """Exit 66, and no file is left behind."""
    for verb in ("backup", "restore"):
        assert command(verb, str(tmp_path / "copy"))[0] == 66
    assert not list(tmp_path.glob("copy*"))
