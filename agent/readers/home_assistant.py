"""Devices that announce themselves to Home Assistant over MQTT discovery, whatever program speaks for them.

Devices: whatever publishes discovery messages: Zigbee2MQTT, Z-Wave JS UI, ESPHome, Tasmota, boiler and meter bridges.
Wire: MQTT, retained `<prefix>/<component>/[<node>/]<object>/config`, one JSON object for each entity with a block
  `device`; or `<prefix>/device/[<node>/]<object>/config`, one for a device with all its entities. Keys have short forms
  (`dev`, `ids`, `cns`, `mf`, `mdl`, `mdl_id`, `sw`, `sn`, `o`). The blocks of one device are merged by identifiers and
  connections, as often only one of them has the version. An empty payload deletes a message.
Version format: `sw_version`, free text; numbers as they are written. `origin.sw` is the program that speaks, not the
  device; it is kept beside where it differs and the device is not behind another (`via_device`). `hw_version` is none.
  A device whose messages name a topic on which its program says that it is away is not read.
Sources: Home Assistant documentation, page "MQTT", sections on discovery; its source, components/mqtt/discovery.py and
  abbreviations.py of 2026.2.
Access needed: the broker; read access to `<prefix>/+/+/config`, `<prefix>/+/+/+/config` and to the topics of
  availability that the messages name.
Not tested on: programs other than Zigbee2MQTT 2.14.1, which was read itself; the others by their documentation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, TypeAlias

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._availability import Availability, all_away
from agent.readers._availability import parse as parse_availability
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

Outcomes: TypeAlias = list[Reading | ReadFailure]

LIMIT_S = 60.0
DISTANCE = 2
SAMPLES = "ha_discovery"
_UNKNOWN_MODEL = "Automatically generated definition"  # what Zigbee2MQTT calls all that it does not know
_ZIGBEE2MQTT = re.compile(r"zigbee2mqtt_(bridge_)?(0x[0-9a-fA-F]{16})")


class Settings(mqtt.Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house's broker.

    Attributes:
        prefix: Home Assistant's discovery prefix.
    """

    prefix: Annotated[str, msgspec.Meta(pattern="^[^#+]+$")] = "homeassistant"


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What one message, or all messages of one device, say of it."""

    identifiers: tuple[str, ...] = ()
    connections: tuple[tuple[str, str], ...] = ()
    manufacturer: str | None = None
    model: str | None = None
    model_id: str | None = None
    name: str | None = None
    version: str | None = None
    serial_number: str | None = None
    origin_version: str | None = None
    behind: bool = False
    availability: tuple[Availability, ...] = ()


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Take every device that is announced on this broker."""
    topics = [f"{settings.prefix}/{levels}/config" for levels in ("+/+", "+/+/+")]
    messages = await mqtt.retained(settings, topics)
    if not messages:
        raise LinkError(Result.UNREACHABLE, "silent", f"{settings.host} retains nothing under {settings.prefix}/")
    announcements, failures = _parse(messages)
    away = {sign.topic for one in announcements for said in one.availability for sign in said.signs}
    states = await mqtt.retained(settings, sorted(away)) if away else {}
    return _outcomes(announcements, failures, states)


def parse_messages(messages: Mapping[str, bytes], states: Mapping[str, bytes] = MappingProxyType({})) -> Outcomes:
    """The devices of discovery messages, by topic; a failure for each message that is none.

    Args:
        messages: The messages.
        states: What is retained under the topics of availability.

    Raises:
        LinkError: More devices than any house has.
    """
    return _outcomes(*_parse(messages), states)


def _parse(messages: Mapping[str, bytes]) -> tuple[list[Announcement], Outcomes]:
    announcements: list[Announcement] = []
    failures: Outcomes = []
    for topic, payload in sorted(messages.items()):
        try:
            announcements.append(parse_message(payload))
        except LinkError as error:
            identity = f"link:homeassistant/{topic}"
            failures.append(ReadFailure.of(identity, error, distance=DISTANCE))
    return announcements, failures


def _outcomes(announcements: list[Announcement], failures: Outcomes, states: Mapping[str, bytes]) -> Outcomes:
    devices = [_outcome(device, states) for device in merge(announcements) if not _is_group(device)]
    return values.at_most([*devices, *failures])


def _outcome(device: Announcement, states: Mapping[str, bytes]) -> Reading | ReadFailure:
    reading = to_reading(device)
    if not all_away(device.availability, states):
        return reading
    detail = "the program that announced it says that it is away"
    away = LinkError(Result.UNREACHABLE, "offline", detail)
    return ReadFailure.of(reading.identity, away, distance=DISTANCE, name=reading.name)


def parse_message(payload: bytes) -> Announcement:
    """What one message says of its device; no identifiers where it names no device, which is allowed.

    Raises:
        LinkError: It is no discovery message.
    """
    message = values.json(payload, _MESSAGE)
    fields = values.json(payload, _OBJECT)
    device = message.device or message.dev or _Block()
    origin = message.origin or message.o or _Origin()
    return Announcement(
        identifiers=_texts(_either(device.identifiers, device.ids)),
        connections=_pairs(_either(device.connections, device.cns)),
        manufacturer=values.text(_either(device.manufacturer, device.mf)),
        model=_model(_either(device.model, device.mdl)),
        model_id=values.text(_either(device.model_id, device.mdl_id)),
        name=values.text(device.name),
        version=values.version(_either(device.sw_version, device.sw)),
        serial_number=values.text(_either(device.serial_number, device.sn)),
        origin_version=values.version(_either(origin.sw_version, origin.sw)),
        behind=values.text(device.via_device) is not None,
        availability=(parse_availability(fields),),
    )


