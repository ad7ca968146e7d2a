"""The parsers read recorded payloads of real devices and programs as the samples' expect.json says."""

import json
from pathlib import Path

import pytest

from agent.readers import _sample
from tests.shared import shared

SOURCES = ("gateway", "ha_discovery", "modbus_devid", "zigbee2mqtt")
# Forms that no reader reads yet.
LATER = {
    "gateway/mender_show_artifact.txt",
    "gateway/rauc_status_1_13.json",
    "gateway/rauc_status_detailed_ok.json",
    "gateway/vcgencmd_bootloader_2023.txt",
    "zigbee2mqtt/state_update_available.json",
    "zigbee2mqtt/state_update_idle.json",
}
FOLDER = shared("samples/devices")
FILES = sorted(
    FOLDER / source / name
    for source in SOURCES
    for name in json.loads((FOLDER / source / "expect.json").read_text())
    if f"{source}/{name}" not in LATER
)


def test_every_reader_with_samples_is_compared() -> None:
    """A source that is missing above would pass unseen."""
    assert sorted(_sample.sources()) == sorted(SOURCES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_sample_is_read_as_expected(file: Path) -> None:
    """All seven keys of every device are equal; a catalogue is no reading."""
    told = json.loads((file.parent / "expect.json").read_text())[file.name]
    found = _sample.parse(file.parent.name, file.read_bytes())
    assert found == (None if told.get("not_a_reading") else told["readings"])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("data", [b"", b"\0\xff\xfe", b"{", b"[" * 100_000], ids=["empty", "no text", "cut", "deep"])
def test_what_is_no_payload_is_told_from_one(source: str, data: bytes) -> None:
    """Garbage is one parse failure, whatever the source."""
    assert [(sample["device"], sample["result"]) for sample in _sample.parse(source, data) or ()] == [
        ("self", "parse_failed")
    ]
