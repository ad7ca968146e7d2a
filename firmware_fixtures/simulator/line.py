"""A serial line: a pty in raw mode under a path that stays the same from run to run.

A pty has no modem lines and takes any baud rate, so a wrong one goes unnoticed here. Bytes that nobody fetches are lost
once its buffer is full, as on a wire. It runs in packet mode (ioctl_tty(2), TIOCPKT), in which it tells when a program
flushes its input, as programs do that open a port.
"""

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
import tty
from pathlib import Path


class LineError(Exception):
    """The path is not free for the line."""


class Line:
    """The device's end of a serial line; the program opens `path` as any serial port.

    Args:
        link: Where a symbolic link to the port shall be; without one the path is what the kernel chose.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._master, self._slave = os.openpty()
        # The program's end stays open here too, so that the line outlives each program that opens it.
        for end in (self._master, self._slave):
            tty.setraw(end)
        self._unset = termios.tcgetattr(self._slave)
        self._unset[tty.ISPEED] = self._unset[tty.OSPEED] = termios.B50
        fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        os.set_blocking(self._master, False)
        self._opened = asyncio.Event()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._link = link
        self.written = bytearray()  # all that programs have sent
        self.path = Path(os.ttyname(self._slave))
        if link is not None:
            self._place(link)
        asyncio.get_running_loop().add_reader(self._master, self._take)

    async def receive(self) -> bytes:
        """The next bytes that the program sends."""
        return await self._chunks.get()

    async def opened(self) -> None:
        """Wait until a program opens the port."""
        await self._opened.wait()
        self._opened.clear()

    def send(self, data: bytes) -> None:
        """Send bytes to the program; what is unplugged says nothing."""
        if self._master < 0:
            return
        with contextlib.suppress(BlockingIOError):
            while data:
                data = data[os.write(self._master, data) :]

    def unplug(self) -> None:
        """Pull the plug: whoever has the port open sees it hang up, and the path is gone."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        for end in (self._slave, self._master):
            os.close(end)
        self._master = -1

    def _take(self) -> None:
        packet = os.read(self._master, 4096)
        kind, data = packet[0], packet[1:]
        if kind != termios.TIOCPKT_DATA:
            if kind & termios.TIOCPKT_FLUSHREAD:
                self._forget_settings()
                self._opened.set()
            return
        self.written += data
        self._chunks.put_nowait(data)

    def _forget_settings(self) -> None:
        """Let the next program find a line that it has to set.

        A pty keeps no data bits and no parity. The C library says EINVAL to a program that asks for them and changes
        nothing else, as each does that opens a port which another has set the same.
        """
        termios.tcsetattr(self._slave, termios.TCSANOW, self._unset)

    def _place(self, link: Path) -> None:
        if link.exists() and not link.is_symlink():
            self.unplug()
            raise LineError(f"{link} is there already and is no link")
        link.parent.mkdir(parents=True, exist_ok=True)
        new = link.with_name(link.name + ".new")
        new.unlink(missing_ok=True)
        new.symlink_to(self.path)
        new.replace(link)
        self.path = link


async def join(one: Line, other: Line) -> None:
    """Carry what is sent on each of two lines to the other until cancelled."""
    async with asyncio.TaskGroup() as wires:
        wires.create_task(_carry(one, other), name="simulator.there")
        wires.create_task(_carry(other, one), name="simulator.back")


async def _carry(source: Line, target: Line) -> None:
    while True:
        target.send(await source.receive())
