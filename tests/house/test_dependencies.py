"""What the project is built from is pinned, hashed, and no more than each room may have."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

FOREIGN = ("tests/evidence/foreign", "tests/fuzz", "tests/stacks")
LOCKS = [ROOT / "requirements.lock", *(ROOT / folder / "requirements.lock" for folder in FOREIGN)]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EVIDENCE_MAY_SEE = {"cbor2", "nacl", "msgspec", "evidence"} | set(sys.stdlib_module_names)
EVIDENCE_MAY_NOT_SEE = {"asyncio", "socket", "sqlite3", "ssl", "subprocess", "time", "random"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_names_versions_and_hashes_and_no_addresses(lock: Path) -> None:
    """A lock that names a host would break on another mirror, and leak whose it was."""
    text = lock.read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_of_npm_names_versions_and_hashes_and_no_addresses() -> None:
    """The same for what comes from npm."""
    text = (ROOT / "tests/stacks/package-lock.json").read_text()
    assert "://" not in text
    itself, *packages = json.loads(text)["packages"].items()
    assert itself[1]["dependencies"] == json.loads((ROOT / "tests/stacks/package.json").read_text())["dependencies"]
    assert len(packages) > 5
    for name, package in packages:
        assert package["version"], name
        assert package["integrity"].startswith("sha512-"), name


def test_every_dependency_is_in_the_lock() -> None:
    """What pyproject asks for is what the lock holds."""
    groups = [
        PROJECT["project"]["dependencies"],
        PROJECT["project"]["optional-dependencies"]["collector"],
        PROJECT["dependency-groups"]["dev"],
    ]
    wanted = {re.split(r"[\[<>=;~ ]", item)[0] for group in groups for item in group}
    locked = {line.split("==")[0] for line in LOCKS[0].read_text().splitlines() if "==" in line}
    assert wanted - locked == set()


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_the_evidence_sees_only_what_it_may() -> None:
    """The contract between two parties needs a codec, a signature and typed records; no network, no clock, no files."""
    for file in (ROOT / "evidence").glob("*.py"):
        seen = set(_imports(file))
        assert seen <= EVIDENCE_MAY_SEE, file
        if file.name != "__main__.py":  # the command is the edge
            assert not seen & EVIDENCE_MAY_NOT_SEE, file
