"""Devices with ESPHome that publish over MQTT.

Devices: sensors, plugs, lights and boards whose firmware was built with ESPHome and a component `mqtt`. Most homes use
  the native API of ESPHome instead; the reader `mdns` shows those.
Wire: MQTT, retained `esphome/discover/<name>`, one JSON object for each device, and `<name>/status` with `online` or
  `offline`. Nothing is published.
Version format: `project_version`, the maker's, free text; `version` is the release of ESPHome that the firmware was
  built with, such as 2024.11.0, and stands alone where the device has no project.
Sources: ESPHome, components/mqtt/mqtt_client.cpp (send_device_info_) and the page "MQTT Client Component".
Access needed: the broker; read access to `esphome/discover/+` and `+/status`.
Not tested on: a device; devices with a `topic_prefix` of their own, whose status is not found, so that what they said
  last counts though they may be gone.
"""

from collections.abc import Mapping, Sequence

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _esphome as family
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = mqtt.LIMIT_S
SAMPLES = "esphome"
_DISCOVER, _STATUS = "esphome/discover", "status"


class Settings(mqtt.Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house's broker."""


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Take every device that announced itself on this broker."""
    messages = await mqtt.retained(settings, [f"{_DISCOVER}/+", f"+/{_STATUS}"])
    names = sorted(topic.rpartition("/")[2] for topic in messages if topic.startswith(f"{_DISCOVER}/"))
    if not names:
        raise LinkError(Result.UNREACHABLE, "silent", f"{settings.host} retains no {_DISCOVER}/+")
    return values.at_most([_outcome(name, messages) for name in names])


def parse_discover(name: str, payload: bytes) -> Reading:
    """One device, of its announcement.

    Raises:
        LinkError: It is none.
    """
    fields = values.json(payload, _FIELDS)
    return family.parse_fields(fields, name)


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded messages, for `parse`; a device is named by its address. None for requests and for its state."""
    return recording.each(data, _parse_recorded, lambda topic: topic.startswith(f"{_DISCOVER}/"))


def _parse_recorded(topic: str, payload: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    address = values.text(values.json(payload, _FIELDS).get("mac"))
    return [(address or "self", parse_discover(topic.rpartition("/")[2], payload))]


_FIELDS = msgspec.json.Decoder(dict[str, object], float_hook=str)


def _outcome(name: str, messages: Mapping[str, bytes]) -> Reading | ReadFailure:
    try:
        reading = parse_discover(name, messages[f"{_DISCOVER}/{name}"])
    except LinkError as error:
        identity = f"link:esphome/{name}"
        return ReadFailure.of(identity, error)
    if messages.get(f"{name}/{_STATUS}") != b"offline":
        return reading
    detail = f"the broker says that {name} is offline"
    return ReadFailure(
        identity=reading.identity, result=Result.UNREACHABLE, reason="offline", detail=detail, name=reading.name
    )
