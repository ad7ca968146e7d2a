"""The operator's page says what the program does."""

import re
from pathlib import Path

import msgspec
import pytest

from agent import commands, config, readers
from agent.commands.readers import table

README = (Path(commands.__file__).parent.parent / "README.md").read_text()


def first_cells() -> set[str]:
    """What stands in code marks in the first column of the tables."""
    cells = [line.split("|")[1] for line in README.splitlines() if line.startswith("| ")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_the_table_of_readers_is_made_from_their_docstrings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command prints it, without the readers of the tests."""
    monkeypatch.setattr(readers, "__path__", readers.__path__[:1])
    assert f"\n\n{table()}\n\n" in README


def test_every_key_of_the_configuration_is_explained() -> None:
    """By its path."""
    parts: dict[str, type[msgspec.Struct]] = {
        "survey.": config.SurveySettings,
        "spool.": config.SpoolSettings,
        "broker.": config.BrokerSettings,
    }
    for prefix, settings in parts.items():
        for field in msgspec.structs.fields(settings):
            assert f"{prefix}{field.encode_name}" in first_cells()
            assert f"| `{prefix}{field.encode_name}` | {field.default} |" in README


@pytest.mark.parametrize("field", [field.encode_name for field in msgspec.structs.fields(config.Sale)])
def test_every_field_of_a_sale_is_named(field: str) -> None:
    """As the configuration knows it."""
    assert f"`{field}`" in README


def test_every_command_is_explained() -> None:
    """One row each."""
    modules = Path(commands.__file__).parent.glob("[a-z]*.py")
    assert {cell.split()[0] for cell in first_cells()} >= {module.stem.replace("_", "-") for module in modules}


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    """Every TOML block on the page loads."""
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "agent.toml").write_text(block)
        config.load(tmp_path / "agent.toml")
