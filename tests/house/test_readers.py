"""One new reader is one file: it knows its link and what readers share, and nobody knows it by name."""

import ast
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

READERS = ROOT / "agent/readers"
NAMED = {module.name for module in pkgutil.iter_modules([str(READERS)]) if not module.name.startswith("_")}


def _readers_imported(source: str) -> Iterator[str]:
    """The readers that some code imports; what they share (`_*.py`) is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ({name.split(".")[2] for name in names if name.startswith("agent.readers.")} & NAMED)


@pytest.mark.parametrize(
    ("source", "readers"),
    [
        ("from agent.readers.gateway import Settings", ["gateway"]),
        ("from agent.readers import gateway", ["gateway"]),
        ("def late():\n    import agent.readers.gateway", ["gateway"]),
        ("from agent.readers import _values, Reading", []),
        ("from agent.links import mqtt", []),
    ],
)
def test_an_import_of_a_reader_is_seen_in_each_of_its_forms(source: str, readers: list[str]) -> None:
    """Else the rule below could not fail."""
    assert list(_readers_imported(source)) == readers


@pytest.mark.parametrize("file", sorted((ROOT / "agent").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_nobody_imports_a_reader(file: Path) -> None:
    """No other reader, and nothing else of the agent: they are found by the name that the configuration gives."""
    assert list(_readers_imported(file.read_text())) == []
