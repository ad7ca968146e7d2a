"""A gateway is made once, and never silently made anew."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent import keys
from agent.errors import CredentialError, StateError
from agent.state import Remembered, locked


def test_the_identity_is_made_once_and_private(tmp_path: Path) -> None:
    """Modes 700 and 600, the same at every start."""
    state_dir = tmp_path / "a" / "state"
    made = keys.load_or_create(state_dir)
    again = keys.load_or_create(state_dir)
    assert (made.gateway, made.key.seed, made.secret) == (again.gateway, again.key.seed, again.secret)
    assert state_dir.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in state_dir.iterdir()} == {0o600}


def test_two_first_starts_at_once_make_one_gateway(tmp_path: Path) -> None:
    """The service starts, and somebody enrols; each would sign with a key of its own."""
    with ThreadPoolExecutor(8) as starts:
        made = list(starts.map(keys.load_or_create, [tmp_path] * 8))
    assert len({(each.gateway, each.key.seed, each.secret) for each in made}) == 1


def test_its_secrets_are_not_in_its_repr() -> None:
    """So that no log line holds them."""
    drawn = keys.draw()
    assert drawn.key.seed.hex() not in repr(drawn)
    assert repr(drawn.secret) not in repr(drawn)


@pytest.mark.parametrize("done", [[], [keys.SECRET_FILE], [keys.SECRET_FILE, keys.GATEWAY_FILE]])
def test_a_first_start_that_was_cut_off_is_finished(tmp_path: Path, done: list[str]) -> None:
    """Without a key nothing was signed, so what is there is used."""
    whole = keys.load_or_create(tmp_path)
    for name in {keys.SECRET_FILE, keys.GATEWAY_FILE, keys.KEY_FILE} - set(done):
        (tmp_path / name).unlink()
    finished = keys.load_or_create(tmp_path)
    assert (finished.secret == whole.secret) == (keys.SECRET_FILE in done)
    assert (finished.gateway == whole.gateway) == (keys.GATEWAY_FILE in done)


@pytest.mark.parametrize("name", [keys.KEY_FILE, keys.SECRET_FILE, keys.GATEWAY_FILE])
@pytest.mark.parametrize("damage", ["missing", "cut", "longer"])
def test_a_damaged_identity_is_an_error_that_says_what_to_do(tmp_path: Path, name: str, damage: str) -> None:
    """Never a new one: its past could not be proved."""
    keys.load_or_create(tmp_path)
    Remembered(tmp_path).update(sequence=7)
    file = tmp_path / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-2] if damage == "cut" else content + b"more")
    with pytest.raises(StateError, match=rf"{name}.*restore it from a backup"):
        keys.load_or_create(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_left_alone(tmp_path: Path) -> None:
    """Root's files in it would lock the service out."""
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(StateError, match="belongs to user #12345; run this as that user"):
        keys.load_or_create(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    """It is not silently begun anew."""
    Remembered(tmp_path).update(sequence=7)
    (tmp_path / "state.json").write_text('{"sequence": "seven"}')
    with pytest.raises(StateError, match=r"state.json is damaged .*restore it, or remove it"):
        Remembered(tmp_path)


def test_counts_are_saved_with_the_next_change(tmp_path: Path) -> None:
    """Counting alone never writes."""
    remembered = Remembered(tmp_path)
    remembered.count("junk")
    assert not (tmp_path / "state.json").exists()
    remembered.update(sequence=1)
    assert Remembered(tmp_path).state.counts == {"junk": 1}


def test_what_cannot_be_saved_is_still_known(tmp_path: Path) -> None:
    """The service goes on in memory and saves with the next change."""
    state_dir = tmp_path / "gone"
    state_dir.mkdir()
    remembered = Remembered(state_dir)
    state_dir.rmdir()
    with pytest.raises(StateError, match="cannot be saved"):
        remembered.update(sequence=3)
    assert remembered.state.sequence == 3


def test_two_agents_do_not_share_a_state(tmp_path: Path) -> None:
    """They would use numbers twice."""
    with locked(tmp_path), pytest.raises(StateError, match="in use by another"), locked(tmp_path):
        pass


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    keys.load_or_create(tmp_path)
    (tmp_path / keys.KEY_FILE).chmod(0o640)
    with pytest.raises(CredentialError, match="chmod 600"):
        keys.load(tmp_path)


def test_the_key_may_be_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used whatever mode it seems to have, and never written; the ids are made around it once."""
    given, state_dir = tmp_path / "credentials", tmp_path / "state"
    given.mkdir()
    (given / keys.KEY_FILE).write_bytes(bytes(32))
    (given / keys.KEY_FILE).chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert keys.load(state_dir) is None
    made = keys.load_or_create(state_dir)
    assert (made.key.seed, keys.load_or_create(state_dir).gateway) == (bytes(32), made.gateway)
    assert not (state_dir / keys.KEY_FILE).exists()


def test_outside_the_service_its_credential_is_missed_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that does not see it makes no second key, once anything was remembered."""
    given, state_dir = tmp_path / "credentials", tmp_path / "state"
    given.mkdir()
    (given / keys.KEY_FILE).write_bytes(bytes(32))
    (given / keys.KEY_FILE).chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    keys.load_or_create(state_dir)
    Remembered(state_dir).update(sequence=1)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(StateError, match="CREDENTIALS_DIRECTORY"):
        keys.load_or_create(state_dir)


def test_two_keys_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential beside another key of its own: nobody knows which is the gateway's."""
    given, state_dir = tmp_path / "credentials", tmp_path / "state"
    keys.load_or_create(state_dir)
    given.mkdir()
    (given / keys.KEY_FILE).write_bytes(bytes(32))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    with pytest.raises(StateError, match="two keys"):
        keys.load(state_dir)
