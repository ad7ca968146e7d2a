"""What a device folder holds. README.md beside this file says what each part means.

device.toml        provenance; [[read]], the agent's configuration as an operator would write it; [identification];
                   [[answer]], what is said over MQTT when it is asked for; [[service]], what is told over mDNS
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


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device behind a broker says when it is asked.

    Attributes:
        topic: Where it is asked.
        asked: The payload that asks.
        to: Where it answers.
        says: What.
    """

    topic: str
    asked: str
    to: str
    says: str


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device tells over mDNS.

    Attributes:
        type: Such as `_shelly._tcp.local.`.
        name: Of this instance.
        txt: Its TXT record.
        port: Where the service is; nobody goes there.
    """

    type: str
    name: str
    txt: dict[str, str] = {}
    port: int = 80


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What device.toml may hold."""

    provenance: str
    read: list[dict[str, Any]]
    identification: dict[str, str] = {}
    registers: dict[str, str] = {}
    answer: list[Answer] = []
    service: list[Service] = []


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or a house of devices.

    Attributes:
        folder: Where it stands.
        provenance: Where its data is from.
        read: Entries of the agent's configuration.
        identification: Objects of Modbus Read Device Identification, by their names in the standard.
        registers: Holding registers of a Modbus device, as bytes by the address of the first.
        transcript: Recorded frames.
        messages: Retained MQTT messages by topic.
        answers: What is said over MQTT when it is asked for.
        services: What is told over mDNS.
    """

    folder: Path
    provenance: str
    read: tuple[dict[str, Any], ...]
    identification: dict[str, str]
    registers: dict[int, bytes]
    transcript: tuple[Step, ...]
    messages: dict[str, bytes]
    answers: tuple[Answer, ...]
    services: tuple[Service, ...]

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
            registers={int(address): bytes.fromhex(held) for address, held in file.registers.items()},
            transcript=parse(transcript.read_text()) if transcript.exists() else (),
            messages=_messages(folder / "topics"),
            answers=tuple(file.answer),
            services=tuple(file.service),
        )
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise FixtureError(f"{folder}: {error}") from error


def _messages(topics: Path) -> dict[str, bytes]:
    files = sorted(path for path in topics.rglob("*") if path.is_file())
    return {path.relative_to(topics).with_suffix("").as_posix(): path.read_bytes() for path in files}
