"""Shelly devices over MQTT, of all generations. Each is asked once what it is; that changes nothing on it.

Devices: plugs, relays, dimmers and meters by Shelly that were told of this broker; their own default is off.
Wire: MQTT. First generation: `announce` published to `shellies/command`, answers on `shellies/announce`. Later ones:
  the retained `<prefix>/online` tells who is there, Shelly.GetDeviceInfo published to `<prefix>/rpc`, answer on
  `updateplicht/rpc`. Prefixes that begin with `shelly`, as they do by default, are found; others are to be named.
Version format: first generation `fw_ver`, such as 20230913-112003/v1.14.0-gcb84623, as old as v1.8.2@36539b0b and with
  tails such as -master; later ones `ver`, such as 1.4.2 or 1.5.99-g4prod1, and the build `fw_id` beside it.
Sources: Shelly API reference, pages "MQTT" (generation 1), "MQTT" and "Shelly" (generation 2 and later).
Access needed: the broker; read access to `shellies/announce`, `+/online` and `updateplicht/rpc`; write access to
  `shellies/command` and `<prefix>/rpc`. A broker that drops what may not be written makes every device look silent.
Not tested on: a device; the messages are those of its documentation and of other people's recordings.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from agent.errors import LinkError
from agent.links import mqtt
from agent.readers import _recording as recording
from agent.readers import _shelly as family
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
LISTS = False  # the first generation is heard, not listed
SAMPLES = "shelly"
_ONLINE, _ANNOUNCE, _ANSWERS = "online", "shellies/announce", "updateplicht/rpc"
_MAX_PREFIXES = 256  # requests at once; no house has as many


class Settings(mqtt.Broker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house's broker.

    Attributes:
        prefixes: Topic prefixes of devices that were given one of their own.
    """

    prefixes: tuple[Annotated[str, msgspec.Meta(pattern="^[^#+]+$")], ...] = ()


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask each device once."""
    told = [f"{prefix}/{_ONLINE}" for prefix in ("+", *settings.prefixes)]
    online = await mqtt.retained(settings, told)
    prefixes = _prefixes(online, settings.prefixes)
    requests = [("shellies/command", b"announce"), *(_request(*item) for item in enumerate(prefixes, 1))]
    heard = await mqtt.answers(settings, [_ANNOUNCE, _ANSWERS], requests)
    answers = [_answer(topic, payload, prefixes) for topic, payload in heard]
    answered = {prefix for prefix, _ in answers}
    outcomes = [_silent(prefix, online.get(f"{prefix}/{_ONLINE}")) for prefix in prefixes if prefix not in answered]
    found = {outcome.identity: outcome for outcome in (*outcomes, *(outcome for _, outcome in answers))}
    if not found:
        raise LinkError(Result.UNREACHABLE, "silent", f"no Shelly answers on {settings.host}: is MQTT on in it?")
    return values.at_most(list(found.values()))


def parse_message(data: bytes) -> Reading:
    """What one device says of itself, in whichever form.

    Raises:
        LinkError: It is none of them, or the device says that it will not tell.
    """
    message = values.json(data, family.MESSAGE)
    if message.error is not None:
        raise LinkError(Result.REFUSED, "refused", f"the device answers with an error: {message.error}")
    if all(message.first(name) is None for name in ("mac", "id", "gen", "fw")):
        raise LinkError(Result.PARSE_FAILED, "malformed", "nothing in it that a Shelly says of itself")
    return family.parse_message(message)


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """What devices said, over MQTT or HTTP, for `parse`; each is named by its address. None for requests."""
    return recording.each(data, _parse_recorded, lambda topic: not topic.endswith(("/command", f"/{_ONLINE}")))


def _parse_recorded(_: str, payload: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    message = values.json(payload, family.MESSAGE)
    if message.method is not None:
        return None
    device = values.text(message.first("mac")) or "self"
    try:
        return [(device, parse_message(payload))]
    except LinkError as error:
        return [(device, ReadFailure.of("", error))]


class _Numbered(msgspec.Struct):
    """What tells an answer to one of our requests."""

    id: int


_NUMBERED = msgspec.json.Decoder(_Numbered)


def _prefixes(online: Mapping[str, bytes], named: Sequence[str]) -> list[str]:
    found = (topic.removesuffix(f"/{_ONLINE}") for topic in online)
    return sorted({*named, *(prefix for prefix in found if prefix.startswith("shelly"))})[:_MAX_PREFIXES]


def _request(number: int, prefix: str) -> tuple[str, bytes]:
    call = {"id": number, "src": _ANSWERS.removesuffix("/rpc"), "method": "Shelly.GetDeviceInfo"}
    return f"{prefix}/rpc", msgspec.json.encode(call)


def _answer(topic: str, payload: bytes, prefixes: Sequence[str]) -> tuple[str | None, Reading | ReadFailure]:
    """The prefix whose request this answers, if any, and what it says."""
    prefix, identity = None, f"link:shelly/{topic}"
    try:
        if topic == _ANSWERS:
            number = values.json(payload, _NUMBERED).id
            prefix = prefixes[number - 1] if 1 <= number <= len(prefixes) else None
            identity = family.identity(prefix) if prefix else identity
        return prefix, parse_message(payload)
    except LinkError as error:
        return prefix, ReadFailure.of(identity, error)


def _silent(prefix: str, online: bytes | None) -> ReadFailure:
    reason = "offline" if online == b"false" else "timeout"
    detail = f"{prefix} is {reason}" if reason == "offline" else f"{prefix} said nothing in {mqtt.ANSWER_S} s"
    return ReadFailure(identity=family.identity(prefix), result=Result.UNREACHABLE, reason=reason, detail=detail)
