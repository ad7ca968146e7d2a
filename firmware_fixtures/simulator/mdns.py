"""Tells services over multicast DNS, on loopback only: what is simulated stays on this machine."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from firmware_fixtures.fixture import Service

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def playing(services: Sequence[Service]) -> AsyncIterator[None]:
    """Devices that are there for the length of a block."""
    network = AsyncZeroconf(interfaces=[LOOPBACK])
    try:
        # Each is first asked for, lest two have one name, and then told: seconds, that pass for all together.
        told = await asyncio.gather(*(network.async_register_service(_info(service)) for service in services))
        await asyncio.gather(*told)
        yield
    finally:
        await network.async_unregister_all_services()
        await network.async_close()


def _info(service: Service) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        service.type,
        f"{service.name}.{service.type}",
        port=service.port,
        properties=service.txt,
        server=f"{service.name}.local.",
        parsed_addresses=[LOOPBACK],
    )
