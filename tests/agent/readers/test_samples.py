"""The parsers read recorded payloads of real devices and programs as the samples' expect.json says."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.readers import _sample
from tests.shared import shared

SOURCES = sorted(_sample.sources())
# Their forms tell themselves apart from garbage; a line of text does not.
STRUCTURED = ("esphome", "gateway", "ha_discovery", "modbus_devid", "network", "shelly", "tasmota", "zigbee2mqtt")
FOLDER = shared("samples/devices")
FILES = sorted(
    FOLDER / source / name for source in SOURCES for name in json.loads((FOLDER / source / "expect.json").read_text())
)


def test_every_folder_of_samples_has_a_parser() -> None:
    """A source that nobody reads would pass unseen."""
    assert {folder.parent.name for folder in FOLDER.glob("*/expect.json")} <= set(SOURCES)


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
        "zigbee2mqtt", [{"id": 1, "friendly_name": "all", "members": [], "scenes": []}], None, id="a list of groups"
    ),
    pytest.param(
        "zigbee2mqtt",
        {"version": "1.13.1", "coordinator": {"type": "zStack12", "meta": {"revision": 20190608}}},
        [
            {"device": "bridge", "result": "ok", "version_raw": "1.13.1"},
            {"device": "self", "result": "ok", "version_raw": "20190608"},
        ],
        id="a coordinator that does not state its address",
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
        b"device_type=kust-box\n",
        [{"device": "self", "result": "no_version", "ids": ["mender:kust-box"]}],
        id="what Mender takes the device for",
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
    pytest.param("shelly", {"id": 1, "src": "a", "method": "Shelly.GetDeviceInfo"}, None, id="a request to a Shelly"),
    pytest.param(
        "shelly",
        {"id": 1, "src": "shellyrelay2-024b55030003", "dst": "a", "error": {"code": 401, "message": "no"}},
        [{"device": "self", "result": "no_version"}],
        id="a Shelly that answers with an error",
    ),
    pytest.param(
        "shelly",
        {
            "shelly": {"mac": "024B55030003", "gen": 3, "ver": "1.5.99-g4prod1", "app": "Relay3"},
            "status": {
                "sys": {"available_updates": {"beta": {"version": "2.0.0-beta1"}, "stable": {"version": "1.4.99"}}}
            },
        },
        [
            {
                "device": "024B55030003",
                "result": "ok",
                "version_raw": "1.5.99-g4prod1",
                "ids": ["shelly:Relay3"],
                "offer": {"version": "1.4.99", "state": "stable"},
            }
        ],
        id="a stable update stands before a beta and may be older than what runs",
    ),
    pytest.param(
        "shelly",
        {
            "topic": "shellies/shellyrelay1-030001/info",
            "payload": {
                "mac": "024B55030001",
                "update": {"status": "pending", "has_update": True, "new_version": "v9"},
            },
        },
        [{"device": "024B55030001", "result": "no_version", "offer": {"version": "v9", "state": "pending"}}],
        id="the status of a Shelly alone",
    ),
    pytest.param(
        "tasmota", {"topic": "cmnd/pump/STATUS", "payload": "2"}, None, id="what is asked of a device with Tasmota"
    ),
    pytest.param(
        "tasmota",
        {"topic": "tele/pump/INFO1", "payload": '{"Info1":{"Module":"Generic","Version":"13.1.0(tasmota)"}}'},
        [{"device": "pump", "result": "ok", "version_raw": "13.1.0(tasmota)"}],
        id="INFO1 with its wrapper",
    ),
    pytest.param(
        "esphome",
        {"topic": "esphome/discover/shed", "payload": {"mac": "024b55020002", "version": "2023.8.1", "board": "d1"}},
        [{"device": "024b55020002", "result": "ok", "version_raw": "2023.8.1", "ids": ["esphome:d1"]}],
        id="an ESPHome that somebody built at home",
    ),
    pytest.param("esphome", {"topic": "esphome/discover", "payload": ""}, None, id="who asks for ESPHome"),
    pytest.param(
        "network",
        {"type": "_hap._tcp.local.", "name": "Lamp", "txt": {"md": "LB-980", "pv": "1.1", "id": "02:4B:55:00:00:01"}},
        [{"device": "02:4B:55:00:00:01", "result": "no_version"}],
        id="HomeKit states a protocol and no firmware",
    ),
    pytest.param(
        "network",
        {"type": "_shelly._tcp.local.", "name": "shellyrelay2-024b55030004._shelly._tcp.local.", "txt": {}},
        [{"device": "shellyrelay2-024b55030004", "result": "no_version"}],
        id="a Shelly without a TXT record",
    ),
    pytest.param(
        "network",
        b'<!DOCTYPE r [<!ENTITY a "b">]><root><device><UDN>&a;</UDN></device></root>',
        [{"device": "self", "result": "parse_failed"}],
        id="a description that declares an entity",
    ),
]


@pytest.mark.parametrize(("source", "payload", "expected"), FORMS)
def test_a_form_that_no_sample_has(source: str, payload: Any, expected: Any) -> None:
    """What the rules of the samples say of it."""
    assert sample(source, payload) == expected
