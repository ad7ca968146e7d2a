"""Zigbee devices behind Zigbee2MQTT: the bridge program, its coordinator, and each device it knows.

Devices: every Zigbee device that Zigbee2MQTT has joined (bulbs, plugs, sensors, valves, locks); the coordinator stick;
  Zigbee2MQTT itself.
Wire: MQTT, three retained topics under the base topic: `bridge/devices` (a list), `bridge/info` and `bridge/state`; and
  `<friendly name>`, the state of a device with its update, where that is retained (device option `retain`) or is
  published while we listen (`listen_s`). Nothing is published: a check for updates would wake the devices' radios.
  `bridge/info` holds the configuration; only the program's version and the coordinator are taken from it, the rest is
  passed over unread.
Version format: `software_build_id`, free text such as 2.3.087, 6.1.1.28573 or V1.04.12, sometimes with NULs behind it;
  `software_build_ID` in 2020. Absent keys mean that the device states none. A year or a `date_code` is no version. The
  coordinator's is `meta.revision`, a number such as 20240710. The state's versions are those of Zigbee OTA files, one
  number (scheme uint32): it stands beside the build id, or for it where there is none.
Sources: Zigbee2MQTT documentation, page "MQTT topics and messages"; payloads of Zigbee2MQTT 2.14.1.
Access needed: the broker; read access to `+/bridge/devices`, `+/bridge/info` and `+/bridge/state`, or to the same under
  one `base_topic`; for updates to the devices' topics.
Not tested on: a radio: Zigbee2MQTT 2.14.1 itself was read, with devices in its database that nobody has; before 1.17,
  which retained no device list.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Offer, OfferResult, Result

LIMIT_S = 60.0
DISTANCE = 1
SAMPLES = "zigbee2mqtt"
_DEVICES, _INFO, _STATE = "bridge/devices", "bridge/info", "bridge/state"
_LONGEST_NUMBER = 10  # digits of an unsigned 32 bit number
_INVENTORY = (_DEVICES, _INFO)


class Settings(mqtt.Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house's broker.

    Attributes:
        base_topic: Zigbee2MQTT's `mqtt.base_topic`; found by itself where it has one level, as `zigbee2mqtt` has.
        listen_s: How long to wait for devices to speak of updates by themselves. Not at all unless told: an offer
            that is heard in one round and missed in the next would change the report each time.
    """

    base_topic: Annotated[str, msgspec.Meta(pattern="^[^#+]+$")] = "+"
    listen_s: Annotated[float, msgspec.Meta(ge=0, le=20)] = 0


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Take the inventory of every Zigbee2MQTT on this broker."""
    topics = [f"{settings.base_topic}/{leaf}" for leaf in (_DEVICES, _INFO, _STATE)]
    messages = await mqtt.retained(settings, topics)
    bases = sorted(topic.removesuffix(f"/{_DEVICES}") for topic in messages if topic.endswith(f"/{_DEVICES}"))
    if not bases:
        raise LinkError(Result.UNREACHABLE, "silent", f"{settings.host} retains no {topics[0]}: is Zigbee2MQTT on it?")
    return [outcome for base in bases for outcome in await _with_updates(settings, base, _inventory(base, messages))]


async def _with_updates(
    settings: Settings, base: str, outcomes: Sequence[Reading | ReadFailure]
) -> Sequence[Reading | ReadFailure]:
    """What was found, with what the devices' own topics say of updates."""
    readings = (outcome for outcome in outcomes if isinstance(outcome, Reading))
    names = (reading.name for reading in readings if reading.identity.startswith("ieee:"))
    topics = sorted({topic for name in names if name and mqtt.is_topic(topic := f"{base}/{name}")})
    if not topics:
        return outcomes
    heard = await mqtt.answers(settings, topics, within_s=settings.listen_s) if settings.listen_s else ()
    states = dict(heard) or await mqtt.retained(settings, topics)
    return [_updated(outcome, states.get(f"{base}/{outcome.name}", b"")) for outcome in outcomes]


