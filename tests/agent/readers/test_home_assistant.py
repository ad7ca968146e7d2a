"""Discovery blocks: which of them are one device, who that device is, and whose version is whose."""

import json
from typing import Any

import pytest

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import ReadFailure, Reading, home_assistant
from agent.readers.home_assistant import Settings
from tests.world.mosquitto import Mosquitto


def parse(*messages: dict[str, Any]) -> list[Reading]:
    """The readings of messages, in the order of their topics."""
    topics = {f"homeassistant/sensor/{n:03}/config": json.dumps(message).encode() for n, message in enumerate(messages)}
    outcomes = home_assistant.parse_messages(topics)
    readings = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
    assert len(readings) == len(outcomes)
    return readings


def test_blocks_that_share_an_identifier_are_one_device() -> None:
    """Also over a third that shares one with each; what one leaves out another says."""
    [reading] = parse(
        {"dev": {"ids": ["a"], "mf": "Kust"}},
        {"dev": {"ids": ["b"], "sw": "1.8.2"}},
        {"dev": {"ids": ["c", "a"], "mdl": "Boiler-Link"}},
        {"device": {"identifiers": ["b", "a"]}},
    )
    assert reading.version_raw == "1.8.2"
    assert reading.ids == ("ha:Kust/Boiler-Link",)


def test_a_model_that_zigbee2mqtt_does_not_know_has_its_own_id_only() -> None:
    """What it calls all such models is none: unlike products would share it."""
    [reading] = parse({"dev": {"ids": "a", "mf": "Kust", "mdl": "Automatically generated definition", "mdl_id": "K-1"}})
    assert reading.ids == ("ha:Kust/K-1",)


def test_blocks_that_share_nothing_are_not() -> None:
    """Two boilers of one make are two."""
    block = {"mf": "Kust", "mdl": "Boiler-Link", "sw": "1.8.2"}
    assert [r.identity for r in parse({"dev": block | {"ids": "a"}}, {"dev": block | {"ids": "b"}})] == [
        "link:homeassistant/a",
        "link:homeassistant/b",
    ]


@pytest.mark.parametrize(
    ("block", "identity"),
    [
        ({"ids": "zigbee2mqtt_0x00158D0001E29FF0"}, "ieee:00158d0001e29ff0"),
        ({"ids": "zigbee2mqtt_bridge_0x00124b00120144ae"}, "link:zigbee2mqtt/00124b00120144ae"),
        ({"cns": [["zigbee", "0x00158d0001e29ff0"]]}, "ieee:00158d0001e29ff0"),
        ({"ids": "x", "cns": [["mac", "A4:CF:12:34:56:78"]]}, "mac:a4cf12345678"),
        ({"ids": "a4cf12345678"}, "mac:a4cf12345678"),
        ({"ids": ["z", "b"]}, "link:homeassistant/b"),
        ({"ids": 77}, "link:homeassistant/77"),
        ({"cns": [["upnp", "uuid:77"]]}, "link:homeassistant/upnp/uuid:77"),
        ({"cns": [["mac", "b4:cf:12:34:56:78"], ["mac", "a4:cf:12:34:56:78"]]}, "mac:a4cf12345678"),
    ],
    ids=[
        "a device of Zigbee2MQTT",
        "Zigbee2MQTT itself",
        "a Zigbee address",
        "a MAC address before a name",
        "a name that is a MAC address",
        "names, in whatever order",
        "a number for a name",
        "an address of another kind",
        "several addresses, in whatever order",
    ],
)
def test_who_a_device_is(block: dict[str, Any], identity: str) -> None:
    """The hardware's address where one is stated, so that other sources of it are seen to be the same."""
    [reading] = parse({"dev": block | {"sw": "1"}})
    assert reading.identity == identity


@pytest.mark.parametrize(
    ("message", "raw", "alt"),
    [
        ({"dev": {"ids": "a", "sw": "1.8.2"}, "o": {"name": "b", "sw": "1.8.2"}}, "1.8.2", None),
        ({"dev": {"ids": "a", "sw": "1.8.2"}, "o": {"name": "b", "sw": "0.9"}}, "1.8.2", "0.9"),
        ({"dev": {"ids": "a", "sw": "1.8.2", "via_device": "c"}, "o": {"name": "b", "sw": "0.9"}}, "1.8.2", None),
        ({"dev": {"ids": "a"}, "o": {"name": "b", "sw": "0.9"}}, None, "0.9"),
        ({"dev": {"ids": "a", "hw": "2.0"}}, None, None),
        ({"dev": {"ids": "a", "sw": "2024.11.0 (Nov  5 2024, 10:11:12)"}}, "2024.11.0 (Nov  5 2024, 10:11:12)", None),
        ({"dev": {"ids": "a", "sw": 2019}}, None, None),
    ],
    ids=[
        "the device speaks for itself",
        "a program speaks for it",
        "it is behind another device",
        "only the program has a version",
        "hardware versions are none",
        "the whole text is kept",
        "a year is none",
    ],
)
def test_whose_version_is_whose(message: dict[str, Any], raw: str | None, alt: str | None) -> None:
    """The device's own, and beside it that of the program that speaks, where it may be the device's."""
    [reading] = parse(message)
    assert (reading.version_raw, reading.version_alt) == (raw, alt)


