"""The units that are shipped for systemd: systemd understands them, and so do the programs that they start."""

import dataclasses
import importlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent import access as agent_access
from agent import keys, readers
from collector import config as collector_config
from collector.ingest import access as collector_access
from tests.required import missing
from tests.shared import ROOT

EXPOSURE_TENTHS = 15  # of a hundred; a serial line and the network cost 13
FED_BY = 3  # the agent looks so many times in a watchdog's time whether to feed it


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit file, and the names of credentials that its program looks for."""

    file: Path
    credentials: frozenset[str]

    def values(self, key: str, *, commented: bool = False) -> list[str]:
        """Every value of a setting, also those that are only proposed in a comment."""
        mark = "#?" if commented else ""
        return re.findall(rf"^{mark}{key}=(.*)$", self.file.read_text(), re.MULTILINE)

    def command(self) -> list[str]:
        """The one command line."""
        (line,) = self.values("ExecStart")
        return shlex.split(line)


UNITS = [
    Unit(
        ROOT / "agent/units/updateplicht-agent.service",
        frozenset({keys.KEY_FILE, agent_access.PASSWORD, agent_access.KEY}),
    ),
    Unit(
        ROOT / "collector/units/updateplicht-collector.service",
        frozenset({collector_config.KEY_FILE, collector_access.PASSWORD, collector_access.KEY}),
    ),
]
AGENT = UNITS[0]
each = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.file.stem)


def main_of(unit: Unit) -> str:
    """The module that the installed program of a unit runs."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    return str(scripts[Path(unit.command()[0]).name]).removesuffix(":main")


def analyze(verb: str, *arguments: str) -> str:
    """What systemd-analyze complains of."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd", "systemd is missing: apt-get install systemd")
    asked = ("systemd-analyze", "--no-pager", verb, *arguments)
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    return done.stderr + (done.stdout if done.returncode else "")


@each
def test_systemd_has_nothing_to_say_about_it(unit: Unit, tmp_path: Path) -> None:
    """No setting that it does not know; the program is looked for where this project has it."""
    program, *arguments = unit.command()
    here = shlex.join([str(Path(sys.executable).with_name(Path(program).name)), *arguments])
    copy = tmp_path / unit.file.name
    copy.write_text(re.sub("^ExecStart=.*", f"ExecStart={here}", unit.file.read_text(), flags=re.MULTILINE))
    assert analyze("verify", "--man=no", str(copy)) == ""


@each
def test_it_is_exposed_as_little_as_it_can_be(unit: Unit) -> None:
    """By systemd's own measure."""
    assert analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}", str(unit.file)) == ""


@each
def test_its_command_line_is_understood(unit: Unit) -> None:
    """By the program itself."""
    parsed = importlib.import_module(main_of(unit)).build_parser().parse_args(unit.command()[1:])
    assert parsed.run.__module__ == f"{main_of(unit).split('.')[0]}.commands.run"


@each
def test_it_keeps_its_state_where_the_program_looks_for_it(
    unit: Unit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any configuration."""
    config = tmp_path / "empty.toml"
    config.touch()
    assert importlib.import_module(main_of(unit)).main(["--config", str(config), "check-config"]) == 0
    (state,) = unit.values("StateDirectory")
    assert re.search(rf"state in /var/lib/{state}[,\n]", capsys.readouterr().out)


@each
def test_every_credential_is_one_that_the_program_looks_for(unit: Unit) -> None:
    """And none is missing; the file has the same name."""
    given = [value.split(":") for value in unit.values("LoadCredential", commented=True)]
    assert {name for name, _ in given} == unit.credentials
    assert all(Path(path).name == name for name, path in given)


@each
def test_what_stays_wrong_is_not_tried_again(unit: Unit, tmp_path: Path) -> None:
    """A configuration with a slip ends with a code that systemd leaves alone."""
    config = tmp_path / "wrong.toml"
    config.write_text("sate_dir = 'here'")
    code = importlib.import_module(main_of(unit)).main(["--config", str(config), "run"])
    assert str(code) in unit.values("RestartPreventExitStatus")[0].split()


def test_the_watchdog_outlasts_every_reader() -> None:
    """A device that takes its time must not end the agent; what moved right after a look is fed at the next."""
    longest = max(readers.load(name).LIMIT_S for name in readers.names())
    (limit,) = AGENT.values("WatchdogSec")
    assert int(limit) * (FED_BY - 1) / FED_BY > longest
