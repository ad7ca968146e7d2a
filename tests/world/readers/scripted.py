"""A simulated reader behind the product's own contract: a JSON file says what it finds, and a test rewrites the file.

`{"outcomes": [{"type": "Reading" | "ReadFailure", …}], "link_error": …, "exception": …, "delay_s": …}`
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent.errors import LinkError
from agent.readers import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 30.0  # a busy machine is no device that hangs


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the script lies; `port` stands for a serial port that several entries share."""

    script: str
    port: str | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the reader does next."""

    readings: tuple[Reading, ...] = ()
    failures: tuple[ReadFailure, ...] = ()
    link_error: str | None = None
    exception: str | None = None
    delay_s: float = 0


def write(path: Path, script: Script) -> None:
    """Say what the reader finds from now on."""
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(script))
    unfinished.rename(path)


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Do what the script says."""
    script = _load(settings.script)
    await asyncio.sleep(script.delay_s)
    if script.link_error is not None:
        raise LinkError(Result.UNREACHABLE, script.link_error, "as the script says")
    if script.exception is not None:
        raise ValueError(script.exception)
    return [*script.readings, *script.failures]


def _load(file: str) -> Script:
    return msgspec.json.decode(Path(file).read_bytes(), type=Script)