def _updated(outcome: Reading | ReadFailure, state: bytes) -> Reading | ReadFailure:
    if isinstance(outcome, ReadFailure):
        return outcome
    try:
        update = parse_update(state)
    except LinkError:
        return outcome  # the state of a device may be anything; it is no reading
    build = outcome.version_raw
    return msgspec.structs.replace(
        outcome,
        version_raw=build or update.version_raw,
        version_alt=update.version_raw if build else None,
        scheme=None if build else update.scheme,
        offer=update.offer,
        offer_state=update.offer_state,
    )


def _inventory(base: str, messages: Mapping[str, bytes]) -> list[Reading | ReadFailure]:
    found = [*_part(base, parse_devices, messages[f"{base}/{_DEVICES}"])]
    if f"{base}/{_INFO}" in messages:
        found += _part(base, parse_info, messages[f"{base}/{_INFO}"])
    outcomes = {outcome.identity: outcome for outcome in found}.values()
    # A list that outlived its bridge says nothing of what the devices run now.
    offline = _is_offline(messages.get(f"{base}/{_STATE}", b""))
    return [_unreachable(base, outcome) if offline else outcome for outcome in outcomes]


def _part(
    base: str, parse: Callable[[bytes], Sequence[Reading | ReadFailure]], payload: bytes
) -> Sequence[Reading | ReadFailure]:
    try:
        return parse(payload)
    except LinkError as error:
        whose = LinkError(error.result, error.reason, f"{base}: {error}")
        return [ReadFailure.of(f"link:zigbee2mqtt/{base}", whose, distance=DISTANCE, hides=True)]


def _unreachable(base: str, outcome: Reading | ReadFailure) -> ReadFailure:
    return ReadFailure(
        identity=outcome.identity,
        distance=outcome.distance,
        result=Result.UNREACHABLE,
        reason="bridge_offline",
        detail=f"Zigbee2MQTT says that {base} is offline",
        name=outcome.name,
        hides=isinstance(outcome, ReadFailure) and outcome.hides,
    )


def parse_devices(data: bytes) -> list[Reading | ReadFailure]:
    """The devices of a `bridge/devices` payload.

    Raises:
        LinkError: It is no list of devices at all, or one of more than any house has.
    """
    items = values.at_most(values.json(data, _LIST))
    return [_device(item, number) for number, item in enumerate(items)]


def parse_info(data: bytes) -> list[Reading]:
    """The bridge program and its coordinator, of a `bridge/info` payload.

    Raises:
        LinkError: It is no such payload.
    """
    info = values.json(data, _INFO_DECODER)
    stick = info.coordinator
    bridge = Reading(
        identity=values.zigbee2mqtt_bridge(stick and stick.ieee_address) or "link:zigbee2mqtt/bridge",
        name="Zigbee2MQTT",
        version_raw=values.version(info.version),
    )
    if stick is None:
        return [bridge]
    # Older ones do not state its address.
    identity = values.ieee(stick.ieee_address) or "link:zigbee2mqtt/coordinator"
    revision = values.version(stick.meta.revision) if stick.meta else None
    return [bridge, Reading(identity=identity, name="Coordinator", distance=DISTANCE, version_raw=revision)]


def parse_update(data: bytes) -> Reading:
    """The update of a device's state payload: the numbers are those of Zigbee OTA files, not of `software_build_id`.

    Raises:
        LinkError: It is no state.
    """
    update = values.json(data, _STATE_DECODER).update or _Update()
    installed, latest = _file_version(update.installed_version), _file_version(update.latest_version)
    return Reading(
        identity="",
        distance=DISTANCE,
        version_raw=installed,
        scheme="uint32" if installed else None,
        offer=None if latest is None else Offer(result=_offer_result(update.state), version=latest),
        offer_state=None if latest is None else values.text(update.state),
    )


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded messages, for `parse`; devices are named by their address, where they state it.

    None for a catalogue of update files, a list of groups, an event, a line of the log and an answer to a request.
    """
    return recording.each(data, _parse_recorded, lambda topic: "/bridge/" not in topic or topic.endswith(_INVENTORY))


def _parse_recorded(_: str, payload: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    if payload.lstrip().startswith(b"["):
        if any((item.fileVersion, item.members) != (None, None) for item in values.json(payload, _CATALOGUE)):
            return None
        return [(_sample_name(outcome), outcome) for outcome in parse_devices(payload)]
    keys = values.json(payload, _OBJECT).keys()
    if ("data" in keys and {"status", "type"} & keys) or {"level", "message"} <= keys:
        return None
    if {"coordinator", "version"} & keys:
        return [(_sample_name(reading), reading) for reading in parse_info(payload)]
    return [("self", parse_update(payload))]


class _Device(msgspec.Struct):
    """What is wanted of one entry of `bridge/devices`."""

    ieee_address: object = None
    friendly_name: object = None
    manufacturer: object = None
    model_id: object = None
    software_build_id: object = None
    software_build_id_2020: object = msgspec.field(default=None, name="software_build_ID")


class _Meta(msgspec.Struct):
    """What is wanted of the coordinator's `meta`, which differs with its maker."""

    revision: object = None


