"""What holds for every reader: fixtures that are good and bad, and a docstring that answers the same questions."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent import readers
from firmware_fixtures.fixture import load
from tests.agent.readers.expected import DEVICES, expected
from tests.shared import ROOT

READERS = sorted(file.stem for file in (ROOT / "agent" / "readers").glob("[!_]*.py"))
FOLDERS = sorted(file.parent for file in DEVICES.glob("*/*/device.toml"))
HEADINGS = ("Devices", "Wire", "Version format", "Sources", "Access needed", "Not tested on")
PROVENANCE = ("Recorded", "From the manual", "Synthetic")


@pytest.mark.parametrize("name", READERS)
def test_a_reader_offers_what_the_contract_asks_for(name: str) -> None:
    """Settings with defaults for all but what an operator must say, a time limit, and read."""
    reader = readers.load(name)
    assert issubclass(reader.Settings, msgspec.Struct)
    assert 0 < reader.LIMIT_S <= 60
    assert callable(reader.read)


@pytest.mark.parametrize("name", READERS)
def test_a_readers_docstring_has_the_headings(name: str) -> None:
    """Who is about to point it at a device finds what it does, in the same order everywhere."""
    docstring = ast.get_docstring(ast.parse((ROOT / "agent" / "readers" / f"{name}.py").read_text())) or ""
    _, _, answers = docstring.partition("\n\n")
    assert tuple(re.findall(r"^([A-Z][a-z ]+):", answers, re.MULTILINE)) == HEADINGS


@pytest.mark.parametrize("name", READERS)
def test_a_reader_has_a_good_and_a_failing_fixture(name: str) -> None:
    """A reader that was never seen failing is not known."""
    outcomes = [expected(folder) for folder in FOLDERS if folder.parent.name == name]
    assert any(outcome.good for outcome in outcomes)
    assert any(not outcome.good for outcome in outcomes)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_a_fixture_has_a_reader_and_a_provenance(folder: Path) -> None:
    """The folder it stands in is its reader's; where its bytes are from is said first."""
    fixture = load(folder)
    assert folder.parent.name in READERS
    assert {entry["reader"] for entry in fixture.read} == {folder.parent.name}
    assert fixture.provenance.startswith(PROVENANCE)
    assert re.fullmatch(r"[a-z0-9]+_[a-z0-9]+_\S+", folder.name)
    for entry in fixture.read:
        settings = {key: value for key, value in entry.items() if key != "reader"}
        msgspec.convert(settings, readers.load(entry["reader"]).Settings)


def test_a_library_loads_only_with_the_reader_that_needs_it() -> None:
    """A gateway without Modbus does not carry pymodbus, one without a broker no MQTT, one without fwupd no D-Bus."""
    heavy = {"pymodbus", "serial", "aiomqtt", "paho", "dbus_fast", "zeroconf"}
    loads: dict[str, set[str]] = {
        "gateway": set(),
        "mdns": {"zeroconf"},
        "modbus_device_id": {"pymodbus", "serial"},
        "smp": {"serial"},
        "zigbee2mqtt": {"aiomqtt", "paho"},
    }
    for name, wanted in loads.items():
        told = (
            f"import sys; from agent import readers; readers.load({name!r}); print(*({heavy!r} & sys.modules.keys()))"
        )
        ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
        assert set(ran.stdout.split()) == wanted, name
