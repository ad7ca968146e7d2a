"""Lays out what a run needs: configuration for this run's ports, and once, at the first run, keys and history.

STATE/agent.toml, STATE/agent/            the gateway
STATE/collector.toml, STATE/collector/    the register
STATE/issuers/                            keys and statements of the invented makers, shop and operator
STATE/neighbour/                          reports of a second house, before the first run
STATE/demo.json                           when the first run was, which ports were chosen, what is done
STATE/log/                                what each program says
"""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from evidence.keys import SEED_BYTES, SigningKey
from firmware_fixtures.demo.neighbour import PARTY, Neighbour
from firmware_fixtures.demo.story import Issuer, Seen, Story, told_of

LOOPBACK = "127.0.0.1"
LOOKS = 5  # how often the house is read until it shows everything that the story tells of


class StageError(Exception):
    """A step of the first run that failed; the message holds what the program said."""


class Progress(msgspec.Struct):
    """What was decided and done, kept between runs."""

    first_run: str
    house_port: int
    broker_port: int
    recorded: list[str] = []
    reported: list[str] = []  # files of the second house
    seen: dict[str, Seen] = {}  # the devices of the household by each model id that they state
    enrolled: bool = False


class Stage:
    """The files under one state directory.

    Args:
        state: The directory; made where it is missing.
        page_port: Where the pages shall be.
        say: Tells people what happens.

    Raises:
        StageError: The directory cannot be used, or is in use.
    """

    def __init__(self, state: Path, page_port: int, say: Callable[[str], None]) -> None:
        self.state = state.absolute()
        self.lock = _locked(self.state)
        self.page = f"http://{LOOPBACK}:{page_port}"
        self.thermostat = self.state / "thermostat"
        self.agent_config = self.state / "agent.toml"
        self.collector_config = self.state / "collector.toml"
        self._page_port = page_port
        self._say = say
        for folder in ("log", "issuers"):
            (self.state / folder).mkdir(exist_ok=True, mode=0o700)
        self.progress = self._load()
        self.is_first = not self.progress.enrolled
        self._write_configs(())

    def __enter__(self) -> Self:
        """For as long as it is used, nobody else uses its state directory."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the state directory."""
        os.close(self.lock)

    @property
    def house_port(self) -> int:
        """The port of the house's own broker."""
        return self.progress.house_port

    async def tell_history(self) -> None:
        """Enrol who makes promises and record, day by day, what they said before the first run."""
        if not self.progress.seen:
            await self._look_around()
        await self._tell(until=-1)

    async def tell_today(self) -> None:
        """Record what can be said only of devices whose gateway has enrolled: only then they have an id."""
        if any(seen.device is None for seen in self.progress.seen.values()):
            await self._look_around()
        await self._tell(until=0)

    async def _look_around(self) -> None:
        # A house that has just started may not have said everything yet.
        missing: set[str] = set()
        for _ in range(LOOKS):
            told = json.loads(await self.program("agent", "--config", str(self.agent_config), "read", "--json"))
            self.progress.seen = {
                model_id: Seen(identity=device["identity"], device=device["device"])
                for device in told["devices"]
                for model_id in device["ids"]
            }
            missing = told_of() - set(self.progress.seen)
            if not missing:
                self._save()
                return
        raise StageError(f"the house does not show {', '.join(sorted(missing))}; see {self.state}/log")

    async def _tell(self, *, until: int) -> None:
        story = Story(datetime.fromisoformat(self.progress.first_run), self.progress.seen)
        self._write_configs(story.sales())
        neighbour = story.neighbour(self._key(PARTY))
        if not self.progress.recorded:
            await self._collector("gateways", "enrol", neighbour.gateway, self._key(PARTY).public.data.hex())
        keys = {issuer.party: await self._issuer(issuer) for issuer in story.issuers} | {PARTY: self._key(PARTY)}
        for episode in story.episodes(keys, until=until):
            if episode.recorded_at in self.progress.recorded:
                continue
            await self._report(neighbour, until=episode.day)
            self._say(f"  {episode.recorded_at[:10]}  {', '.join(name[4:-5] for name in episode.files)}")
            folder = self.state / "issuers" / episode.recorded_at[:10]
            folder.mkdir(exist_ok=True)
            for name, data in episode.files.items():
                (folder / name).write_bytes(data)
            clock = ("--recorded-at", episode.recorded_at) if episode.day < 0 else ()
            await self._collector("statements", "submit", *clock, str(folder))
            self.progress.recorded.append(episode.recorded_at)
            self._save()
        await self._report(neighbour, until=until)

    async def _report(self, neighbour: Neighbour, *, until: int) -> None:
        folder = self.state / "neighbour"
        folder.mkdir(exist_ok=True)
        files = {folder / f"{day:+04}.cbor": data for day, data in neighbour.reports() if day <= until}
        new = [file for file in files if file.name not in self.progress.reported]
        for file in new:
            file.write_bytes(files[file])
        if new:
            await self._collector("reports", "submit", "--as-issued", *map(str, new))
        self.progress.reported += [file.name for file in new]
        self._save()

    async def enrol(self) -> None:
        """Let the gateway enrol itself at the running collector, with a code as an operator would hand it over."""
        if self.progress.enrolled:
            return
        code = (await self._collector("gateways", "code")).strip().splitlines()[-1].strip()
        await self.program("agent", "--config", str(self.agent_config), "enrol", "--yes", code)
        self.progress.enrolled = True
        self._save()

    async def program(self, name: str, *arguments: str) -> str:
        """Run one command of the agent or the collector to its end; what it printed.

        Raises:
            StageError: It did not succeed.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            name,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise StageError(f"{name} {' '.join(arguments)} ended with {process.returncode}: {(err or out).decode()}")
        return out.decode()

    async def _collector(self, *arguments: str) -> str:
        return await self.program("collector", "--config", str(self.collector_config), *arguments)

    async def _issuer(self, issuer: Issuer) -> SigningKey:
        key = self._key(issuer.party)
        if not self.progress.recorded:
            number = ("--register-number", issuer.register_number) if issuer.register_number else ()
            await self._collector("issuers", "enrol", issuer.party, key.public.data.hex(), *number)
        return key

    def _key(self, party: str) -> SigningKey:
        file = self.state / "issuers" / (party.replace(":", "-") + ".key")
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(secrets.token_bytes(SEED_BYTES))
        return SigningKey(file.read_bytes())

    def _write_configs(self, sales: tuple[dict[str, Any], ...]) -> None:
        progress = self.progress
        self.collector_config.write_text(
            f"""\
