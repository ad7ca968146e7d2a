"""Devices with Tasmota, over MQTT. Each is asked once for its firmware (`STATUS 2`); that changes nothing on it.

Devices: plugs, relays, lights and meters with a Tasmota that announces itself; old ones and `tasmota-lite`, which do
  not, only where they retain INFO1 (option InfoRetain) under the default topics.
Wire: MQTT, retained `tasmota/discovery/<MAC>/config`, one JSON object for each device, which says under which topics
  it speaks; `<cmnd topic>/STATUS` with `2`, answered on `<stat topic>/STATUS2`; retained `tele/<topic>/INFO1`.
Version format: `Version` of STATUS2 and INFO1 with the build behind it, such as 14.3.0(tasmota32); `sw` of the
  discovery without. A fourth part (13.2.0.2) is a development version after 13.2.0. `ver` is the version of the format,
  `Core` and `SDK` are libraries.
Sources: Tasmota documentation, pages "MQTT" and "Commands" (Status 2); its source, xdrv_12_discovery.ino.
Access needed: the broker; read access to `tasmota/discovery/+/config`, `tele/+/INFO1` and `<stat topic>/STATUS2`, write
  access to `<cmnd topic>/STATUS`. With `ask = false` nothing is written, and what the discovery says counts, unless the
  retained `<tele topic>/LWT` says that the device is offline.
Not tested on: a device; the messages are other people's recordings.
"""

from collections.abc import Mapping, Sequence

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "tasmota"
_DISCOVERY, _INFO = "tasmota/discovery/+/config", "tele/+/INFO1"
_PREFIXES = ("cmnd", "stat", "tele")


