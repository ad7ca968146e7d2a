"""The household's own word: which devices it can speak of, and showing what it would sign before it is signed."""

import asyncio
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from agent import config, enrolment, keys, service, state, survey
from agent.config import Config
from agent.consent import EX_DECLINED, printable
from agent.errors import StatementError
from agent.keys import Identity
from agent.spool import Kind, Spool
from agent.stated import sign
from evidence.diagnostic import diagnose
from evidence.ids import device_id


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """A device of this house; `name` as its source calls it, where it answers."""

    device: str
    identity: str
    name: str | None

    def __str__(self) -> str:
        """As it is called in the house."""
        return printable(f"{self.name} ({self.identity})" if self.name else self.identity)


class Household:
    """The household at an enrolled gateway.

    Raises:
        AgentError: The configuration or the state directory is not as it should be, or the gateway is not enrolled.
    """

    def __init__(self, file: Path) -> None:
        self.config: Config = config.load(file)
        if enrolment.load(self.config.state_dir) is None:
            raise StatementError(
                "this gateway reports to no collector yet; `updateplicht-agent enrol` first, and wait for its receipt"
            )
        # Refuses a directory of another user's: what root puts into the spool, the service cannot read.
        self.identity: Identity = keys.load_or_create(self.config.state_dir)
        self.spool: Spool = service.open_spool(self.config)

    def find(self, text: str, now: int) -> Owned:
        """The device of an identity, else of a name as `read` shows it or the beginning of a device id.

        Raises:
            StatementError: None, or more than one.
        """
        owned = self._devices(now)
        by_identity = [one for one in owned if one.identity == text]
        found = by_identity or [
            one for one in owned if text and (text == one.name or one.device.startswith(text.lower()))
        ]
        if len(found) != 1:
            which = f"could be {' or '.join(map(str, found))}; give its identity" if found else "is no device here"
            raise StatementError(f"{printable(text)} {which}; `updateplicht-agent read` shows the devices")
        return found[0]

    def show(self, kind: str, fields: Mapping[str, Any], words: Sequence[str], now: int) -> bytes:
        """Show what a statement would mean, in words and byte by byte; the signed bytes, which are kept nowhere yet.

        Raises:
            EvidenceError: A field that no statement can hold.
        """
        data = sign(kind, fields, self.identity, now)
        print("\n".join(words), end="\n\n")
        print(f"Exactly these {len(data)} bytes would be signed with the key of this gateway and sent:\n")
        print(diagnose(data), end="\n\n")
        return data

    def put(self, data: bytes, now: int) -> int:
        """Let a statement go on its way; the exit code.

        Raises:
            SpoolError: There is no room.
        """
        self.spool.put(Kind.STATEMENT, data, now=now)
        print(f"Signed: statement {hashlib.sha256(data).hexdigest()}.")
        print("It waits in the spool; `updateplicht-agent run` delivers it, and `status` shows what was answered.")
        return os.EX_OK

    def _devices(self, now: int) -> list[Owned]:
        """What a round finds now, and what earlier rounds knew."""
        known = state.load(self.config.state_dir).known
        found = asyncio.run(survey.survey(self.config.sources, known, lambda: now))
        names: dict[str, str | None] = {name: None for identities in known.values() for name in identities}
        names |= {item.outcome.identity: item.outcome.name for item in found.devices}
        secret = self.identity.secret
        return [Owned(device=device_id(secret, each), identity=each, name=name) for each, name in names.items()]


def declined() -> int:
    """The household said no."""
    print("Nothing was signed and nothing was sent.")
    return EX_DECLINED