state_dir = "{self.state}/collector"
simulated = true  # the history of the demo was recorded under a clock that was set by hand
[broker]
embedded = true
port = {progress.broker_port}
[web]
port = {self._page_port}
"""
        )
        house = f'host = "{LOOPBACK}"\nport = {progress.house_port}\n'
        told = "".join(
            "[[sales]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in sale.items()) for sale in sales
        )
        self.agent_config.write_text(
            f"""\
state_dir = "{self.state}/agent"
[survey]
interval_s = 15  # an hour in a real house
report_every_s = 30  # a day in a real house
[[read]]
reader = "gateway"
[[read]]
reader = "modbus_device_id"
port = "{self.thermostat}"
units = [1]
[[read]]
reader = "zigbee2mqtt"
{house}[[read]]
reader = "home_assistant"
{house}{told}"""
        )

    def _load(self) -> Progress:
        file = self.state / "demo.json"
        if file.exists():
            try:
                progress = msgspec.json.decode(file.read_bytes(), type=Progress)
            except msgspec.MsgspecError as error:
                raise StageError(f"{file} is damaged ({error}); begin anew in another directory: STATE=…") from error
        else:
            now = datetime.now(UTC).replace(microsecond=0)
            progress = Progress(first_run=now.isoformat(), house_port=free_port(), broker_port=free_port())
        # The gateway was told the broker's port when it enrolled, so it is only left where another program took it.
        progress.house_port = free_port(progress.house_port)
        self.progress = progress
        self._save()
        return progress

    def _save(self) -> None:
        file = self.state / "demo.json"
        new = file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self.progress))
        new.replace(file)


def _locked(state: Path) -> int:
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StageError(f"{state} cannot be used ({error.strerror}); choose another: make run STATE=…") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StageError(
            f"{state} is in use by another run, or by programs that a killed run left behind; end those, or choose "
            "another directory: make run STATE=…"
        ) from error
    return lock


def free_port(wanted: int = 0) -> int:
    """A loopback port that is free now: the wanted one, where it is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            # As servers do: connections of the last run that are still being closed do not make a port taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StageError("this machine has no free port")
