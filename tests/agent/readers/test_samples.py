"""The parsers read recorded payloads of real devices and programs as the samples' expect.json says."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.readers import _sample
from tests.shared import shared

SOURCES = sorted(_sample.sources())
# Their forms tell themselves apart from garbage; a line of text does not.
STRUCTURED = ("gateway", "ha_discovery", "modbus_devid", "zigbee2mqtt")
FOLDER = shared("samples/devices")
FILES = sorted(
    FOLDER / source / name for source in SOURCES for name in json.loads((FOLDER / source / "expect.json").read_text())
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_sample_is_read_as_expected(file: Path) -> None:
    """All seven keys of every device are equal; a catalogue is no reading."""
    told = json.loads((file.parent / "expect.json").read_text())[file.name]
    found = _sample.parse(file.parent.name, file.read_bytes())
    assert found == (None if told.get("not_a_reading") else told["readings"])


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_answer_is_no_reading_and_no_failure(source: str) -> None:
    """Silence is not absence, and nothing was said that could be wrong."""
    assert _sample.parse(source, b"\n") == []


@pytest.mark.parametrize("source", STRUCTURED)
@pytest.mark.parametrize("data", [b"\0\xff\xfe", b"{", b"[" * 100_000], ids=["no text", "cut", "deep"])
def test_what_is_no_payload_is_told_from_one(source: str, data: bytes) -> None:
    """Garbage is one parse failure, whatever the source."""
    assert [(sample["device"], sample["result"]) for sample in _sample.parse(source, data) or ()] == [
        ("self", "parse_failed")
    ]


def sample(source: str, payload: Any) -> Any:
    """What one file of a source comes to, without the keys that say nothing."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    readings = _sample.parse(source, data)
    return readings and [{key: value for key, value in reading.items() if value} for reading in readings]


FORMS = [
    pytest.param(
        "zigbee2mqtt",
        {"state": "ON", "update": {"state": "available", "installed_version": -1, "latest_version": -1}},
        [{"device": "self", "result": "no_version"}],
        id="Zigbee2MQTT knows neither version yet",
    ),
    pytest.param(
        "zigbee2mqtt",
        {"update": {"state": "scheduled", "installed_version": None, "latest_version": 7}},
        [{"device": "self", "result": "no_version", "offer": {"version": "7", "state": "scheduled"}}],
        id="an update waits and the device has not said what it runs",
    ),
    pytest.param(
        "zigbee2mqtt",
        {"occupancy": True, "update_available": False},
        [{"device": "self", "result": "no_version"}],
        id="a state without an update",
    ),
    pytest.param(
        "zigbee2mqtt",
        {"data": {"id": "bulb", "update_available": True}, "status": "ok"},
        None,
        id="an answer to a request to the bridge",
    ),
    pytest.param(
        "ha_discovery", {"topic": "homeassistant/light/a/config", "payload": ""}, [], id="a deleted announcement"
    ),
    pytest.param(
        "ha_discovery",
        {"topic": "homeassistant/device/a/config", "payload": {"dev": {"ids": ["a"], "sw": 3}, "cmps": {}}},
        [{"device": "a", "result": "ok", "version_raw": "3"}],
        id="a payload that was taken down as JSON and not as text",
    ),
    pytest.param(
        "gateway",
        {
            "compatible": "Kust Box",
            "booted": "/dev/mmcblk0p3",
            "slots": [
                {"rootfs.0": {"device": "/dev/mmcblk0p2", "slot_status": {"bundle": {"version": "1.0"}}}},
                {"rootfs.1": {"device": "/dev/mmcblk0p3", "slot_status": {"bundle": {"version": "1.1"}}}},
            ],
        },
        [{"device": "Kust Box", "result": "ok", "version_raw": "1.1", "ids": ["rauc:Kust Box"]}],
        id="RAUC booted a device node and states of no slot that it is the one",
    ),
    pytest.param(
        "gateway",
        {
            "compatible": "Kust Box",
            "booted": "A",
            "slots": [{"rootfs.0": {"state": "booted", "slot_status": {"bundle": {"version": None}}}}],
        },
        [{"device": "Kust Box", "result": "no_version", "ids": ["rauc:Kust Box"]}],
        id="a slot that was written in the factory",
    ),
    pytest.param("gateway", b"unknown\n", [{"device": "self", "result": "no_version"}], id="Mender knows none"),
    pytest.param(
        "gateway",
        b"rootfs-image.version=kust-9\nartifact_name=kust-9\ndevice_type=kust-box\n",
        [{"device": "self", "result": "ok", "version_raw": "kust-9", "ids": ["mender:kust-box"]}],
        id="what the artifact of Mender provides",
    ),
    pytest.param(
        "gateway",
        b"2020/04/16 18:11:26\nversion a5e1b95f320810c69441557c5f5f0a7f2460dfb8 (release)\n",
        [
            {
                "device": "self",
                "result": "ok",
                "version_raw": "a5e1b95f320810c69441557c5f5f0a7f2460dfb8",
                "ids": ["rpi-eeprom:"],
            }
        ],
        id="vcgencmd without a timestamp",
    ),
    pytest.param(
        "gateway",
        b"\0\0\0\0",
        [{"device": "self", "result": "no_version", "ids": ["rpi-eeprom:"]}],
        id="a timestamp of nothing",
    ),
]


@pytest.mark.parametrize(("source", "payload", "expected"), FORMS)
def test_a_form_that_no_sample_has(source: str, payload: Any, expected: Any) -> None:
    """What the rules of the samples say of it."""
    assert sample(source, payload) == expected
