"""NIBE heat pumps, which say on their RS-485 bus what they are.

Devices: heat pumps of the F and S series and SMO controllers whose accessory MODBUS 40 is switched on.
Wire: RS-485, 9600 baud, no parity. Passive: the pump sends its product frame by itself, among others; nothing is sent,
  not even the acknowledgement that the pump waits for. A frame is `5C address address command length data checksum`.
  Command 6D is the product. The checksum XORs all between 5C and itself; one of 5C is sent as C5. A 5C in the data is
  sent twice, and both count for length and checksum.
Version format: the second and third byte of a product frame as one number, such as 9443; the product's name follows.
Sources: frames as the programs nibegw (openHAB) and nibe (Home Assistant) take them; recorded frames.
Access needed: the serial port (group `dialout`), held alone while it is read; so it is no port on which another program
  answers the pump.
Not tested on: real hardware; tested on recorded frames over a pty. Whether every model sends its product unasked.
"""

from collections.abc import Sequence
from functools import reduce
from operator import xor

from agent.errors import LinkError
from agent.links import serial
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "vendor_serial"
_START, _PRODUCT, _HEADER_BYTES = 0x5C, 0x6D, 5
_START_AS_CHECKSUM, _MODBUS_40 = 0xC5, 0x20


class Settings(serial.Port, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The line of one heat pump."""

    baud: serial.Baud = 9600
    timeout_s: serial.Seconds = 45.0


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Listen for the product frame."""
    identity = f"link:{settings.port}/nibe"
    frames = Frames()
    try:
        async with serial.Client(settings) as port:
            if not await port.listen(frames.feed):
                raise frames.fault()
        return [parse_product(identity, frames.product)]
    except LinkError as error:
        return [ReadFailure.of(identity, error)]


def parse_product(identity: str, data: bytes) -> Reading:
    """What the data of a product frame says.

    Raises:
        LinkError: It is too short, or names no product.
    """
    try:
        model = data[3:].rstrip(b"\0 ").decode("ascii")
    except UnicodeDecodeError:
        model = ""
    if not model.isprintable() or not model.strip():
        raise LinkError(Result.PARSE_FAILED, "garbled", f"a product frame that names no product: {data.hex(' ')}")
    return Reading(
        identity=identity,
        name=f"NIBE {model.strip()}",
        ids=values.model_ids("nibe", (model,)),
        version_raw=str(int.from_bytes(data[1:3], "big")),
    )


def redacted(_: Settings, __: bytes, heard: bytes) -> bytes:
    """The product frame alone.

    Raises:
        LinkError: There is none.
    """
    frames = Frames()
    if not frames.feed(heard):
        raise frames.fault()
    data = frames.product.replace(b"\x5c", b"\x5c\x5c")
    summed = bytes([_MODBUS_40, _PRODUCT, len(data)]) + data
    checksum = reduce(xor, summed)
    return bytes([_START, 0]) + summed + bytes([_START_AS_CHECKSUM if checksum == _START else checksum])


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded frames in hex, for `parse`; a pump is named by its model. None for frames of other commands."""
    frames = Frames()
    if not frames.feed(recording.from_hex(data)):
        if frames.others:
            return None
        raise frames.fault()
    reading = parse_product("", frames.product)
    return [(reading.ids[0].partition(":")[2] if reading.ids else "self", reading)]


class Frames:
    """Finds the product frame in what a pump sends, wherever it begins.

    Attributes:
        product: Its data.
        others: Frames of other commands that came before.
    """

    def __init__(self) -> None:
        self.product = b""
        self.others = 0
        self._seen = b""
        self._damaged = False

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the product frame is complete."""
        self._seen += data
        unfinished = len(self._seen)
        place = self._seen.find(_START)
        while place >= 0 and not self.product:
            size = _size(self._seen[place:])
            # What only looks like a beginning must not hide a frame behind it.
            step = 1
            if not size:
                unfinished = min(unfinished, place)
            elif self._take(self._seen[place : place + size]):
                step = size
            place = self._seen.find(_START, place + step)
        self._seen = self._seen[unfinished:]
        return bool(self.product)

    def fault(self) -> LinkError:
        """Why there is no product frame."""
        if self._damaged:
            return LinkError(Result.PARSE_FAILED, "crc", "the checksum of the product frame does not fit")
        return serial.misread("product frame", self._seen, begun=bool(self._seen))

    def _take(self, frame: bytes) -> bool:
        checksum = reduce(xor, frame[2:-1])
        is_product = frame[3] == _PRODUCT
        if frame[-1] not in ({_START, _START_AS_CHECKSUM} if checksum == _START else {checksum}):
            self._damaged |= is_product
            return False
        if is_product:
            self.product = frame[_HEADER_BYTES:-1].replace(b"\x5c\x5c", b"\x5c")
        else:
            self.others += 1
        return True


def _size(data: bytes) -> int:
    """How long the frame at the beginning of this is; 0 while it is not complete."""
    size = _HEADER_BYTES + data[_HEADER_BYTES - 1] + 1 if len(data) >= _HEADER_BYTES else len(data) + 1
    return size if size <= len(data) else 0
