"""Fills a broker with what the bridges of a house retain there, and answers as its devices do."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiomqtt import Client

from firmware_fixtures.fixture import Answer, Fixture


async def publish(host: str, port: int, messages: Mapping[str, bytes]) -> None:
    """Publish messages by topic, each acknowledged and retained."""
    async with Client(host, port) as client:
        for topic, payload in messages.items():
            await client.publish(topic, payload, qos=1, retain=True)


@asynccontextmanager
async def playing(host: str, port: int, fixture: Fixture) -> AsyncIterator[None]:
    """A house for the length of a block."""
    await publish(host, port, fixture.messages)
    async with Client(host, port) as client, asyncio.TaskGroup() as group:
        if fixture.answers:
            await client.subscribe([(topic, 1) for topic in sorted({answer.topic for answer in fixture.answers})])
        answering = group.create_task(_answer(client, fixture.answers), name="simulator.answers")
        try:
            yield
        finally:
            await _end(answering)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel until it has ended: aiomqtt waits with `asyncio.wait_for`, which may forget it before Python 3.12."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)


async def _answer(client: Client, answers: Sequence[Answer]) -> None:
    async for message in client.messages:
        asked = bytes(message.payload).decode(errors="replace")
        for answer in answers:
            if (answer.topic, answer.asked) == (message.topic.value, asked):
                await client.publish(answer.to, answer.says, qos=1)