def merge(announcements: Iterable[Announcement]) -> list[Announcement]:
    """One announcement for each device: those that share an identifier or a connection are of one device."""
    named = [announcement for announcement in announcements if _keys(announcement)]
    parent: dict[object, object] = {}

    def root(key: object) -> object:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for announcement in named:
        first, *others = _keys(announcement)
        for key in others:
            parent[root(key)] = root(first)
    devices: dict[object, list[Announcement]] = {}
    for announcement in named:
        devices.setdefault(root(_keys(announcement)[0]), []).append(announcement)
    return [_join(messages) for messages in devices.values()]


def to_reading(device: Announcement) -> Reading:
    """The reading of one merged device."""
    origin = None if device.behind or device.origin_version == device.version else device.origin_version
    return Reading(
        identity=_identity(device),
        name=device.name,
        distance=DISTANCE,
        ids=values.model_ids("ha", (device.manufacturer, device.model), (device.manufacturer, device.model_id)),
        version_raw=device.version,
        version_alt=origin,
        hardware=device.serial_number,
    )


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded messages, for `parse`; devices are named by their first identifier. None where none is an announcement.

    A deleted message names no device.
    """
    said = recording.each(data, lambda _, payload: [parse_message(payload)], lambda topic: topic.endswith("/config"))
    if said is None:
        return None
    devices = [device for device in merge(said) if not _is_group(device)]
    return [((*device.identifiers, "self")[0], to_reading(device)) for device in devices]


class _Block(msgspec.Struct):
    """What is wanted of a device block, long and short."""

    identifiers: object = None
    ids: object = None
    connections: object = None
    cns: object = None
    manufacturer: object = None
    mf: object = None
    model: object = None
    mdl: object = None
    model_id: object = None
    mdl_id: object = None
    name: object = None
    sw_version: object = None
    sw: object = None
    serial_number: object = None
    sn: object = None
    via_device: object = None


class _Origin(msgspec.Struct):
    """What is wanted of the program that speaks."""

    sw_version: object = None
    sw: object = None


class _Message(msgspec.Struct):
    """What is wanted of a discovery message."""

    device: _Block | None = None
    dev: _Block | None = None
    origin: _Origin | None = None
    o: _Origin | None = None


_MESSAGE = msgspec.json.Decoder(_Message, float_hook=str)
_OBJECT = msgspec.json.Decoder(dict[str, object], float_hook=str)


def _either(long: object, short: object) -> object:
    return short if long is None else long


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(stated for item in items if (stated := values.text(item)))


def _model(value: object) -> str | None:
    """The model, unless it is a text that unlike products share."""
    model = values.text(value)
    return None if model and model.startswith(_UNKNOWN_MODEL) else model


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = (_texts(item) for item in value) if isinstance(value, list) else ()
    return tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2)


def _keys(announcement: Announcement) -> tuple[object, ...]:
    return (*announcement.identifiers, *announcement.connections)


def _join(messages: Sequence[Announcement]) -> Announcement:
    """All that the messages of one device say; of what they say differently, the first by topic."""

    def first(name: str) -> str | None:
        return next((stated for message in messages if (stated := getattr(message, name))), None)

    return Announcement(
        identifiers=tuple(dict.fromkeys(item for message in messages for item in message.identifiers)),
        connections=tuple(dict.fromkeys(item for message in messages for item in message.connections)),
        manufacturer=first("manufacturer"),
        model=first("model"),
        model_id=first("model_id"),
        name=first("name"),
        version=first("version"),
        serial_number=first("serial_number"),
        origin_version=first("origin_version"),
        behind=any(message.behind for message in messages),
        availability=tuple(dict.fromkeys(item for message in messages for item in message.availability)),
    )


def _is_group(device: Announcement) -> bool:
    """Whether this is a group of Zigbee2MQTT: announced like a device, and none."""
    return (device.manufacturer, device.model) == ("Zigbee2MQTT", "Group")


def _identity(device: Announcement) -> str:
    """The hardware behind a device block, so that a device which other sources show too is one device.

    Where there are several addresses the smallest is taken, since the order in which they are announced may change.
    """
    addresses = sorted(filter(None, map(_address, device.identifiers)))
    addresses += sorted(filter(None, (values.ieee(value) or values.mac(value) for _, value in device.connections)))
    if addresses:
        return addresses[0]
    names = sorted(device.identifiers) or sorted("/".join(pair) for pair in device.connections)
    return f"link:homeassistant/{names[0]}"


def _address(identifier: str) -> str | None:
    found = _ZIGBEE2MQTT.fullmatch(identifier)
    if found is None:
        return values.mac(identifier)
    return values.zigbee2mqtt_bridge(found[2]) if found[1] else values.ieee(found[2])
