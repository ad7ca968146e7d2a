"""The web server as a task among others: it leaves the signals to whoever runs it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from litestar import Litestar


class Server(uvicorn.Server):
    """Serves an application on one listening socket.

    Attributes:
        ready: Set once requests are answered.
    """

    def __init__(self, app: Litestar, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, ws="none", server_header=False, timeout_graceful_shutdown=2
        )
        super().__init__(config)
        self.ready = asyncio.Event()
        self._listening = listening

    @property
    def address(self) -> str:
        """Host and port, as they stand in a URL."""
        host, port = self._listening.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def run_until_stopped(self) -> None:
        """Serve until `should_exit` is set."""
        await self.serve(sockets=[self._listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when requests are answered."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
