"""What a fixture folder says that its reader makes of it: expected.toml or failure.toml.

[[reading]], [[failure]]    as `Reading` and `ReadFailure`, `{port}` standing for the serial port
[source]                    result and reason of the LinkError, where the reader cannot tell which devices there are
"""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from agent.errors import LinkError
from agent.readers import Reader, ReadFailure, Reading
from evidence.report import Result
from tests.shared import ROOT

DEVICES = ROOT / "firmware_fixtures" / "devices"


class Source(msgspec.Struct, frozen=True):
    """How a source failed as a whole."""

    result: Result
    reason: str


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outcomes of one call of a reader, details left out."""

    reading: tuple[Reading, ...] = ()
    failure: tuple[ReadFailure, ...] = ()
    source: Source | None = None

    @property
    def good(self) -> bool:
        """Whether there is anything that was read."""
        return bool(self.reading)


def expected(folder: Path, port: str = "") -> Expected:
    """What the folder says."""
    file = next(path for name in ("expected.toml", "failure.toml") if (path := folder / name).exists())
    told = tomllib.loads(file.read_text().replace("{port}", port))
    return _sorted(msgspec.convert(told, Expected))


async def outcome(reader: Reader, settings: dict[str, Any]) -> Expected:
    """What a reader makes of the devices that these settings lead to, within its time limit."""
    try:
        async with asyncio.timeout(reader.LIMIT_S):
            outcomes = await reader.read(msgspec.convert(settings, reader.Settings))
    except LinkError as error:
        return Expected(source=Source(error.result, error.reason))
    return outcomes_of(outcomes)


def outcomes_of(outcomes: Any) -> Expected:
    """Outcomes in a form that compares: sorted, without details."""
    return _sorted(
        Expected(
            tuple(item for item in outcomes if isinstance(item, Reading)),
            tuple(msgspec.structs.replace(item, detail="") for item in outcomes if isinstance(item, ReadFailure)),
        )
    )


def _sorted(found: Expected) -> Expected:
    return Expected(
        tuple(sorted(found.reading, key=lambda item: item.identity)),
        tuple(sorted(found.failure, key=lambda item: item.identity)),
        found.source,
    )
