"""Makes fixture folders of real readings, one for each source: what came, what was read from it, and where it is from.

The form is that of firmware_fixtures/README.md. What came over MQTT and mDNS is kept whole, with invented addresses and
names. Of what came over a line only what its reader understood and needs is kept (`redacted`): frames hold serial
numbers in places that only their maker knows. What it did not understand cannot be recorded, nor what an operator's own
description was needed for.
"""

import asyncio
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from agent.config import Source
from agent.errors import LinkError
from agent.links.tap import Exchange, Tap, tapped
from agent.readers import LineReader, Reader, ReadFailure, Reading
from agent.redaction import Redactor
from agent.transcript import written

_PRIVATE = ("username", "password_file", "ca_file", "tls", "host")
_PLACE = ("port", "host", "tcp_port", "echo")  # where a line was, and how it was got at
_PORT = "/dev/ttyUSB0"
_INVENTED = "addresses, names and settings are invented"
_LEFT_OUT = "what the reading does not need was left out, the serial number too"


class Recorded(msgspec.Struct, frozen=True):
    """What became of one source.

    Attributes:
        source: Its place in the configuration.
        reader: The reader's name.
        folder: Where it is; None where nothing came that can be recorded.
    """

    source: str
    reader: str
    folder: Path | None


async def record(sources: Sequence[Source], folder: Path, now: int) -> list[Recorded]:
    """Read each source once, one after the other, and write what came.

    Args:
        sources: What to read.
        folder: Where the folders go, `<reader>_<number>`.
        now: Unix seconds.

    Raises:
        OSError: It cannot be written, or is there already.
    """
    done = []
    for number, source in enumerate(sources, 1):
        with tapped() as tap:
            found = await _read(source)
        target = folder / f"{source.name}_{number}"
        if tap.exchanges and not isinstance(found, LinkError):
            is_kept = await asyncio.to_thread(_write_line, target, source, tap.exchanges, found, now)
        elif is_kept := tap != Tap():
            await asyncio.to_thread(_write, target, source, tap, found, now)
        done.append(Recorded(source.path, source.name, target if is_kept else None))
    return done


async def _read(source: Source) -> Sequence[Reading | ReadFailure] | LinkError:
    try:
        async with asyncio.timeout(source.reader.LIMIT_S):
            return await source.reader.read(source.settings)
    except LinkError as error:
        return error


def _write_line(
    folder: Path,
    source: Source,
    exchanges: Sequence[Exchange],
    found: Sequence[Reading | ReadFailure],
    now: int,
) -> bool:
    """Write what was said on a line; whether it could be told apart from what tells the house."""
    stated = msgspec.to_builtins(source.settings)
    settings = {key: value for key, value in stated.items() if key not in _PLACE}
    if any(isinstance(value, str) and value.startswith("/") for value in settings.values()):
        return False
    try:
        kept = [Exchange(said.asked, _redacted(source.reader, source.settings, said)) for said in exchanges]
    except LinkError:
        return False
    line = getattr(source.settings, "name", None) or stated["port"]
    folder.mkdir(parents=True)
    entry = {"reader": source.name, "port": _PORT, **settings}
    (folder / "device.toml").write_text(
        toml({"provenance": _provenance(now, _LEFT_OUT)}) + "\n[[read]]\n" + toml(entry)
    )
    (folder / "transcript.txt").write_text(written(kept))
    readings = [item for item in found if isinstance(item, Reading)]
    _write_outcomes(folder, [_elsewhere(item, line) for item in found], Redactor(_kept(readings)))
    return True


def _redacted(reader: Reader, settings: object, said: Exchange) -> bytes:
    return cast("LineReader", reader).redacted(settings, said.asked, said.heard) if said.heard else b""


def _elsewhere(outcome: Reading | ReadFailure, line: str) -> Reading | ReadFailure:
    """What is read where the transcript is played."""
    identity = outcome.identity.replace(line, "{port}")
    if isinstance(outcome, Reading):
        return msgspec.structs.replace(outcome, identity=identity, hardware=None)
    return msgspec.structs.replace(outcome, identity=identity)


