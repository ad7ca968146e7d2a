"""OpenTherm Gateway (OTGW), and the boiler and thermostat on both sides of it.

Devices: Schelte Bron's OpenTherm Gateway and its ESP32 sister, between any boiler and room thermostat with OpenTherm.
Wire: serial, 9600 baud 8N1. One command is sent, `PR=A`, which asks what firmware the gateway has and changes nothing.
  All else is listened to: the gateway reports each OpenTherm message as a letter (T thermostat, B boiler; R and A are
  its own) and 8 hex digits, about one a second, also between a command and its answer.
Version format: the gateway's is a number such as 6.6 behind `PR: A=OpenTherm Gateway`; the ESP32 board states none.
  Behind it, the low byte of data id 127 (boiler, in its READ-ACK) or 126 (thermostat, in its WRITE-DATA), as a number;
  the high byte is the type of the product. Some say it only when they start, so they are not in every round.
Sources: OpenTherm Protocol Specification 2.2, sections 4.2 and 5.3; otgw.tclcode.com, firmware commands.
Access needed: the serial port (group `dialout`), held alone while it is read.
Not tested on: real hardware; tested on recorded lines over a pty.
"""

import re
from collections.abc import Sequence

from agent.errors import LinkError
from agent.links import serial
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
LISTS = False  # who is behind the gateway is known only from what they say
SAMPLES = "otgw"
PARTS = ("gateway", "boiler", "thermostat")
_REQUEST = b"PR=A\r\n"
_BANNER = re.compile(r"(?:PR: A=)?OpenTherm Gateway (.*)")
_WIRE_FAULT = re.compile(r"Error 0[1-4]")  # on the OpenTherm wires; it says nothing of anybody
_REFUSAL = re.compile(r"NG|SE|BV|OR|NS|NF|OE")
_COMMAND, _ANSWER = re.compile(r"[A-Z]{2}=\S.*"), re.compile(r"P[RS]: ?\S.*")
_SUMMARY = re.compile(r"[0-9./-]+(?:,[0-9./-]*){20,}")  # what PS=1 prints instead of messages
_MESSAGE = re.compile(r"([TBRA])([0-9A-F]{2})([0-9A-F]{2})[0-9A-F]{2}([0-9A-F]{2})")
# Who states its version in which type of message with which data id.
_STATEMENTS = {("B", 4, 127): "boiler", ("T", 1, 126): "thermostat"}


class Settings(serial.Port, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The line of one gateway; `timeout_s` is how long it is listened to."""

    baud: serial.Baud = 9600
    timeout_s: serial.Seconds = 30.0


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask the gateway, and listen to what the others say."""
    link = f"link:{settings.port}"
    traffic = Traffic()
    try:
        async with serial.Client(settings) as port:
            port.write(_REQUEST)
            await port.listen(traffic.feed)
        if not traffic.understood:
            raise traffic.fault()
    except LinkError as error:
        return [ReadFailure.of(f"{link}/gateway", error)]
    return [outcome for _, outcome in traffic.outcomes(link)]


def redacted(_: Settings, __: bytes, heard: bytes) -> bytes:
    """The lines that state a version, and of other answers only that there is one; no temperatures, no settings."""
    lines = (line.decode("latin-1").strip() for line in serial.Lines().feed(heard))
    return "".join(f"{kept}\r\n" for line in lines if (kept := _emptied(line))).encode("latin-1")


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded lines, for `parse`; a gateway of which they say nothing is no reading. None for commands alone."""
    traffic = Traffic()
    traffic.feed(data + b"\n")
    if not traffic.understood:
        if all(_COMMAND.fullmatch(line.strip()) for line in data.decode("latin-1").splitlines() if line.strip()):
            return None
        raise traffic.fault()
    if traffic.refused:
        traffic.stated.setdefault("gateway", None)
    return [(part, outcome) for part, outcome in traffic.outcomes("link:") if part in traffic.stated]


def _emptied(line: str) -> str:
    if message := _MESSAGE.fullmatch(line):
        return line if _part(message) else ""
    if _BANNER.fullmatch(line) or _REFUSAL.fullmatch(line) or line.startswith("PR: B="):
        return line
    return "PS: 0" if _ANSWER.fullmatch(line) or _SUMMARY.fullmatch(line) else ""


def _part(message: re.Match[str]) -> str | None:
    """Who states a version in a message."""
    return _STATEMENTS.get((message[1], int(message[2], 16) >> 4 & 7, int(message[3], 16)))


class Traffic:
    """What was said on the line.

    Attributes:
        stated: Versions by part; None where the gateway states none.
        build: When the gateway's firmware was built.
        refused: The gateway's word for a command that it does not take.
        understood: Whether any line made sense.
    """

    def __init__(self) -> None:
        self.stated: dict[str, str | None] = {}
        self.build: str | None = None
        self.refused = ""
        self.understood = False
        self._lines = serial.Lines()

    def feed(self, data: bytes) -> bool:
        """Take what came; whether all parts have stated their version."""
        for line in self._lines.feed(data):
            self.understood |= self._take(line.decode("latin-1").strip())
        return all(self.stated.get(part) for part in PARTS)

    def outcomes(self, link: str) -> list[tuple[str, Reading | ReadFailure]]:
        """One for the gateway, and one for each other part that stated its version."""
        found: list[tuple[str, Reading | ReadFailure]] = []
        if "gateway" not in self.stated:
            found.append(("gateway", self._silent(f"{link}/gateway")))
        return found + [(part, self._reading(link, part)) for part in PARTS if part in self.stated]

    def fault(self) -> LinkError:
        """Why nothing was understood."""
        return serial.misread("OpenTherm Gateway", self._lines.begun, begun=self._lines.text_begun)

    def _take(self, line: str) -> bool:
        if message := _MESSAGE.fullmatch(line):
            if part := _part(message):
                self.stated[part] = str(int(message[4], 16))
        elif banner := _BANNER.fullmatch(line):
            self.stated["gateway"] = values.version(banner[1]) if banner[1][:1].isdigit() else None
        elif _ANSWER.fullmatch(line) or _SUMMARY.fullmatch(line):
            self.stated.setdefault("gateway", None)
            self.build = values.text(line.removeprefix("PR: B=")) if line.startswith("PR: B=") else self.build
        elif _REFUSAL.fullmatch(line):
            self.refused = line
        else:
            return _WIRE_FAULT.fullmatch(line) is not None
        return True

    def _reading(self, link: str, part: str) -> Reading:
        return Reading(
            identity=f"{link}/{part}",
            name=f"OpenTherm {part}",
            distance=0 if part == "gateway" else 1,
            ids=values.model_ids("otgw", (part,)),
            version_raw=self.stated[part],
            version_alt=self.build if part == "gateway" else None,
        )

    def _silent(self, identity: str) -> ReadFailure:
        if self.refused:
            why = LinkError(Result.REFUSED, "refused", f"it answers PR=A with {self.refused}")
        elif self._lines.begun.startswith(b"PR"):
            why = self.fault()
        else:
            why = LinkError(Result.UNREACHABLE, "timeout", "messages come by, but no answer to PR=A")
        return ReadFailure.of(identity, why)