class Settings(mqtt.Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house's broker.

    Attributes:
        ask: Whether to ask each device for its firmware.
    """

    ask: bool = True


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A device that announced itself.

    Attributes:
        reading: What the announcement says.
        command: Where `STATUS` is asked.
        answer: Where it is answered.
        will: Where the broker says that it is offline, and the word for that.
    """

    reading: Reading
    command: str
    answer: str
    will: tuple[str, bytes]


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask every device that announced itself on this broker."""
    messages = await mqtt.retained(settings, [_DISCOVERY, _INFO])
    announced: list[Announced] = []
    outcomes: list[Reading | ReadFailure] = []
    for topic, payload in sorted(messages.items()):
        try:
            if topic.endswith("/config"):
                announced.append(parse_discovery(topic, payload))
            else:
                outcomes.append(parse_info(topic, payload))
        except LinkError as error:
            outcomes.append(ReadFailure.of(_identity(topic), error))
    if not messages:
        raise LinkError(Result.UNREACHABLE, "silent", f"{settings.host} retains no {_DISCOVERY}")
    asked = await (_ask if settings.ask else _believe)(settings, announced)
    # What announced itself and retains INFO1 too is one device.
    topics = {_identity(device.answer) for device in announced}
    return values.at_most([*asked, *(outcome for outcome in outcomes if outcome.identity not in topics)])


def parse_discovery(topic: str, payload: bytes) -> Announced:
    """What a device announces.

    Raises:
        LinkError: It is no announcement, or names topics that no device has.
    """
    stated = values.json(payload, _ANNOUNCEMENT)
    command, answer, will = (_topic(stated, number) for number in range(len(_PREFIXES)))
    offline = (values.text(stated.ofln) or "Offline").encode()
    return Announced(
        reading=_announced(topic, stated),
        command=f"{command}STATUS",
        answer=f"{answer}STATUS2",
        will=(f"{will}LWT", offline),
    )


def parse_info(topic: str, payload: bytes) -> Reading:
    """What INFO1 says; old Tasmota writes it without the wrapper.

    Raises:
        LinkError: It is none.
    """
    info = values.json(payload, _INFO1)
    return Reading(identity=_identity(topic), version_raw=values.version((info.Info1 or info).Version))


def parse_status(reading: Reading, payload: bytes) -> Reading:
    """What the answer to `STATUS 2` adds to what is known of a device.

    Raises:
        LinkError: It is none.
    """
    firmware = values.json(payload, _STATUS).StatusFWR or _Firmware()
    return msgspec.structs.replace(
        reading,
        ids=values.model_ids("tasmota", [firmware.Hardware]),
        version_raw=values.version(firmware.Version),
    )


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded messages, for `parse`; a device is named by its address, else by its topic. None for commands."""
    return recording.each(data, _parse_recorded, lambda topic: not {"cmnd", "LWT"} & set(topic.split("/")))


def _parse_recorded(topic: str, payload: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    if topic.startswith("tasmota/discovery/"):
        stated = values.json(payload, _ANNOUNCEMENT)
        return [(values.text(stated.mac) or topic.split("/")[2], _announced(topic, stated))]
    status = values.json(payload, _STATUS)
    address = values.text(status.StatusNET.Mac) if status.StatusNET else None
    reading = parse_info(topic, payload)
    if status.StatusFWR is not None:
        reading = parse_status(reading, payload)
    return [(address or _own_topic(topic) or "self", reading)]


class _Announcement(msgspec.Struct):
    """What is wanted of a discovery message."""

    mac: object = None
    dn: object = None
    hn: object = None
    sw: object = None
    t: object = None
    ft: object = None
    tp: object = None
    ofln: object = None


class _Info1(msgspec.Struct):
    """What is wanted inside of `Info1`."""

    Version: object = None


class _Info(_Info1):
    """INFO1, with its wrapper and without."""

    Info1: _Info1 | None = None


class _Firmware(msgspec.Struct):
    """What is wanted of `StatusFWR`."""

    Version: object = None
    Hardware: object = None


class _Network(msgspec.Struct):
    """What is wanted of `StatusNET`, which `STATUS 0` has beside the firmware."""

    Mac: object = None


class _Status(msgspec.Struct):
    """What is wanted of an answer to `STATUS`."""

    StatusFWR: _Firmware | None = None
    StatusNET: _Network | None = None


_ANNOUNCEMENT = msgspec.json.Decoder(_Announcement, float_hook=str)
_INFO1 = msgspec.json.Decoder(_Info, float_hook=str)
_STATUS = msgspec.json.Decoder(_Status, float_hook=str)


async def _ask(settings: Settings, announced: Sequence[Announced]) -> list[Reading | ReadFailure]:
    if not announced:
        return []
    filters = sorted({device.answer for device in announced})
    requests = sorted({(device.command, b"2") for device in announced})
    heard = dict(await mqtt.answers(settings, filters, requests, enough=len(filters)))
    return [_answered(device, heard) for device in announced]


def _answered(device: Announced, heard: Mapping[str, bytes]) -> Reading | ReadFailure:
    identity, name = device.reading.identity, device.reading.name
    if device.answer not in heard:
        silent = LinkError(Result.UNREACHABLE, "timeout", f"no answer on {device.answer} in {mqtt.ANSWER_S} s")
        return ReadFailure.of(identity, silent, name=name)
    try:
        return parse_status(device.reading, heard[device.answer])
    except LinkError as error:
        return ReadFailure.of(identity, error, name=name)


async def _believe(settings: Settings, announced: Sequence[Announced]) -> list[Reading | ReadFailure]:
    if not announced:
        return []
    wills = await mqtt.retained(settings, sorted({device.will[0] for device in announced}))
    offline = LinkError(Result.UNREACHABLE, "offline", "the broker says so")
    return [
        ReadFailure.of(device.reading.identity, offline, name=device.reading.name)
        if wills.get(device.will[0]) == device.will[1]
        else device.reading
        for device in announced
    ]


def _announced(topic: str, stated: _Announcement) -> Reading:
    return Reading(
        identity=values.mac(stated.mac) or _identity(topic),
        name=values.text(stated.dn),
        version_raw=values.version(stated.sw),
    )


def _topic(stated: _Announcement, number: int) -> str:
    """Where a device speaks, by the number of the prefix, with a slash behind it; the layout is its owner's."""
    layout = values.text(stated.ft) or "%prefix%/%topic%/"
    layout = layout if "%prefix%" in layout else f"{layout.rstrip('/')}/%prefix%/"
    prefixes = stated.tp if isinstance(stated.tp, list) and len(stated.tp) == len(_PREFIXES) else _PREFIXES
    parts = {"%prefix%": prefixes[number], "%topic%": stated.t, "%hostname%": stated.hn, "%id%": stated.mac}
    for token, part in parts.items():
        layout = layout.replace(token, values.text(part) or "%")
    if "%" in layout or not mqtt.is_topic(layout):
        raise LinkError(Result.PARSE_FAILED, "malformed", f"no topic of a device: {layout[:80]!r}")
    return layout if layout.endswith("/") else f"{layout}/"


def _own_topic(topic: str) -> str:
    """A topic without prefix and last level."""
    levels = topic.split("/")[:-1]
    return "/".join(level for level in levels if level not in _PREFIXES)


def _identity(topic: str) -> str:
    """Of a device that does not state its address; discovery has it in the topic too."""
    own = _own_topic(topic)
    return values.mac(own.rpartition("/")[2]) or f"link:tasmota/{own}"
