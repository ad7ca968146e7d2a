"""Zigbee2MQTT beyond its fixtures: several on one broker, what is kept back, and a house seen from two sides."""

import json
from typing import Any

import msgspec
import pytest

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import Reading, home_assistant, zigbee2mqtt
from agent.readers.zigbee2mqtt import Settings
from evidence.report import Offer, OfferResult
from firmware_fixtures.fixture import load
from firmware_fixtures.simulator.mqtt_house import publish
from tests.shared import ROOT
from tests.world.mosquitto import Mosquitto

HOUSE = load(ROOT / "firmware_fixtures" / "house").messages
DEVICES, INFO = HOUSE["zigbee2mqtt/bridge/devices"], HOUSE["zigbee2mqtt/bridge/info"]
VERSIONS = {
    "ieee:0c4314fffe00a101": "2.3.087",
    "ieee:0c4314fffe00a102": "1.0.4",
    "ieee:0c4314fffe00a103": "3.1",
    "ieee:0c4314fffe00a104": None,
    "ieee:0c4314fffe00a105": "5.12.0a",
    "link:zigbee2mqtt/0c4314fffe00a100": "2.14.1",
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)


async def test_a_house_seen_from_two_sides_is_one_house(mosquitto: Mosquitto) -> None:
    """Each device that both bridges show has one identity, and both state the same version."""
    await publish("127.0.0.1", mosquitto.port, HOUSE)
    near = await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port))
    told = await home_assistant.read(home_assistant.Settings(host="127.0.0.1", port=mosquitto.port))
    coordinator = {"ieee:0c4314fffe00a100": "20240710"}
    boiler = {"mac:024b55004f21": "1.8.2"}
    assert {item.identity: getattr(item, "version_raw", "") for item in near} == VERSIONS | coordinator
    assert {item.identity: getattr(item, "version_raw", "") for item in told} == VERSIONS | boiler


async def test_updates_are_heard_where_they_are_retained_or_spoken(mosquitto: Mosquitto) -> None:
    """An offer has the numbers of update files; they stand beside the build id, or for it; other states are nothing."""
    offered = b'{"update": {"state": "available", "installed_version": 16908295, "latest_version": 16908551}}'
    idle = offered.replace(b"available", b"idle").replace(b"16908551", b"16908295")
    names = {item["ieee_address"]: item["friendly_name"] for item in json.loads(DEVICES)}
    bulb, silent, plug = (f"zigbee2mqtt/{names[f'0x0c4314fffe00a10{n}']}" for n in (1, 4, 2))
    await publish("127.0.0.1", mosquitto.port, HOUSE | {bulb: offered, silent: idle, plug: b"ON"})
    found = {item.identity: item for item in await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port))}
    first, fourth, second = (found[f"ieee:0c4314fffe00a10{n}"] for n in (1, 4, 2))
    assert isinstance(first, Reading)
    assert isinstance(fourth, Reading)
    assert (first.version_raw, first.version_alt, first.scheme) == ("2.3.087", "16908295", None)
    assert first.offer == Offer(result=OfferResult.OFFERED, version="16908551")
    assert (fourth.version_raw, fourth.version_alt, fourth.scheme) == ("16908295", None, "uint32")
    assert fourth.offer == Offer(result=OfferResult.NONE, version="16908295")
    assert getattr(second, "offer", 0) is None
    listening = Settings(host="127.0.0.1", port=mosquitto.port, listen_s=2.0)
    assert {item.identity: item for item in await zigbee2mqtt.read(listening)} == found


async def test_a_name_that_is_no_topic_costs_no_other_device(mosquitto: Mosquitto) -> None:
    """Brokers end the session of who subscribes to such a thing."""
    names = ["\u0001", "\ufffe", "/" * 300, "a/#", "hall"]
    devices = [{"ieee_address": f"0x{number:016x}", "friendly_name": name} for number, name in enumerate(names)]
    state = b'{"update": {"state": "idle", "installed_version": 1, "latest_version": 1}}'
    await publish("127.0.0.1", mosquitto.port, {"z/bridge/devices": json.dumps(devices).encode(), "z/hall": state})
    found = await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port))
    assert [getattr(item, "version_raw", "") for item in found] == [None, None, None, None, "1"]


async def test_two_of_them_on_one_broker(mosquitto: Mosquitto) -> None:
    """Upstairs and downstairs are both found; a base topic of several levels is found when it is told."""
    upstairs = DEVICES.replace(b"0x0c43", b"0x0d43")
    attic = DEVICES.replace(b"0x0c43", b"0x0e43")
    topics = {"z1/bridge/devices": DEVICES, "z2/bridge/devices": upstairs, "a/b/bridge/devices": attic}
    await publish("127.0.0.1", mosquitto.port, topics)
    both = await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port))
    assert {item.identity[:9] for item in both} == {"ieee:0c43", "ieee:0d43"}
    one = await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port, base_topic="a/b"))
    assert {item.identity[:9] for item in one} == {"ieee:0e43"}


async def test_a_broker_without_it(mosquitto: Mosquitto) -> None:
    """Silence is told: it says nothing about the devices that were there before."""
    with pytest.raises(LinkError) as caught:
        await zigbee2mqtt.read(Settings(host="127.0.0.1", port=mosquitto.port))
    assert caught.value.reason == "silent"


def test_the_configuration_stays_in_the_house() -> None:
    """bridge/info holds it; of all that, two versions and an address come out."""
    shown = _texts(msgspec.to_builtins(zigbee2mqtt.parse_info(INFO)))
    assert "2.14.1" in shown
    configuration = json.loads(INFO)
    for kept in ("config", "config_schema", "network", "os", "mqtt", "commit", "zigbee_herdsman"):
        for text in _texts(configuration[kept]):
            assert text not in shown, kept


@pytest.mark.parametrize(
    ("build", "version"),
    [
        ("2.3.087", "2.3.087"),
        ("V1.04.12\0", "V1.04.12"),
        ("  6.1.1.28573 ", "6.1.1.28573"),
        ("2019", None),
        ("\0" * 9, None),
        ("", None),
        (None, None),
        (33816645, "33816645"),
        (1.10, "1.1"),
        (True, None),
        (["2.3"], None),
        ("9" * 513, None),
        ("20191118", "20191118"),
    ],
    ids=[
        "a version",
        "a NUL behind it",
        "blanks around it",
        "a year",
        "nothing but NULs",
        "an empty text",
        "null",
        "an integer",
        "a fraction",
        "a truth value",
        "a list",
        "more than a report carries",
        "a number that looks like a date",
    ],
)
def test_what_is_a_version_and_what_is_none(build: Any, version: str | None) -> None:
    """The field is kept as it was read, or it is none; nothing is guessed."""
    device = {"ieee_address": "0x0c4314fffe00a101", "software_build_id": build, "date_code": "20230622"}
    [reading] = zigbee2mqtt.parse_devices(json.dumps([device]).encode())
    assert isinstance(reading, Reading)
    assert reading.version_raw == version


@pytest.mark.parametrize(
    "payload",
    [b"[" + b"{}," * 1000 + b"{}]", b"[" + b"[]," * 1_000_000 + b"[]]"],
    ids=["devices", "empty lists"],
)
def test_more_than_any_house_has(payload: bytes) -> None:
    """A million of anything is refused before it is taken apart."""
    with pytest.raises(LinkError) as caught:
        zigbee2mqtt.parse_devices(payload)
    assert caught.value.reason == "too_large"


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) and len(value) > 3 else []
