"""The MQTT client of the agent's own sessions and of its links: aiomqtt's, but for how it waits.

Until it may write: aiomqtt 2.5 asks the event loop to watch a socket by its number and a turn later. Where the
connection ends within that turn, as when a broker dies under a message, the loop logs a traceback; and where the number
already is another connection's, that one's messages stay where they are. Here the turn comes first and then the
question whether the socket is still open.

For an answer: aiomqtt uses `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that comes in the same
turn as what it waits for. A service that was told to end just then would go on for ever.
"""

import asyncio
import math
from collections.abc import Awaitable
from typing import Any, TypeVar

import aiomqtt
from paho.mqtt import client as paho

T = TypeVar("T")


class Client(aiomqtt.Client):
    """Watches no socket that was closed, and ends when it is told to."""

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109  # theirs
        within_s = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(None if within_s == math.inf else within_s):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: Any) -> None:  # noqa: ARG002  # theirs
        # paho connects in a thread of its own, and a socket that is closed has no number any more.
        self._loop.call_soon_threadsafe(self._watch, client, sock)

    def _watch(self, client: paho.Client, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock, self._flush, client)

    def _flush(self, client: paho.Client) -> None:
        try:
            client.loop_write()
        except Exception as error:  # noqa: BLE001  # whatever it is, the connection is over, and whoever waits is told
            if not self._disconnected.done():
                self._disconnected.set_exception(error)
