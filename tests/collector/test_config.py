"""The configuration has defaults for everything; an error names file, path, what was found and what was expected."""

from pathlib import Path

import pytest

from collector.__main__ import main
from collector.config import DEFAULT_PATH, Config, load
from collector.errors import ConfigError

# What is wrong: the file, the path that the error names, and what else it says.
FAULTS = {
    "an unknown key": ("stat_dir = 'x'", "stat_dir", "unknown key; expected one of state_dir, "),
    "an unknown key in a table": ("[broker]\nprot = 1", "broker.prot", "expected one of embedded, host, port"),
    "an unknown table": ("[mail]", "mail", "unknown key"),
    "a text for a number": ("[broker]\nport = '1883'", "broker.port", "found '1883'; expected `int`"),
    "a port that is none": ("[web]\nport = 65536", "web.port", "found 65536; expected `int` <= 65535"),
    "a bound below zero": ("[limits]\npending = -1", "limits.pending", "found -1; expected `int` >= 0"),
    "a table that is a number": ("broker = 3", "broker", "found 3"),
    "an embedded broker for everybody": (
        "[broker]\nhost = '0.0.0.0'",
        "broker.host",
        "found '0.0.0.0'; expected a loop",
    ),
    "pages for everybody": ("[web]\nhost = '192.0.2.1'", "web.host", "found '192.0.2.1'; expected a loopback"),
    "another's broker without a port": ("[broker]\nembedded = false\nport = 0", "broker.port", "found 0"),
    "a bound in a sentence": ("[limits]\npending = true", "limits.pending", "found True; expected `int`"),
    "no TOML": ("state_dir =", "the file", "no TOML: Invalid value"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr, exit 78."""
    text, path, says = FAULTS[name]
    file = tmp_path / "collector.toml"
    file.write_text(text)
    assert main(["--config", str(file), "status"]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"updateplicht-collector: {file}: {path}: ")
    assert says in err
    assert err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Whoever names a file means it."""
    with pytest.raises(ConfigError, match="no such file"):
        load(str(tmp_path / "collector.toml"))


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    """As does none at the default place."""
    file = tmp_path / "collector.toml"
    file.write_text("")
    assert load(str(file)) == Config()
    if not Path(DEFAULT_PATH).exists():
        assert load(DEFAULT_PATH) == Config()


def test_everything_can_be_set(tmp_path: Path) -> None:
    """Every key of every table."""
    file = tmp_path / "collector.toml"
    file.write_text(
        """
        state_dir = "/somewhere"
        simulated = true
        policy = "2027-strict"
        [broker]
        embedded = false
        host = "broker.example"
        port = 8883
        [web]
        host = "::1"
        port = 0
        [limits]
        rejected = 1
        rejected_per_gateway = 2
        rejected_body_bytes = 3
        pending = 4
        pending_per_gateway = 5
        """
    )
    config = load(str(file))
    assert (config.register_path, config.broker.host) == (Path("/somewhere/register.sqlite"), "broker.example")
    assert (config.limits.pending_per_gateway, config.web.host, config.simulated) == (5, "::1", True)