def _write(
    folder: Path, source: Source, tap: Tap, found: Sequence[Reading | ReadFailure] | LinkError, now: int
) -> None:
    readings = [item for item in found if isinstance(item, Reading)] if not isinstance(found, LinkError) else []
    redactor = Redactor(_kept(readings))
    for topic, payload in (*tap.messages.items(), *tap.answers):
        redactor.learn_topic(topic)
        redactor.learn(_text(payload))
    for _, name, txt in tap.services:
        redactor.learn_name(name)
        redactor.learn(json.dumps(txt))
    folder.mkdir(parents=True)
    (folder / "device.toml").write_text(_device(source, tap, redactor, now))
    for topic, payload in tap.messages.items():
        file = folder / "topics" / f"{redactor.text(topic)}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(redactor.payload(_text(payload)))
    _write_outcomes(folder, found, redactor)


def _kept(readings: Sequence[Reading]) -> set[str]:
    """The texts of readings that are no secret, and may look like one."""
    kept = {text for reading in readings for text in (reading.version_raw, reading.version_alt) if text}
    return kept | {part for reading in readings for model in reading.ids for part in model.partition(":")[2].split("/")}


def _provenance(now: int, redacted: str) -> str:
    day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    return f"Recorded on {day} by updateplicht-agent read --record; {redacted}."


def _device(source: Source, tap: Tap, redactor: Redactor, now: int) -> str:
    chosen = {key: value for key, value in msgspec.to_builtins(source.settings).items() if key not in _PRIVATE}
    settings = json.loads(redactor.payload(json.dumps(chosen)))
    host = {"host": "127.0.0.1"} if hasattr(source.settings, "host") else {}
    parts = [
        toml({"provenance": _provenance(now, _INVENTED)}),
        "\n[[read]]\n" + toml({"reader": source.name, **host, **settings}),
    ]
    asked = tap.requests[0] if tap.requests else ("", b"")
    for to, says in tap.answers:
        # Who answered which request is not on the wire; whoever asks the first is answered by all.
        answer = {"topic": redactor.text(asked[0]), "asked": _text(asked[1])}
        answer |= {"to": redactor.text(to), "says": redactor.payload(_text(says))}
        parts.append("\n[[answer]]\n" + toml(answer))
    for service_type, name, txt in tap.services:
        told = {"type": service_type, "name": redactor.text(name), "txt": json.loads(redactor.payload(json.dumps(txt)))}
        parts.append("\n[[service]]\n" + toml(told))
    return "".join(parts)


def _write_outcomes(folder: Path, found: Sequence[Reading | ReadFailure] | LinkError, redactor: Redactor) -> None:
    good = not isinstance(found, LinkError) and any(isinstance(item, Reading) for item in found)
    (folder / ("expected.toml" if good else "failure.toml")).write_text(_outcomes(found, redactor))


def _outcomes(found: Sequence[Reading | ReadFailure] | LinkError, redactor: Redactor) -> str:
    if isinstance(found, LinkError):
        return "[source]\n" + toml({"result": str(found.result), "reason": found.reason})
    parts = []
    for outcome in found:
        stated: dict[str, Any] = msgspec.to_builtins(outcome)
        stated |= {key: redactor.text(stated[key]) for key in ("identity", "name", "hardware") if stated.get(key)}
        stated.pop("detail", None)
        kind = "reading" if isinstance(outcome, Reading) else "failure"
        parts.append(f"[[{kind}]]\n{toml({key: value for key, value in stated.items() if value or key == 'identity'})}")
    return "\n".join(parts)


def toml(fields: dict[str, Any]) -> str:
    """The keys of a table; what is None is left out."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in fields.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, dict):
        stated = (f"{json.dumps(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {', '.join(stated)} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    # A string of JSON is one of TOML.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")