PLAIN = {"availability_topic": "boiler/status"}
FIELD = {"availability": [{"topic": "bridge/state", "value_template": "{{ value_json.state }}"}]}
BOTH = {"avty": [{"t": "~/status"}, {"t": "bridge/state", "val_tpl": "{{ value_json['state'] }}"}], "~": "boiler"}


@pytest.mark.parametrize(
    ("messages", "states", "reason"),
    [
        ([PLAIN], {"boiler/status": b"offline"}, "offline"),
        ([PLAIN], {"boiler/status": b"online"}, None),
        ([PLAIN], {}, None),
        ([PLAIN | {"pl_not_avail": "0"}], {"boiler/status": b"0"}, "offline"),
        ([FIELD], {"bridge/state": b'{"state": "offline"}'}, "offline"),
        ([FIELD], {"bridge/state": b"["}, None),
        ([BOTH], {"boiler/status": b"online", "bridge/state": b'{"state": "offline"}'}, "offline"),
        ([BOTH | {"avty_mode": "any"}], {"boiler/status": b"online", "bridge/state": b'{"state": "offline"}'}, None),
        (
            [BOTH | {"avty_mode": "any"}],
            {"boiler/status": b"offline", "bridge/state": b'{"state": "offline"}'},
            "offline",
        ),
        ([PLAIN, FIELD], {"boiler/status": b"online", "bridge/state": b'{"state": "offline"}'}, None),
        ([PLAIN, {}], {"boiler/status": b"offline"}, "offline"),
        ([{"availability": [{"topic": "a/#"}]}], {"a/#": b"offline"}, None),
        ([PLAIN | {"avty_tpl": "{{ value | upper }}"}], {"boiler/status": b"offline"}, None),
    ],
    ids=[
        "away by a plain topic",
        "there by a plain topic",
        "nothing was said",
        "a word of its own",
        "away by a field, as Zigbee2MQTT says it",
        "no JSON where some was promised",
        "one of two topics",
        "one of two topics where any of them is enough",
        "both topics where any of them is enough",
        "away by one message and there by the other",
        "a message that says nothing of it",
        "a topic that is a filter",
        "a template that is a program",
    ],
)
def test_a_device_that_is_away_is_not_read(
    messages: list[dict[str, Any]], states: dict[str, bytes], reason: str | None
) -> None:
    """What it said last outlived it on the broker."""
    topics = {
        f"homeassistant/sensor/{n}/config": json.dumps(
            {"dev": {"ids": "a", "sw": "1", "name": "Boiler"}} | more
        ).encode()
        for n, more in enumerate(messages)
    }
    (outcome,) = home_assistant.parse_messages(topics, states)
    assert getattr(outcome, "reason", None) == reason
    assert (outcome.identity, outcome.name) == ("link:homeassistant/a", "Boiler")


def test_a_faulty_message_costs_no_other() -> None:
    """It is a failure of its own, under its topic."""
    messages = {
        "homeassistant/sensor/a/config": b'{"dev": {"ids": "a", "sw": "1.8.2"}}',
        "homeassistant/sensor/b/config": b'{"dev": "a"}',
        "homeassistant/sensor/c/config": b"\xff",
    }
    readings = home_assistant.parse_messages(messages)
    assert [(item.identity, isinstance(item, ReadFailure)) for item in readings] == [
        ("link:homeassistant/a", False),
        ("link:homeassistant/homeassistant/sensor/b/config", True),
        ("link:homeassistant/homeassistant/sensor/c/config", True),
    ]


async def test_a_broker_where_nothing_is_announced(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is told: it says nothing about the devices that were there before."""
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)
    with pytest.raises(LinkError) as caught:
        await home_assistant.read(Settings(host="127.0.0.1", port=mosquitto.port, prefix="homeassistant"))
    assert caught.value.reason == "silent"


def test_more_than_any_house_has() -> None:
    """A thousand and one devices do not fit in a report; a list that was cut would pass for the house."""
    messages = {f"homeassistant/sensor/{n}/config": b'{"dev": {"ids": "%d"}}' % n for n in range(1001)}
    with pytest.raises(LinkError) as caught:
        home_assistant.parse_messages(messages)
    assert caught.value.reason == "too_large"


def test_many_messages_of_one_device_are_merged_in_time() -> None:
    """Ten thousand messages that are chained to one device take no longer than they must."""
    chain = [{"dev": {"ids": [str(number), str(number + 1)]}} for number in range(10_000)]
    [reading] = parse(*chain)
    assert reading.identity == "link:homeassistant/0"
