"""One line of the ingest: a session for a share of the shards, and the writer behind it. A process has one.

The 256 shards are divided evenly and in order, so that every gateway is on one line and keeps its order.
"""

import asyncio
import functools
from collections.abc import Callable

import msgspec
from paho.mqtt.enums import MQTTProtocolVersion
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Config
from collector.ingest.access import access
from collector.ingest.health import Health
from collector.ingest.inbox import Inbox
from collector.ingest.session import TOPICS, Session
from collector.ingest.writer import Writer
from collector.transparency.log import Log

SHARDS = 256


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The shards of one line: part `number` of `parts`, counted from 0."""

    number: int = 0
    parts: int = 1

    def topics(self) -> tuple[str, ...]:
        """What to subscribe to."""
        if self.parts == 1:
            return TOPICS
        return tuple(topic.replace("+", f"{shard:02x}", 1) for topic in TOPICS for shard in range(*self.shards))

    @property
    def shards(self) -> tuple[int, int]:
        """From one to before the other."""
        return SHARDS * self.number // self.parts, SHARDS * (self.number + 1) // self.parts

    def session(self, log: str) -> str:
        """The name of its session; lines that are divided otherwise are others."""
        return f"updateplicht-{log}" if self.parts == 1 else f"updateplicht-{log}-{self.number}-{self.parts}"


class Line:
    """A session and its writer.

    Args:
        engine: The register.
        log: The transparency log.
        config: Limits, and where the broker is.
        broker_port: Where it is really, if it is the embedded one.
        share: Which shards.
        wake: Called after each commit that may have queued work for the judge.
        health: Where the state of broker and store is shown.
        clock: Unix seconds.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        log: Log,
        config: Config,
        *,
        broker_port: int,
        share: Share,
        wake: Callable[[], None],
        health: Health,
        clock: Callable[[], int],
    ) -> None:
        inbox = Inbox(share.shards)
        # amqtt knows the older version only; of another broker nobody knows before it was asked.
        version = MQTTProtocolVersion.MQTTv311 if config.broker.embedded else None
        self._session = Session(
            config.broker.host,
            broker_port,
            share.session(log.id),
            inbox,
            health,
            version,
            share.topics(),
            access=functools.partial(access, config.broker),
        )
        self._writer = Writer(
            engine,
            log,
            config.limits,
            inbox,
            publish=self._session.publish,
            wake=wake,
            health=health,
            clock=clock,
        )
        self.connected = self._session.connected

    async def run(self) -> None:
        """Receive and write until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._session.run(), name="session")
            group.create_task(self._writer.run(), name="writer")
