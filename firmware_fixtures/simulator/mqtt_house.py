"""Fills a broker with what the bridges of a house retain there."""

from collections.abc import Mapping

from aiomqtt import Client


async def publish(host: str, port: int, messages: Mapping[str, bytes]) -> None:
    """Publish messages by topic, each acknowledged and retained."""
    async with Client(host, port) as client:
        for topic, payload in messages.items():
            await client.publish(topic, payload, qos=1, retain=True)
