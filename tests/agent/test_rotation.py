"""A new key that the collector does not take leaves all as it was; `test_key_rotation.py` shows one that it takes."""

from pathlib import Path

import pytest

from agent import keys, rotation
from agent.disk import Disk
from agent.errors import StateError
from agent.keys import Identity
from agent.spool import Spool
from tests.world.disks import open_spool
from tests.world.gateway import Gateway
from tests.world.processes import eventually
from tests.world.witness import Witness

NOW = 1_800_000_000


def begun(state_dir: Path) -> tuple[Identity, Spool, str]:
    """A rotation whose succession waits in the spool, and its digest."""
    identity, spool = keys.load_or_create(state_dir), open_spool(state_dir)
    new, data = rotation.draw(state_dir, identity, NOW)
    return identity, spool, rotation.begin(state_dir, spool, new, data, NOW)


def answer(spool: Spool, how: str) -> None:
    """File an answer to all that waits, as the publisher does once it has checked it."""
    for entry in spool.entries():
        (spool.keep if how == "receipt" else spool.refuse)(entry, how.encode())


def test_until_it_is_answered_the_old_key_signs(tmp_path: Path) -> None:
    """And a second rotation has to wait."""
    identity, spool, _ = begun(tmp_path)
    assert not rotation.settle(tmp_path, spool, identity)
    assert keys.load(tmp_path) == identity
    with pytest.raises(StateError, match="on its way"):
        rotation.draw(tmp_path, identity, NOW)


def test_a_receipt_lets_the_new_key_take_over(tmp_path: Path) -> None:
    """Same gateway, same secret; the old key is remembered by its public half only."""
    identity, spool, digest = begun(tmp_path)
    answer(spool, "receipt")
    assert rotation.settle(tmp_path, spool, identity)
    after = keys.load(tmp_path)
    assert after is not None
    assert (after.gateway, after.secret) == (identity.gateway, identity.secret)
    assert after.key != identity.key
    (earlier,) = after.earlier
    assert (earlier.key, earlier.succession) == (identity.key.public.data.hex(), digest)
    assert not rotation.is_under_way(tmp_path)
    assert all(identity.key.seed not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_crash_between_the_two_files_is_finished(tmp_path: Path) -> None:
    """The old key was noted, and the new one not yet in its place: it is noted once."""
    identity, spool, digest = begun(tmp_path)
    next_key = (tmp_path / rotation.NEXT_FILE).read_bytes()
    answer(spool, "receipt")
    assert rotation.settle(tmp_path, spool, identity)
    Disk().replace(tmp_path / rotation.NEXT_FILE, next_key)
    Disk().replace(tmp_path / keys.KEY_FILE, identity.key.seed)
    before = keys.load(tmp_path)
    assert before is not None
    assert rotation.settle(tmp_path, spool, before)
    after = keys.load(tmp_path)
    assert after is not None
    assert [one.succession for one in after.earlier] == [digest]


def test_a_command_that_was_cut_off_before_it_signed_goes_on_with_its_key(tmp_path: Path) -> None:
    """The key that lies there is the next one; nothing settles before it was signed."""
    identity, spool = keys.load_or_create(tmp_path), open_spool(tmp_path)
    (tmp_path / rotation.NEXT_FILE).write_bytes(bytes(32))
    assert not rotation.settle(tmp_path, spool, identity)
    new, _ = rotation.draw(tmp_path, identity, NOW)
    assert new.seed == bytes(32)


def test_a_credential_is_not_ours_to_replace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to do instead."""
    identity = keys.load_or_create(tmp_path / "state")
    (tmp_path / keys.KEY_FILE).write_bytes(identity.key.seed)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(StateError, match="take it out of the unit"):
        rotation.draw(tmp_path / "state", identity, NOW)


async def test_a_refused_succession_costs_nothing(gateway: Gateway, collector: Witness) -> None:
    """The new key goes, the old one signs on, and the household may try again."""
    gateway.configure(report_every_s=1)
    assert (await gateway.command("enrol", collector.code(), "--yes"))[0] == 0
    await gateway.start()
    await eventually(lambda: collector.reports)
    before = (gateway.state_dir / keys.KEY_FILE).read_bytes()
    collector.used = True  # it refuses whatever is stated
    code, out, err = await gateway.command("rotate-key", "--yes")
    assert code == 0, out + err
    await eventually(lambda: not (gateway.state_dir / rotation.NEXT_FILE).exists())
    known = len(collector.reports)
    await eventually(lambda: len(collector.reports) > known)
    assert (gateway.state_dir / keys.KEY_FILE).read_bytes() == before
    assert await gateway.stop() == 0


async def test_the_household_may_say_no(gateway: Gateway, collector: Witness) -> None:
    """Nothing is signed, and no key is left behind."""
    assert (await gateway.command("enrol", collector.code(), "--yes"))[0] == 0
    before = gateway.files()
    code, out, _ = await gateway.command("rotate-key", typed="n\n")
    assert (code, "would take over" in out) == (1, True)
    assert gateway.files() == before
