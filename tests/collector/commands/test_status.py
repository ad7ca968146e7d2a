"""How the register stands, whether a collector runs on it or none."""

import json
from pathlib import Path

from collector.transparency.key import load_or_make
from tests.collector.commands.conftest import Command
from tests.collector.register import HOME, key_of


def test_an_empty_register(command: Command) -> None:
    """Everything is there to be counted, and nobody runs."""
    code, out, _ = command("status", "--json")
    status = json.loads(out)
    assert code == 0
    assert status["health"] is None
    assert (status["log_size"], status["reports"], status["rejected"], status["last_report_at"]) == (1, 0, {}, None)


def test_it_reads_like_a_list(command: Command) -> None:
    """One thing a line, in words."""
    command("gateways", "enrol", HOME, key_of("home").public.data.hex())
    _, out, _ = command("status")
    lines = {line[:16].strip(): line[16:].strip() for line in out.splitlines()}
    assert (lines["gateways"], lines["last report at"], lines["rejected"]) == ("1", "never", "none")
    assert lines["health"] == "no collector runs here"


def test_a_directory_that_cannot_be(command: Command, config: Path) -> None:
    """One line, exit 74."""
    config.write_text(f'state_dir = "{config}/state"\n')
    code, out, err = command("status")
    assert (code, out, err.count("\n")) == (74, "", 1)
    assert str(config) in err


def test_a_damaged_register(command: Command, tmp_path: Path) -> None:
    """One line that says to restore it, exit 74."""
    (tmp_path / "state").mkdir()
    load_or_make(tmp_path / "state" / "collector.key")
    (tmp_path / "state" / "register.sqlite").write_bytes(b"no database " * 1000)
    code, out, err = command("status")
    assert (code, out, err.count("\n")) == (74, "", 1)
    assert "backup" in err
