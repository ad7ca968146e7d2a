"""The command line of the collector, on a register of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from collector.__main__ import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file; every port is chosen free."""
    file = tmp_path / "collector.toml"
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n[broker]\nport = 0\n[web]\nport = 0\n')
    return file


@pytest.fixture
def command(config: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command: its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["--config", str(config), *arguments])
        return code, *capsys.readouterr()

    return run
