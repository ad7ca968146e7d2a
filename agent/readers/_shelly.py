"""What a Shelly says of itself: announcement and settings of the first generation, RPC of the later ones, mDNS of both.

The version of the first generation is `fw` (`fw_ver` in announcements, `fw_id` in mDNS), such as
20230913-112003/v1.14.0-gcb84623; of later ones `ver`, such as 1.4.2, with the build `fw_id` beside it. `fw_version` and
`build_version` are 1.0 on all of them and no version. An update on offer may be older than what runs.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from agent.readers import _values as values
from agent.readers._contract import Reading
from evidence.report import Offer, OfferResult


class _Device(msgspec.Struct):
    """What is wanted of `device` in settings of the first generation, and in `sys` of later configurations."""

    type: object = None
    mac: object = None
    fw_id: object = None


class _Update(msgspec.Struct):
    """What is wanted of `update` in a status of the first generation."""

    status: object = None
    has_update: object = None
    new_version: object = None


class _Channel(msgspec.Struct):
    """What is wanted of one of `available_updates`."""

    version: object = None


class _Sys(msgspec.Struct):
    """What is wanted of `sys` in a status or configuration of later generations."""

    mac: object = None
    available_updates: dict[str, _Channel | None] | None = None
    device: _Device | None = None


class _Part(msgspec.Struct):
    """What one place of a message says of the device."""

    id: object = None
    mac: object = None
    name: object = None
    gen: object = None
    ver: object = None
    fw: object = None
    fw_ver: object = None
    fw_id: object = None
    app: object = None
    model: object = None
    type: object = None
    new_fw: object = None
    device: _Device | None = None
    update: _Update | None = None
    sys: _Sys | None = None


class Message(_Part):
    """Whatever a Shelly says, on any wire: the fields are in the message itself, or in one of its parts."""

    method: object = None
    error: object = None
    result: _Part | None = None
    shelly: _Part | None = None
    settings: _Part | None = None
    status: _Part | None = None

    def first(self, name: str) -> Any:
        """A field, from the first place that states it."""
        # An answer has an id of its own, which is not the device's.
        places: list[Any] = []
        for part in filter(
            None, (self if self.result is None else self.result, self.shelly, self.settings, self.status)
        ):
            places += [part, part.device, part.sys, part.sys and part.sys.device]
        return next((stated for place in places if (stated := getattr(place, name, None)) is not None), None)


_TXT = ("id", "mac", "gen", "ver", "fw_id", "app", "model")
MESSAGE = msgspec.json.Decoder(Message, float_hook=str)


def parse_message(message: Message, fallback: str = "") -> Reading:
    """The reading of one device.

    Args:
        message: What it said.
        fallback: What tells the device from others where it states no address.
    """
    first = message.first
    build = values.version(first("fw_id"))
    if first("ver") is None and values.text(first("gen")) in (None, "1"):
        version, beside = values.version(first("fw")) or values.version(first("fw_ver")) or build, None
    else:
        version, beside = values.version(first("ver")), build
    offer, state = _offer(message)
    return Reading(
        identity=values.mac(first("mac")) or identity(values.text(first("id")) or fallback),
        name=values.text(first("name")),
        ids=values.model_ids("shelly", [first("app")], [first("model")], [first("type")]),
        version_raw=version,
        version_alt=beside,
        offer=offer,
        offer_state=state,
    )


def parse_txt(txt: Mapping[str, object], fallback: str) -> Reading:
    """The reading of a device by its TXT record."""
    stated = {name: txt[name] for name in _TXT if name in txt}
    return parse_message(msgspec.convert(stated, Message), fallback)


def identity(name: str) -> str:
    """The hardware behind a name such as shellyplus1-a4cf12345678; in the first generation half an address."""
    return values.mac(name.rpartition("-")[2]) or f"link:shelly/{name.lower()}"


def _offer(message: Message) -> tuple[Offer | None, str | None]:
    channels = (message.first("sys") or _Sys()).available_updates or {}
    for channel in ("stable", "beta"):
        if version := values.text((channels.get(channel) or _Channel()).version):
            return Offer(result=OfferResult.OFFERED, version=version), channel
    update = message.first("update") or _Update()
    if version := values.text(update.new_version):
        return Offer(result=_result(update.has_update), version=version), values.text(update.status)
    new = message.first("new_fw")
    return (Offer(result=_result(new)) if isinstance(new, bool) else None), None


def _result(new: object) -> OfferResult:
    return OfferResult.OFFERED if new is True else OfferResult.NONE
