"""What readers make of a field that a device or bridge states: text, version, model ids, addresses.

Whatever the wire holds, what comes out of here fits in a report (evidence/limits.py), and what is no firmware version
is not taken for one.
"""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from agent.errors import LinkError
from evidence.ids import is_model_id, model_id
from evidence.limits import MAX_DEVICES, MAX_IDS, MAX_TEXT_BYTES
from evidence.report import Result

T = TypeVar("T")

MAX_ITEMS = 300_000  # in one payload; a thousand Zigbee devices have about half of that
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_IEEE = re.compile(r"0x([0-9a-f]{16})")
_MAC = re.compile(r"[0-9a-f]{12}")


def at_most(devices: list[T]) -> list[T]:
    """The devices of one source.

    Raises:
        LinkError: More than a report can carry.
    """
    if len(devices) > MAX_DEVICES:
        raise LinkError(Result.PARSE_FAILED, "too_large", f"{len(devices)} devices, a report carries {MAX_DEVICES}")
    return devices


def text(value: object) -> str | None:
    """A field as text: NULs and outer blanks off, integers in decimal; None where it says nothing.

    More than a report can carry, and anything but text and numbers, says nothing either.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    cleaned = value.replace("\0", "").strip()
    return cleaned if 0 < len(cleaned.encode()) <= MAX_TEXT_BYTES else None


def version(value: object) -> str | None:
    """A field as a version: `text`, unless it is a year, which some makers put where a version belongs."""
    stated = text(value)
    return None if stated is None or _YEAR.fullmatch(stated) else stated


def model_ids(namespace: str, *models: Iterable[object]) -> tuple[str, ...]:
    """Model ids of one namespace, sorted, each once: one for every sequence of parts in which all are stated."""
    stated = (model_id(namespace, *map(text, parts)) for parts in models)
    fit = {name for name in stated if name and is_model_id(name) and len(name.encode()) <= MAX_TEXT_BYTES}
    return tuple(sorted(fit)[:MAX_IDS])


def ieee(value: object) -> str | None:
    """The identity of a Zigbee device with this IEEE address (`0x` and 16 hex digits)."""
    found = _IEEE.fullmatch(value.lower()) if isinstance(value, str) else None
    return f"ieee:{found[1]}" if found else None


def zigbee2mqtt_bridge(address: object) -> str | None:
    """The identity of the Zigbee2MQTT whose coordinator has this IEEE address."""
    coordinator = ieee(address)
    return f"link:zigbee2mqtt/{coordinator.removeprefix('ieee:')}" if coordinator else None


def mac(value: object) -> str | None:
    """The identity of a device with this MAC address, however it is written."""
    digits = re.sub("[:-]", "", value.lower()) if isinstance(value, str) else ""
    return f"mac:{digits}" if _MAC.fullmatch(digits) else None


def json(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """What a JSON payload holds of the fields that a reader wants; the others are passed over.

    Raises:
        LinkError: No JSON, not of that shape, or of more items than anyone's house has.
    """
    # Three bytes of JSON can take seventy of memory, so the link's bound on bytes is not enough.
    if not isinstance(data, msgspec.Raw) and data.count(b",") > MAX_ITEMS:
        raise LinkError(Result.PARSE_FAILED, "too_large", f"JSON of more than {MAX_ITEMS} items")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LinkError(Result.PARSE_FAILED, "malformed", f"no JSON of the expected shape: {error}") from error
