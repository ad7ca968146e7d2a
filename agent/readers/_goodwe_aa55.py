"""The device information of GoodWe's older inverters (ES, EM, BP families), in a frame of their own.

Wire: `AA 55`, from 7F to C0, `01 82`, a length, the data, and the sum of all bytes before as two bytes. The data begins
  with five characters of firmware and ten of the model; the serial number is left unread.
Sources: the program goodwe (marcelblijleven/goodwe, MIT), family ES.

No reader fetches it: the inverters answer it over UDP and on an RS-485 line where nothing else may speak.
"""

from agent.errors import LinkError
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

SAMPLES = "modbus_regs"
_INVERTER, _HEADER_BYTES = 0x7F, 7
_HEAD = bytes([0xAA, 0x55, _INVERTER, 0xC0])
_DEVICE_INFORMATION = b"\x01\x82"


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """A recorded frame in hex, for `parse`; a device is named by its address. None for answers to other requests."""
    frame = recording.from_hex(data)
    if not frame.startswith(_HEAD):
        raise LinkError(Result.PARSE_FAILED, "garbled", f"no frame of this kind: {frame[:8].hex(' ')}")
    size = _HEADER_BYTES + (frame[6] if len(frame) >= _HEADER_BYTES else 0)
    if len(frame) < size + 2:
        raise LinkError(Result.PARSE_FAILED, "truncated", f"{len(frame)} bytes of {size + 2}")
    if sum(frame[:size]) & 0xFFFF != int.from_bytes(frame[size : size + 2], "big"):
        raise LinkError(Result.PARSE_FAILED, "crc", "the sum at the end of the frame does not fit")
    if frame[4:6] != _DEVICE_INFORMATION:
        return None
    return [(str(_INVERTER), parse_information(frame[_HEADER_BYTES:size]))]


def parse_information(data: bytes) -> Reading:
    """What the data of the frame says.

    Raises:
        LinkError: It is no text.
    """
    firmware, model = (part.strip(b"\0\xff ").decode("latin-1") for part in (data[:5], data[5:15]))
    if not (firmware + model).isprintable():
        raise LinkError(Result.PARSE_FAILED, "garbled", f"device information that is no text: {data[:15].hex(' ')}")
    return Reading(identity="", ids=values.model_ids("goodwe", (model,)), version_raw=values.version(firmware))
