"""Whatever a payload holds, a parser gives readings that fit in a report, failures with a reason, or a LinkError."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from agent.errors import LinkError
from agent.links import modbus
from agent.readers import (
    ReadFailure,
    Reading,
    _matter,
    _upnp,
    esphome,
    gateway,
    home_assistant,
    mdns,
    modbus_device_id,
    shelly,
    tasmota,
    zigbee2mqtt,
)
from evidence import ids, report
from evidence.report import DeviceReport, Report, Result
from firmware_fixtures.fixture import load
from tests.agent.readers.expected import DEVICES
from tests.shared import ROOT

HOUSE = load(ROOT / "firmware_fixtures" / "house").messages
DISCOVERY = {topic: payload for topic, payload in HOUSE.items() if topic.startswith("homeassistant/")}
REASONS = {
    "malformed",
    "refused",
    "too_large",
    "garbled",
    "truncated",
    "crc",
    *(f"exception_{code}" for code in range(256)),
}
SHELLY_STATUS = b"""{"shelly": {"mac": "024B55030001", "type": "BRLY-1", "fw": "20220809-123240/v1.12"}, "status":
 {"update": {"status": "idle", "has_update": false, "new_version": "1"}, "sys": {"available_updates": {"beta":
 {"version": "2"}}}}, "settings": {"device": {"type": "x"}}}"""
SERVICES = ["_shelly._tcp.local.", "_http._tcp.local.", "_esphomelib._tcp.local.", "_hap._tcp.local."]
TXT = ["id", "mac", "gen", "ver", "fw_id", "app", "version", "project_version", "project_name", "board", "status"]
UPNP = b"""<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><manufacturer>Kust</manufacturer>
<modelName>Box</modelName><UDN>uuid:1</UDN><deviceList><device><modelName>Part</modelName></device></deviceList></device>
</root>"""

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.text("\0 \n/x", max_size=700),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid JSON payload in which something, deep inside or at the root, is something else."""
    root = [json.loads(valid)]
    for _ in range(draw(st.integers(1, 3))):
        place: Any = root
        key: Any = 0
        while isinstance(place[key], (dict, list)) and place[key] and draw(st.booleans() | st.just(True)):
            place = place[key]
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place[key] = draw(values)
    return json.dumps(root[0]).encode()


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid payload of which some bytes were cut out and others put in."""
    start = draw(st.integers(0, len(valid)))
    end = draw(st.integers(start, min(len(valid), start + 200)))
    return valid[:start] + draw(st.binary(max_size=20)) + valid[end:]


def either(valid: bytes) -> st.SearchStrategy[bytes]:
    """Both ways in which a payload goes wrong."""
    return mutated(valid) | damaged(valid)


def check(parse: Callable[[], Sequence[Reading | ReadFailure]]) -> None:
    """Run a parser; what comes out goes through the report's own encoder and strict decoder."""
    reasons = set()
    try:
        for outcome in parse():
            if isinstance(outcome, ReadFailure):
                reasons.add(outcome.reason)
            else:
                _fits(outcome)
    except LinkError as error:
        reasons.add(error.reason)
    assert reasons <= REASONS


def _fits(reading: Reading) -> None:
    device = DeviceReport(
        device=ids.device_id(b"s" * 32, reading.identity),
        result=Result.OK,
        read_at=0,
        reader="any",
        version_raw=reading.version_raw,
        version_alt=reading.version_alt,
        scheme=reading.scheme,
        ids=reading.ids,
        offer=reading.offer,
    )
    told = Report(
        gateway="0" * 32, sequence=1, issued_at=0, inventory=report.inventory_digest((device,)), devices=(device,)
    )
    assert report.decode(report.encode(told)) == told


@pytest.mark.parametrize("leaf", ["devices", "info"])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_zigbee2mqtt(leaf: str, data: st.DataObject) -> None:
    """Lists and infos of Zigbee2MQTT."""
    payload = data.draw(either(HOUSE[f"zigbee2mqtt/bridge/{leaf}"]))
    check(lambda: zigbee2mqtt.parse_devices(payload) if leaf == "devices" else zigbee2mqtt.parse_info(payload))


@given(payload=either(b'{"update": {"state": "idle", "installed_version": 5, "latest_version": 6}}'))
@settings(max_examples=150, deadline=None)
def test_zigbee2mqtt_update(payload: bytes) -> None:
    """States of a device with anything in the place of the update."""
    check(lambda: [zigbee2mqtt.parse_update(payload)])


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_home_assistant(data: st.DataObject) -> None:
    """A house in which one discovery message is something else."""
    topic = data.draw(st.sampled_from(sorted(DISCOVERY)))
    payload = data.draw(either(DISCOVERY[topic]))
    check(lambda: home_assistant.parse_messages({**DISCOVERY, topic: payload}))


