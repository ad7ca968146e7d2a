"""A serial line: bytes in and out of a port that nobody else has open.

Rules
- The port is opened with an exclusive lock (flock by pyserial). A port that another program holds is `busy`, an outcome
  of its own; locks are advisory, so a program that asks for none can still take our bytes.
- Nothing is written but what the reader gives to `write`, once.
- Listening is bounded in time, and what has come is handed over chunk by chunk and not kept. A device that never stops
  talking costs one chunk of memory and leaves the event loop its turn.
- Opening the port raises DTR and RTS, as every terminal program does: P1 adapters need that to ask for data, and some
  development boards restart.

Reasons: `busy`, `no_such_port`, `no_permission`, `not_a_port`, `closed` (unplugged, or hung up), `blocked` (the line
takes no bytes), `timeout` (not one byte); `truncated` and `garbled` for what makes no sense.

Decision: pyserial for what differs between ports (locks, speeds, modem lines), `loop.add_reader` on its file descriptor
for waiting. Alternatives: pyserial-asyncio-fast, which does the same behind a transport and a protocol of which nothing
is needed here, and is developed no further; serialx, a good library, but one more beside the pyserial that pymodbus
needs in any case.
"""

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Annotated, Literal, Self

import msgspec
import serial  # type: ignore[import-untyped]  # pyserial ships no types

from agent.errors import LinkError
from agent.links import tap
from evidence.report import Result

CHUNK_BYTES = 4096
MAX_LINE_BYTES = 1024  # the longest lines are texts that a utility sends to a meter, in hex

OPEN_REASONS = {
    errno.EAGAIN: "busy",
    errno.EBUSY: "busy",
    errno.ENOENT: "no_such_port",
    errno.ENODEV: "no_such_port",
    errno.ENXIO: "no_such_port",
    errno.EACCES: "no_permission",
    errno.EPERM: "no_permission",
    errno.EIO: "closed",
}
"""Why a port does not open."""

Baud = Annotated[int, msgspec.Meta(ge=300, le=4_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=50)]


class Port(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a serial line is set.

    Attributes:
        port: Path of the serial port; best one under /dev/serial/by-id, which stays when others are plugged in.
        baud: Bits per second.
        data_bits: Seven or eight.
        parity: None, even or odd.
        stop_bits: One or two.
        timeout_s: How long to wait for what the reader wants.
    """

    port: Annotated[str, msgspec.Meta(pattern="^/")]
    baud: Baud = 115200
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    timeout_s: Seconds = 3.0


class Client:
    """An open port, as an async context manager."""

    def __init__(self, settings: Port) -> None:
        self._settings = settings
        self._serial: serial.Serial
        self._descriptor = -1

    async def __aenter__(self) -> Self:
        """Open the port; what had come before is dropped.

        Raises:
            LinkError: It cannot be opened; the reason says why.
        """
        chosen = self._settings
        try:
            self._serial = serial.Serial(
                chosen.port,
                baudrate=chosen.baud,
                bytesize=chosen.data_bits,
                parity=chosen.parity[0].upper(),
                stopbits=chosen.stop_bits,
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            number = error.errno if isinstance(error, OSError) else None
            raise self._failure(OPEN_REASONS.get(number or 0, "not_a_port"), str(error)) from error
        self._descriptor = self._serial.fileno()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with suppress(OSError, termios.error):
            self._serial.reset_output_buffer()  # the kernel would wait for a stuck line to take what is left
        with suppress(OSError):  # the port of an adapter that was pulled out
            self._serial.close()

    def write(self, data: bytes) -> None:
        """Send a request.

        Raises:
            LinkError: The port is gone, or takes nothing.
        """
        try:
            taken = os.write(self._descriptor, data)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            raise self._failure("closed", str(error)) from error
        # A request fits into the kernel's buffer, so a part of it means that the buffer is stuck.
        if taken < len(data):
            raise self._failure("blocked", "the line takes no bytes")
        tap.current().sent(data)

    async def listen(self, take: Callable[[bytes], bool], wait_s: float | None = None) -> bool:
        """Hand over what comes until `take` says that it has enough.

        Args:
            take: Called with each chunk.
            wait_s: How long to listen; the port's `timeout_s` unless said otherwise.

        Returns:
            Whether there was enough in time.

        Raises:
            LinkError: The port is gone, or nothing at all came.
        """
        wait_s = self._settings.timeout_s if wait_s is None else wait_s
        heard = False
        try:
            async with asyncio.timeout(wait_s):
                while not take(await self._receive()):
                    heard = True
        except TimeoutError:
            if heard:
                return False
            raise self._failure("timeout", f"nothing came in {wait_s} s") from None
        return True

    async def _receive(self) -> bytes:
        await self._readable()
        try:
            data = os.read(self._descriptor, CHUNK_BYTES)
        except OSError as error:
            raise self._failure("closed", str(error)) from error
        # Readiness without a byte is how a port shows that it hung up.
        if not data:
            raise self._failure("closed", "unplugged, or hung up")
        tap.current().heard(data)
        return data

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)

    def _failure(self, reason: str, detail: str) -> LinkError:
        return LinkError(Result.UNREACHABLE, reason, f"{self._settings.port}: {detail}")


class Lines:
    """Cuts what comes into lines, whatever ends them; a line that is too long is dropped."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends; empty ones are none."""
        first, *more = data.replace(b"\r", b"\n").split(b"\n")
        is_line = self._add(first)
        if not more:
            return []
        lines = [bytes(self._begun)] if is_line else []
        lines += [line for line in more[:-1] if 0 < len(line) <= MAX_LINE_BYTES]
        self._begun.clear()
        self._too_long = False
        self._add(more[-1])
        return lines

    @property
    def begun(self) -> bytes:
        """The line that has not ended yet."""
        return bytes(self._begun)

    @property
    def text_begun(self) -> bool:
        """Whether that is text, as far as it goes."""
        return self._begun.isascii() and self._begun.decode("ascii", "replace").isprintable() and bool(self._begun)

    def _add(self, part: bytes) -> bool:
        self._too_long = self._too_long or len(self._begun) + len(part) > MAX_LINE_BYTES
        if not self._too_long:
            self._begun += part
        return bool(self._begun) and not self._too_long


def misread(what: str, seen: bytes, *, begun: bool) -> LinkError:
    """The failure of a device that spoke and did not say what was waited for.

    Args:
        what: What was waited for.
        seen: The last that it said.
        begun: Whether that is the beginning of it.
    """
    reason = "truncated" if begun else "garbled"
    return LinkError(Result.PARSE_FAILED, reason, f"no {what}, but {seen[:64]!r}")