class _Coordinator(msgspec.Struct):
    """What is wanted of `coordinator`."""

    ieee_address: object = None
    meta: _Meta | None = None


class _Info(msgspec.Struct):
    """What is wanted of `bridge/info`."""

    version: object
    coordinator: _Coordinator | None = None


class _Update(msgspec.Struct):
    """What is wanted of `update` in the state of a device."""

    state: object = None
    installed_version: object = None
    latest_version: object = None


class _State(msgspec.Struct):
    """What is wanted of the state of a device."""

    update: _Update | None = None


class _UpdateFile(msgspec.Struct):
    """What tells an entry of the catalogue of update files, and one of the list of groups, from a device."""

    members: object = None
    fileVersion: object = None  # noqa: N815  # as it is called there


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_DEVICE = msgspec.json.Decoder(_Device, float_hook=str)
_INFO_DECODER = msgspec.json.Decoder(_Info, float_hook=str)
_CATALOGUE = msgspec.json.Decoder(list[_UpdateFile])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STATE_DECODER = msgspec.json.Decoder(_State, float_hook=str)
_BRIDGE_STATE = msgspec.json.Decoder(dict[str, object])


def _device(item: msgspec.Raw, number: int) -> Reading | ReadFailure:
    try:
        device = values.json(item, _DEVICE)
    except LinkError as error:
        return _nameless(number, error.reason, str(error))
    identity = values.ieee(device.ieee_address)
    if identity is None:
        return _nameless(number, "malformed", "no IEEE address of 16 hex digits")
    return Reading(
        identity=identity,
        name=values.text(device.friendly_name),
        distance=DISTANCE,
        ids=values.model_ids("zigbee", (device.manufacturer, device.model_id)),
        version_raw=values.version(device.software_build_id) or values.version(device.software_build_id_2020),
    )


def _nameless(number: int, reason: str, detail: str) -> ReadFailure:
    """A failure of an entry that does not say which device it is; its place in the list stands for it."""
    place = f"link:zigbee2mqtt/devices/{number}"
    return ReadFailure(identity=place, distance=DISTANCE, result=Result.PARSE_FAILED, reason=reason, detail=detail)


def _file_version(value: object) -> str | None:
    """The version of an OTA file, an unsigned 32 bit number; older Zigbee2MQTT writes -1 where it knows none."""
    stated = values.text(value) or ""
    number = int(stated) if stated.isdecimal() and len(stated) <= _LONGEST_NUMBER else -1
    return str(number) if 0 <= number < 2**32 else None


def _offer_result(state: object) -> OfferResult:
    return OfferResult.NONE if state == "idle" else OfferResult.OFFERED


def _is_offline(state: bytes) -> bool:
    try:
        return values.json(state, _BRIDGE_STATE).get("state") == "offline"
    except LinkError:
        return state.strip() == b"offline"  # as it was written before 1.17


def _sample_name(outcome: Reading | ReadFailure) -> str:
    kind, _, address = outcome.identity.partition(":")
    if kind == "ieee":
        return f"0x{address}"
    return "self" if address == "zigbee2mqtt/coordinator" else "bridge"