def payloads(reader: str) -> dict[str, bytes]:
    """Every message and answer of a reader's fixtures, by topic."""
    found: dict[str, bytes] = {}
    for file in sorted(DEVICES.glob(f"{reader}/*_*_[0-9]*/device.toml")):
        fixture = load(file.parent)
        found |= fixture.messages | {answer.to: answer.says.encode() for answer in fixture.answers}
    assert found
    return {topic: payload for topic, payload in found.items() if payload.startswith(b"{")}


TASMOTA, ESPHOME, SHELLY = payloads("tasmota"), payloads("esphome"), payloads("shelly")


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_tasmota(data: st.DataObject) -> None:
    """Announcements, INFO1 and answers."""
    topic = data.draw(st.sampled_from(sorted(TASMOTA)))
    payload = data.draw(either(TASMOTA[topic]))
    check(lambda: [tasmota.parse_discovery(topic, payload).reading])
    check(lambda: [tasmota.parse_info(topic, payload)])
    check(lambda: [tasmota.parse_status(Reading(identity="mac:024b55017a01"), payload)])


@given(payload=st.sampled_from(sorted(ESPHOME.values())).flatmap(either))
@settings(max_examples=150, deadline=None)
def test_esphome(payload: bytes) -> None:
    """Announcements."""
    check(lambda: [esphome.parse_discover("bedroom-air", payload)])


@given(payload=st.sampled_from([*sorted(SHELLY.values()), SHELLY_STATUS]).flatmap(either))
@settings(max_examples=200, deadline=None)
def test_shelly(payload: bytes) -> None:
    """Announcements, answers and whole settings."""
    check(lambda: [shelly.parse_message(payload)])


@given(service=st.sampled_from(SERVICES), txt=st.dictionaries(st.sampled_from(TXT), values, max_size=6))
@settings(max_examples=150, deadline=None)
def test_mdns(service: str, txt: dict[str, object]) -> None:
    """Records of every type, with anything in them."""
    check(lambda: [mdns.parse_service(service, "shelly-1", txt)])


@given(payload=either(b'{"node_id": 12, "attributes": {"0/40/2": 4874, "0/40/4": 125, "0/40/9": 1, "1/57/10": "3"}}'))
@settings(max_examples=150, deadline=None)
def test_matter(payload: bytes) -> None:
    """Nodes."""
    check(lambda: [reading for _, reading in _matter.parse_sample(payload)])


@given(payload=damaged(UPNP) | st.text("<>/a&;!?x", max_size=80).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_upnp(payload: bytes) -> None:
    """Descriptions."""
    check(lambda: [_upnp.parse_description(payload)])


@given(objects=st.dictionaries(st.integers(0, 255), st.binary(max_size=245)))
@settings(max_examples=200, deadline=None)
def test_modbus_identification(objects: dict[int, bytes]) -> None:
    """Objects that hold any bytes."""
    check(lambda: [modbus_device_id.parse_identification("link:/dev/ttyUSB0/1", objects)])


@given(
    body=st.binary(max_size=250) | st.binary(max_size=60).map(lambda rest: b"\x01\x2b\x0e" + rest), crc=st.booleans()
)
@settings(max_examples=300, deadline=None)
def test_modbus_frames(body: bytes, *, crc: bool) -> None:
    """Frames of any bytes, with a checksum that fits and without."""
    frame = body + FramerRTU.compute_CRC(body).to_bytes(2, "big") if crc else body
    check(lambda: [modbus_device_id.parse_identification("link:/1", modbus.parse_identification(frame))])


@given(data=st.binary(max_size=300) | st.text("AIDNME=\"'_#\n 12", max_size=300).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_os_release(data: bytes) -> None:
    """An os-release that somebody else wrote."""
    check(lambda: [gateway.parse_os_release(data)])


@given(devices=st.lists(st.dictionaries(st.sampled_from(["DeviceId", "Guid", "Name", "Version", "x"]), values)))
@settings(max_examples=150, deadline=None)
def test_fwupd(devices: list[dict[str, object]]) -> None:
    """Properties of any type."""
    check(lambda: list(gateway.parse_fwupd(devices)))


@given(timestamp=st.none() | st.binary(max_size=6), commit=st.none() | st.binary(max_size=50))
@settings(max_examples=100, deadline=None)
def test_boot_eeprom(timestamp: bytes | None, commit: bytes | None) -> None:
    """A device tree with other properties than expected."""
    check(lambda: list(gateway.parse_boot_eeprom(timestamp, commit, commit)))
