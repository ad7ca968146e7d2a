"""What a device folder holds. README.md beside this file says what each part means.

device.toml        provenance; [[read]], the agent's configuration as an operator would write it; [identification]
transcript.txt     recorded frames of a serial device
topics/            retained messages of an MQTT house: topics/a/b/c.json is the payload of topic a/b/c
root/              files of a gateway, to be read under a root
expected.toml, failure.toml    what the reader makes of it; for tests
"""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from firmware_fixtures.simulator.transcript import Step, parse


class FixtureError(Exception):
    """A folder that holds no device, or one that cannot be played."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What device.toml may hold."""

    provenance: str
    read: list[dict[str, Any]]
    identification: dict[str, str] = {}


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or a house of devices.

    Attributes:
        folder: Where it stands.
        provenance: Where its data is from.
        read: Entries of the agent's configuration.
        identification: Objects of Modbus Read Device Identification, by their names in the standard.
        transcript: Recorded frames.
        messages: Retained MQTT messages by topic.
    """

    folder: Path
    provenance: str
    read: tuple[dict[str, Any], ...]
    identification: dict[str, str]
    transcript: tuple[Step, ...]
    messages: dict[str, bytes]

    @property
    def name(self) -> str:
        """How tests call it: its reader and its folder."""
        return f"{self.folder.parent.name}/{self.folder.name}"


def load(folder: Path) -> Fixture:
    """The fixture in a folder.

    Raises:
        FixtureError: There is none, or it is faulty; the message says where.
    """
    try:
        file = msgspec.convert(tomllib.loads((folder / "device.toml").read_text()), _File)
        transcript = folder / "transcript.txt"
        return Fixture(
            folder=folder,
            provenance=file.provenance,
            read=tuple(file.read),
            identification=file.identification,
            transcript=parse(transcript.read_text()) if transcript.exists() else (),
            messages=_messages(folder / "topics"),
        )
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise FixtureError(f"{folder}: {error}") from error


def _messages(topics: Path) -> dict[str, bytes]:
    files = sorted(path for path in topics.rglob("*") if path.is_file())
    return {path.relative_to(topics).with_suffix("").as_posix(): path.read_bytes() for path in files}
