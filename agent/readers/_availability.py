"""Whether a message of Home Assistant's discovery is of a device that its own program calls away.

A message may name topics on which its program says `offline`; one that outlived its program says nothing of what the
device runs now. A plain payload is understood, and one field of a JSON object; other templates are programs of their
own, and count as unknown. With several topics the mode decides: `any` needs all of them to say so, `all` and `latest`
one, since what came last cannot be told from what is retained.

Source: Home Assistant, page "MQTT", section "Availability"; its source, components/mqtt/entity.py.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _values as values

_FIELD = re.compile(r"\{\{ *value_json(?:\.(\w+)|\[['\"](\w+)['\"]\]) *\}\}")
_OBJECT = msgspec.json.Decoder(dict[str, object], float_hook=str)


class Sign(msgspec.Struct, frozen=True):
    """One topic.

    Attributes:
        topic: Where it is said.
        field: The field of a JSON object that says it; None where the payload does.
        offline: How it is said.
    """

    topic: str
    field: str | None
    offline: str


class Availability(msgspec.Struct, frozen=True):
    """What one message says of it.

    Attributes:
        signs: The topics that are understood.
        needs_all: Whether each of them must say that the device is away.
    """

    signs: tuple[Sign, ...] = ()
    needs_all: bool = False

    def is_away(self, states: Mapping[str, bytes]) -> bool | None:
        """What the retained states say; None where they say nothing."""
        said = [away for sign in self.signs if (away := _is_away(sign, states)) is not None]
        if not said:
            return None
        return len(said) == len(self.signs) and all(said) if self.needs_all else any(said)


def parse(message: Mapping[str, object]) -> Availability:
    """The availability of a message, long and short."""
    listed = _either(message, "availability", "avty")
    items: list[Any] = listed if isinstance(listed, list) else [listed]
    signs = [_sign(item, message, "topic", "t", "value_template", "val_tpl") for item in items]
    signs.append(_sign(message, message, "availability_topic", "avty_t", "availability_template", "avty_tpl"))
    mode = _either(message, "availability_mode", "avty_mode")
    return Availability(tuple(sign for sign in signs if sign), mode == "any")


def all_away(said: Iterable[Availability], states: Mapping[str, bytes]) -> bool:
    """Whether at least one message of a device says that it is away, and none that it is there."""
    verdicts = {availability.is_away(states) for availability in said}
    return True in verdicts and False not in verdicts


def _sign(item: object, message: Mapping[str, object], *keys: str) -> Sign | None:
    if not isinstance(item, dict):
        return None
    topic, template = values.text(_either(item, *keys[:2])), values.text(_either(item, *keys[2:]))
    field = _FIELD.fullmatch(template) if template else None
    if topic is None or (template and not field):
        return None
    base = values.text(message.get("~")) or ""
    topic = base + topic[1:] if topic.startswith("~") else topic.removesuffix("~") + base * topic.endswith("~")
    if not mqtt.is_topic(topic):
        return None
    offline = values.text(_either(item, "payload_not_available", "pl_not_avail")) or "offline"
    return Sign(topic, (field[1] or field[2]) if field else None, offline)


def _is_away(sign: Sign, states: Mapping[str, bytes]) -> bool | None:
    payload = states.get(sign.topic)
    if payload is None:
        return None
    if sign.field is None:
        return payload == sign.offline.encode()
    try:
        return values.text(values.json(payload, _OBJECT).get(sign.field)) == sign.offline
    except LinkError:
        return None


def _either(fields: Mapping[str, object], *names: str) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)
