"""Modbus over a serial line (RTU) or TCP: one read request at a time, sent once, never repeated.

Rules
- Nothing is written to a device but the request that the reader asked for. A device that is silent stays silent until
  the next round: retries are the survey's business.
- The port is opened with an exclusive lock (flock by pyserial). A port that another program holds is `busy`, an outcome
  of its own; locks are advisory, so a program that asks for none can still take our bytes.
- Waiting is bounded by `timeout_s` for each request.

Reasons: `busy`, `no_such_port`, `no_permission`, `not_a_port`, `closed` (unplugged, or hung up), `timeout` (not one
byte), `truncated`, `crc`, `garbled`; over TCP also `connection_refused`, `no_such_host`, `no_route`; and `exception_N`
for a device that answers with Modbus exception N.

Sources: MODBUS Application Protocol 1.1b3, sections 6.3, 6.4, 6.21; MODBUS over Serial Line 1.02, section 2.5; MODBUS
Messaging on TCP/IP 1.0b.

Decision: pymodbus and the pyserial under it, though pyserial had no release since 2020: pymodbus is the one library
that walks the objects of a reply to find its end, works with asyncio, and runs on Python 3.11.
"""

import asyncio
import errno
import socket
import termios
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Annotated, Literal, Self, TypeVar

import msgspec
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.constants import MoreData
from pymodbus.exceptions import ModbusException
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from agent.errors import LinkError
from agent.links import tap
from agent.links.serial import OPEN_REASONS
from evidence.report import Result

Answer = TypeVar("Answer", bound=ModbusPDU)

CONNECT_TIMEOUT_S = 5.0
PAUSE_S = 0.05  # before each request; RS-485 adapters need time to turn the line around
MAX_BUFFER_BYTES = 4096  # pymodbus drops what is longer unseen, and a flood would look like silence
MAX_FRAME_BYTES = 256  # MODBUS over Serial Line 1.02, section 2.5.1
BASIC_OBJECTS = (0, 1, 2)  # VendorName, ProductCode, MajorMinorRevision: the mandatory ones

_OPEN_REASONS = {
    **OPEN_REASONS,
    errno.ECONNREFUSED: "connection_refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
}


