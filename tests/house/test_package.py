"""What is shipped is complete, and says the same everywhere."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.shared import ROOT

SHIPPED = ("agent", "collector", "evidence")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it would be installed on a gateway."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_file_of_the_three_rooms(wheel: zipfile.ZipFile) -> None:
    """Policies, texts, templates, styles and migrations are data that an installed program needs."""
    tracked = subprocess.run(
        ["git", "ls-files", *SHIPPED], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    missing = {name for name in tracked if name} - set(wheel.namelist())
    assert missing == set()


def test_the_wheel_holds_no_tests_and_no_simulated_devices(wheel: zipfile.ZipFile) -> None:
    """A signing process does not carry a simulator."""
    rooms = {name.split("/")[0] for name in wheel.namelist()}
    assert {room for room in rooms if not room.endswith(".dist-info")} == set(SHIPPED)


def test_version_and_changelog_agree() -> None:
    """The newest entry of the changelog is the version that is built."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version


PAGES = sorted(
    path for path in ROOT.glob("**/*.md") if not any(part.startswith(".") or part == "var" for part in path.parts[1:])
)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """A room's page that points at nothing was not read by its writer."""
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_is_short_enough_to_be_read() -> None:
    """At most 150 lines, and the two commands are in it."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    assert "make run" in text
    assert "make test" in text
