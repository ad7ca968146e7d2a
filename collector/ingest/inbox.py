"""Where the session puts what arrives and the writer takes it, in order.

It needs no bound of its own: the broker sends no more than a window of messages that nobody has acknowledged.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec


class Arrival(msgspec.Struct, frozen=True):
    """A message as it came.

    Attributes:
        topic: Where to.
        payload: Its bytes.
        acknowledge: Tells the broker that it need not keep the message.
        held: It was kept from before its gateway was enrolled.
    """

    topic: str
    payload: bytes
    acknowledge: Callable[[], None]
    held: bool = False


class Inbox:
    """A queue of arrivals that is emptied by handfuls.

    Args:
        shards: First bytes of the gateways whose messages arrive: from one to before the other.
    """

    def __init__(self, shards: tuple[int, int] = (0, 256)) -> None:
        self.shards = shards
        self._arrivals: deque[Arrival] = deque()
        self._filled = asyncio.Event()

    def put(self, arrival: Arrival) -> None:
        """Add a message."""
        self._arrivals.append(arrival)
        self._filled.set()

    async def take(self, most: int, patience_s: float) -> list[Arrival]:
        """Whatever is there, at most so many; empty where nothing came for a while."""
        try:
            async with asyncio.timeout(patience_s):
                await self._filled.wait()
        except TimeoutError:
            return []
        taken = [self._arrivals.popleft() for _ in range(min(most, len(self._arrivals)))]
        if not self._arrivals:
            self._filled.clear()
        return taken