class Bus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a bus is reached: exactly one of `port` and `host`.

    Attributes:
        port: Path of the serial port; best one under /dev/serial/by-id, which stays when others are plugged in.
        baud: Bits per second.
        parity: None, even or odd. The standard says even; what is sold for homes is set to none.
        stop_bits: One or two.
        echo: Whether the adapter sends our own bytes back.
        host: Name or address of a Modbus TCP device or gateway.
        tcp_port: Its TCP port.
        timeout_s: How long to wait for each answer.
    """

    port: Annotated[str, msgspec.Meta(pattern="^/")] | None = None
    baud: Annotated[int, msgspec.Meta(ge=300, le=4_000_000)] = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    echo: bool = False
    host: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    tcp_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0

    def __post_init__(self) -> None:
        if (self.port is None) == (self.host is None):
            raise ValueError("give either `port` (a serial line) or `host` (Modbus TCP)")

    @property
    def name(self) -> str:
        """What tells this bus from others."""
        return self.port or f"{self.host}:{self.tcp_port}"


class Client:
    """An open bus, as an async context manager."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._sent = self._seen = b""
        self._client: AsyncModbusSerialClient | AsyncModbusTcpClient

    async def __aenter__(self) -> Self:
        """Open the bus.

        Raises:
            LinkError: It cannot be opened; the reason says why.
        """
        self._client = self._make()
        context = self._client.ctx
        context.max_buffer_size = MAX_BUFFER_BYTES
        context.framer.decoder = _Decoder(is_server=False)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                # The client's own connect() logs why it failed and returns False; the reason is what we are after.
                context.transport, _ = await context.call_create()
        except (OSError, ValueError, termios.error) as error:
            raise _open_error(self._bus, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._client.close()
        await asyncio.sleep(0)  # lets a TCP transport run its last callback

    async def identification(self, unit: int) -> dict[int, bytes]:
        """Read Device Identification (43/14), basic: the objects by number, as sent.

        Raises:
            LinkError: No answer, a refusal, or an answer that makes no sense.
        """
        objects: dict[int, bytes] = {}
        wanted = 0
        while True:
            reply = await self._ask(unit, wanted)
            objects = _objects(reply) | objects
            complete = set(BASIC_OBJECTS) <= objects.keys()
            if complete or reply.more_follows != MoreData.KEEP_READING or reply.next_object_id not in BASIC_OBJECTS:
                return objects
            if reply.next_object_id <= wanted:
                raise LinkError(Result.PARSE_FAILED, "garbled", "it says that more follows and starts over")
            wanted = reply.next_object_id

    async def registers(self, unit: int, function: Literal[3, 4], address: int, count: int) -> bytes:
        """Read holding registers (3) or input registers (4), two bytes for each.

        Raises:
            LinkError: No answer, a refusal, or an answer that makes no sense.
        """
        held = function == 3
        read = self._client.read_holding_registers if held else self._client.read_input_registers
        kind = ReadHoldingRegistersResponse if held else ReadInputRegistersResponse
        return _bytes(await self._exchange(unit, lambda: read(address, count=count, device_id=unit), kind), count)

    async def _ask(self, unit: int, object_id: int) -> ReadDeviceInformationResponse:
        ask = self._client.read_device_information
        kind = ReadDeviceInformationResponse
        return await self._exchange(unit, lambda: ask(read_code=1, object_id=object_id, device_id=unit), kind)

    async def _exchange(self, unit: int, ask: Callable[[], Awaitable[ModbusPDU]], kind: type[Answer]) -> Answer:
        await asyncio.sleep(PAUSE_S)
        self._seen = b""
        try:
            reply = await ask()
        except ModbusException as error:
            raise self._silence_or_noise(unit, kind) from error
        finally:
            tap.current().sent(self._as_rtu(self._sent))
            tap.current().heard(self._as_rtu(self._seen))
        return _checked(reply, kind)

    def _as_rtu(self, frame: bytes) -> bytes:
        """A frame as it goes over a serial line; over TCP it has a header of six bytes, and no checksum."""
        return frame if self._bus.port or not frame else framed(frame[6:])

    def _silence_or_noise(self, unit: int, kind: type[ModbusPDU]) -> LinkError:
        if not self._client.connected:
            return LinkError(Result.UNREACHABLE, "closed", f"{self._bus.name} went away: unplugged, or hung up")
        if not self._seen or _is_of_another(self._seen, unit):
            return LinkError(Result.UNREACHABLE, "timeout", f"unit {unit} said nothing in {self._bus.timeout_s} s")
        reason = _fault(self._seen, unit, kind) if self._bus.port else "garbled"
        return LinkError(Result.PARSE_FAILED, reason, f"unit {unit} answered {self._seen[:64].hex(' ')}")

    def _make(self) -> AsyncModbusSerialClient | AsyncModbusTcpClient:
        bus = self._bus
        if bus.port is None:
            return AsyncModbusTcpClient(
                str(bus.host),
                port=bus.tcp_port,
                timeout=bus.timeout_s,
                retries=0,
                reconnect_delay=0,
                trace_packet=self._watch,
            )
        return AsyncModbusSerialClient(
            bus.port,
            baudrate=bus.baud,
            parity=bus.parity[0].upper(),
            stopbits=bus.stop_bits,
            handle_local_echo=bus.echo,
            timeout=bus.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._watch,
        )

    def _watch(self, sending: bool, data: bytes) -> bytes:
        if sending:
            self._sent = data
        else:
            self._seen = data
        return data


class _Garbled(ModbusPDU):
    """Stands for a frame whose checksum fits and whose content does not."""


class _Decoder(DecodePDU):
    """pymodbus raises on such a frame inside the event loop, where nobody can catch it."""

    def decode(self, frame: bytes) -> ModbusPDU | None:
        return super().decode(frame) or _Garbled()


def parse_identification(frame: bytes) -> dict[int, bytes]:
    """The objects of one recorded RTU reply, checksum included.

    Raises:
        LinkError: As `Client.identification`.
    """
    return _objects(_parse(frame, ReadDeviceInformationResponse))


def parse_registers(frame: bytes, function: Literal[3, 4]) -> bytes:
    """The registers of one recorded RTU reply, checksum included.

    Raises:
        LinkError: As `Client.registers`.
    """
    reply = _parse(frame, ReadHoldingRegistersResponse if function == 3 else ReadInputRegistersResponse)
    return _bytes(reply, len(reply.registers))


def framed(content: bytes) -> bytes:
    """An RTU frame: unit, function and data with the checksum that fits."""
    return content + FramerRTU.compute_CRC(content).to_bytes(2, "big")


def is_of_another_function(frame: bytes) -> bool:
    """Whether this is a whole RTU reply, or refusal, to another request than Read Device Identification."""
    return _is_whole(frame) and frame[1] & 0x7F != ReadDeviceInformationResponse.function_code


def _parse(frame: bytes, kind: type[Answer]) -> Answer:
    if len(frame) > MAX_FRAME_BYTES:
        raise LinkError(Result.PARSE_FAILED, "garbled", f"{len(frame)} bytes, and a frame has {MAX_FRAME_BYTES}")
    _, reply = FramerRTU(_Decoder(is_server=False)).handleFrame(frame, 0, 0)
    if reply is None:
        reason = _fault(frame, frame[0], kind) if frame else "truncated"
        raise LinkError(Result.PARSE_FAILED, reason, f"no whole reply: {frame[:64].hex(' ')}")
    return _checked(reply, kind)


def _checked(reply: ModbusPDU, kind: type[Answer]) -> Answer:
    if isinstance(reply, ExceptionResponse):
        code = reply.exception_code
        raise LinkError(Result.REFUSED, f"exception_{code}", f"the device answered with Modbus exception {code}")
    if not isinstance(reply, kind) or reply.function_code != kind.function_code:
        raise LinkError(Result.PARSE_FAILED, "garbled", "the device answered something else than was asked")
    return reply


def _bytes(reply: ModbusPDU, count: int) -> bytes:
    if len(reply.registers) != count:
        found = len(reply.registers)
        raise LinkError(
            Result.PARSE_FAILED, "garbled", f"the device answered {found} registers where {count} were asked"
        )
    return b"".join(register.to_bytes(2, "big") for register in reply.registers)


def _objects(reply: ReadDeviceInformationResponse) -> dict[int, bytes]:
    # An object that is sent twice comes as a list.
    return {number: value[0] if isinstance(value, list) else value for number, value in reply.information.items()}


def _is_of_another(seen: bytes, unit: int) -> bool:
    """Whether this is a whole frame of another unit, whose answer came after we had stopped waiting for it."""
    return _is_whole(seen) and seen[0] != unit


def _is_whole(frame: bytes) -> bool:
    return len(frame) > 4 and FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


def _fault(seen: bytes, unit: int, kind: type[ModbusPDU]) -> str:
    """Which of `truncated`, `crc` and `garbled` fits bytes that were no valid answer."""
    answer, refusal = bytes([unit, kind.function_code]), bytes([unit, kind.function_code | 0x80])
    if kind is ReadDeviceInformationResponse:
        answer += b"\x0e"
    if seen.startswith(refusal):
        size = 5
    elif seen.startswith(answer):
        size = kind.calculateRtuFrameSize(seen)
    elif answer.startswith(seen):
        return "truncated"
    else:
        return "garbled"
    return "truncated" if len(seen) < (size or len(seen) + 1) else "crc"


def _open_error(bus: Bus, error: Exception) -> LinkError:
    if isinstance(error, TimeoutError):
        reason = "timeout"
    elif isinstance(error, (socket.gaierror, UnicodeError)):
        reason = "no_such_host"
    else:
        number = error.errno if isinstance(error, OSError) else None
        reason = _OPEN_REASONS.get(number or 0, "not_a_port" if bus.port else "no_route")
    return LinkError(Result.UNREACHABLE, reason, f"{bus.name}: {error}")
