r"""Smart meters with a P1 port, whose telegrams come by themselves.

Devices: electricity meters with the customer port P1 of DSMR and its relatives (Netherlands, Belgium, Luxembourg,
  Lithuania, Hungary), and others that speak IEC 62056-21 unasked. Gas and water meters behind them are no devices here.
Wire: serial, receive only; 115200 baud 8N1, a telegram each second or each ten; DSMR 2.2 has 9600 baud 7E1
  (`baud = 9600`, `data_bits = 7`, `parity = "even"`). A telegram runs from `/` to `!` and its CRC-16 in hex, which DSMR
  2.2 has not. A recording in which the line ends were changed is checked with the line ends that the meter sends.
Version format: ` Vn.n` at the end of the identification line, or 1-0:0.2.0, with 1-1:0.2.0 beside it, such as 02.21.
  Most meters state none: 0.2.8 and 96.1.4 are versions of the telegram's format, or signatures, and a value in brackets
  of its own is masked.
Sources: DSMR P1 Companion Standard 5.0.2; e-MUCS P1; IEC 62056-21 section 6.3.2 (identification); IEC 62056-61 (OBIS).
Access needed: the serial port (group `dialout`), held alone while it is read; a P1 cable whose data request line is
  high.
Not tested on: real hardware; tested on recorded telegrams over a pty.
"""

import re
from collections.abc import Sequence

from agent.errors import LinkError
from agent.links import serial
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "dsmr"
_NOISE = b"\0\r\x02\xff"  # what stands in front of a line when a port was just opened
MAX_TELEGRAM_BYTES = 16 * 1024  # the longest have 4 KiB
_IDENTIFICATION = re.compile(r"/([A-Za-z]{3}\S.*?)( V[0-9]+(?:\.[0-9]+)+\S*)?")
_FIELD = re.compile(r"([0-9]+-[0-9]+:[0-9.]+)(?:\*[0-9]+)?\(([^()]*)\).*")
_CODE = re.compile(r"[0-9]+-[0-9]+:[0-9.]+(?=[(*])")
_MASKED = re.compile(r"ER[0-9]{2}")  # an error, where a value should be
_CRC = re.compile(rb"!([0-9A-Fa-f]{0,4})[ \t]*")
_FIRMWARE, _SECOND_FIRMWARE, _SERIAL_NUMBER = "1-0:0.2.0", "1-1:0.2.0", "0-0:96.1.1"


class Settings(serial.Port, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The P1 port of one meter."""

    timeout_s: serial.Seconds = 25.0  # two telegrams of DSMR 4, of which the first was half over


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Listen for one whole telegram."""
    identity = f"link:{settings.port}/meter"
    telegrams = Telegrams()
    try:
        async with serial.Client(settings) as port:
            if not await port.listen(telegrams.feed):
                raise telegrams.fault()
    except LinkError as error:
        return [ReadFailure.of(identity, error)]
    return [parse_telegram(identity, telegrams.whole)]


def parse_telegram(identity: str, telegram: Sequence[bytes]) -> Reading:
    """What the lines of a telegram say, of which the first is an identification."""
    found = _identified(telegram[0])
    stated = {field[1]: field[2] for line in telegram[1:] if (field := _FIELD.fullmatch(_text(line)))}
    return Reading(
        identity=identity,
        name=values.text(found[1]),
        ids=values.model_ids("dsmr", (found[1],)),
        version_raw=values.version(found[2]) or _firmware(stated.get(_FIRMWARE, "")),
        version_alt=_firmware(stated.get(_SECOND_FIRMWARE, "")),
        hardware=values.text(stated.get(_SERIAL_NUMBER)),
    )


def redacted(_: Settings, __: bytes, heard: bytes) -> bytes:
    """A telegram that states the firmware, and of all else only that there is such a line.

    Raises:
        LinkError: There is none.
    """
    telegrams = Telegrams()
    if not telegrams.feed(heard):
        raise telegrams.fault()
    lines = [_text(telegrams.whole[0]), "", *filter(None, map(_emptied, map(_text, telegrams.whole[1:])))]
    body = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"!"
    return body + f"{_crc16(body):04X}\r\n".encode()


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    """A recording that holds a telegram, for `parse`; a meter is named by its identification line."""
    telegrams = Telegrams()
    if not telegrams.feed(data + b"\n"):
        raise telegrams.fault()
    return [(_text(telegrams.whole[0]).removeprefix("/"), parse_telegram("", telegrams.whole))]


class Telegrams:
    """Finds a whole telegram in what a meter sends, wherever it begins.

    Attributes:
        whole: Its lines.
    """

    def __init__(self) -> None:
        self.whole: list[bytes] = []
        self._lines: list[bytes] = []
        self._begun = b""
        self._size = 0
        self._damaged = False

    def feed(self, data: bytes) -> bool:
        """Take what came; whether a telegram is complete."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            if not self.whole:
                self._take(line + b"\n")
        if self._size + len(self._begun) > MAX_TELEGRAM_BYTES:
            self._drop()
            self._begun = b""
        return bool(self.whole)

    def fault(self) -> LinkError:
        """Why there is no telegram."""
        if self._damaged:
            return LinkError(Result.PARSE_FAILED, "crc", "the checksum of the telegram does not fit")
        begun = bool(self._lines) or self._begun.lstrip(_NOISE).startswith(b"/")
        return serial.misread("telegram", self._begun, begun=begun)

    def _take(self, line: bytes) -> None:
        if _is_identification(unframed := line.lstrip(_NOISE)):
            self._drop()
            line = unframed
        elif not self._lines:
            return
        if line.startswith(b"!"):
            if _checksum_fits(b"".join(self._lines), line):
                self.whole = self._lines
            else:
                self._damaged = True
            self._drop()
            return
        self._lines.append(line)
        self._size += len(line)

    def _drop(self) -> None:
        self._lines, self._size = [], 0


def _firmware(value: str) -> str | None:
    return None if _MASKED.fullmatch(value) else values.version(value)


def _emptied(line: str) -> str | None:
    """A line without its values, unless it states firmware; None for what is no line of a telegram."""
    found = _FIELD.fullmatch(line)
    if found and found[1] in (_FIRMWARE, _SECOND_FIRMWARE):
        return f"{found[1]}({found[2]})"
    code = _CODE.match(line)
    return f"{code[0]}()" if code else None


def _is_identification(line: bytes) -> bool:
    short = line.startswith(b"/") and len(line) <= serial.MAX_LINE_BYTES
    return short and _IDENTIFICATION.fullmatch(_text(line)) is not None


def _identified(line: bytes) -> re.Match[str]:
    found = _IDENTIFICATION.fullmatch(_text(line))
    if found is None:
        raise LinkError(Result.PARSE_FAILED, "garbled", f"no identification: {line[:64]!r}")
    return found


def _checksum_fits(telegram: bytes, last: bytes) -> bool:
    found = _CRC.fullmatch(last.rstrip(_NOISE + b" \t\n"))
    if found is None:
        return False
    stated = found[1]
    copies = (telegram + b"!", re.sub(rb"\r*\n", b"\r\n", telegram) + b"!")
    return not stated or int(stated, 16) in map(_crc16, copies)


def _crc16(data: bytes) -> int:
    """CRC-16/ARC."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _text(line: bytes) -> str:
    return line.decode("latin-1").strip()
