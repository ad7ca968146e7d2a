"""Devices with MCUboot or Zephyr that answer the Simple Management Protocol (SMP, MCUmgr) on a serial port.

Devices: boards and products with Zephyr and MCUmgr, also while they wait in MCUboot's serial recovery.
Wire: serial, 115200 baud 8N1. Two read requests are sent: the state of the images (group 1, id 0), and what system runs
  (group 0, id 7, format `a`). A packet is an 8 byte header and a CBOR map; on the line it goes with its length and a
  CRC-16/XMODEM in base64, in lines of 127 bytes that begin with 06 09 and go on with 04 14. Other lines are the console
  and are passed over.
Version format: that of the active image, such as 1.4.2 or 1.4.2.7, where MCUboot appends the build number with a dot;
  0.0.0 is a version too. Where no image is stated, the release of the kernel, such as 4.4.0. Hashes of commits and
  build dates are not versions.
Sources: Zephyr documentation, pages "SMP Protocol Specification", "SMP Transport Specification", "Image management",
  "Default/OS management" (MCUmgr); MCUboot documentation, page "Serial recovery".
Access needed: the serial port (group `dialout`), held alone while it is read.
Not tested on: real hardware; tested against Zephyr 4.4's server, a board that MCUboot booted in an emulator, and
  recorded packets over a pty.
"""

import base64
import binascii
import re
import struct
from collections import deque
from collections.abc import Sequence
from typing import Annotated, Any

import cbor2
import msgspec

from agent.errors import LinkError
from agent.links import serial
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "smp"
MAX_PACKET_BYTES = 8192  # an image list has fewer than 1000
_FIRST, _NEXT = b"\x06\x09", b"\x04\x14"
_MARK = re.compile(_FIRST + b"|" + _NEXT)
_LINE_BYTES = 124  # of base64; with the mark and the line end 127
_HEADER_BYTES, _MAX_DEPTH, _LATEST = 8, 8, 16
_READ, _ANSWER = 0, (1, 3)  # to a read and to a write
_OS, _IMAGES = 0, 1
_ECHO, _INFO, _STATE = (_OS, 0), (_OS, 7), (_IMAGES, 0)
_RELEASE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+.]\S*)?")
_DATE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{1,2} [0-9:]{8} [0-9]{4} ")


class Settings(serial.Port, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The port of one device; `timeout_s` is how long to wait for each of two answers."""

    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=25)] = 3.0


class Packet(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        operation: Even for a request, odd for an answer.
        group: Group of commands.
        command: Command in the group.
        body: What the map holds.
    """

    operation: int
    group: int
    command: int
    body: dict[Any, Any]

    @property
    def about(self) -> tuple[int, int]:
        """Group and command."""
        return self.group, self.command


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask for the images and for the system."""
    identity = f"link:{settings.port}/smp"
    try:
        async with serial.Client(settings) as port:
            answers = [await _ask(port, _STATE, {}, 0)]
            try:
                answers.append(await _ask(port, _INFO, {"format": "a"}, 1))
            except LinkError:
                # Who has stated the image that runs need not know the system.
                if _active(answers[0].body) is None:
                    raise
    except LinkError as error:
        return [ReadFailure.of(identity, error)]
    return [_refused(identity, *answers) or parse_answers(identity, answers)]


def parse_answers(identity: str, answers: Sequence[Packet]) -> Reading:
    """What the answers to both requests, or one of them, say."""
    image: dict[Any, Any] = {}
    release = board = None
    for answer in answers:
        if answer.about == _STATE:
            image = _active(answer.body) or image
        elif answer.about == _INFO:
            release, board = parse_system(answer.body.get("output"))
    digest = image.get("hash")
    return Reading(
        identity=identity,
        name=board,
        ids=values.model_ids("smp", (board,)),
        version_raw=values.text(image.get("version")) or release,
        image_digest=digest if isinstance(digest, bytes) and len(digest) == 32 else None,
    )


def parse_system(output: object) -> tuple[str | None, str | None]:
    """Kernel release and board, of the text of OS info.

    The whole text (format `a`) is kernel, node, commit, release, build date if it has one, machine, processor, board
    and system; a node's name may hold blanks. Shorter texts state no board that could be told from a machine.
    """
    words = _DATE.sub("", " ".join((values.text(output) or "").split())).split()
    releases = [place for place, word in enumerate(words) if _RELEASE.fullmatch(word)]
    if not releases:
        return None, None
    place = releases[-1]
    whole = place >= 3 and len(words) >= place + 5
    return words[place], words[place + 3] if whole else None


def redacted(_: Settings, asked: bytes, heard: bytes) -> bytes:
    """The answer alone, of which only what is read is left: no console, and not the name that the device was given.

    Raises:
        LinkError: There is none.
    """
    requests, packets = Packets(), Packets()
    requests.feed(asked)
    packets.feed(heard)
    about = requests.found[0].about
    answer = next((packet for packet in packets.found if _answers(packet, about)), None)
    if answer is None:
        raise packets.fault()
    return _framed(answer.operation, about, _emptied(answer), 0)


def _emptied(answer: Packet) -> dict[str, Any]:
    if code := _error(answer.body):
        return {"rc": code}
    if answer.about == _STATE:
        image = _active(answer.body)
        stated = image and {name: image[name] for name in ("image", "version", "hash", "active") if name in image}
        return {"images": [stated] if stated else []}
    release, board = parse_system(answer.body.get("output"))
    return {"output": f"Zephyr name commit {release} machine processor {board} Zephyr" if board else release or ""}


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded packets, for `parse`. None for requests and echoes."""
    packets = Packets()
    packets.feed(data + b"\n")
    if not packets.found:
        raise packets.fault()
    answers = [packet for packet in packets.found if packet.operation in _ANSWER and packet.about != _ECHO]
    if not answers:
        return None
    if all(answer.about == _STATE and answer.body.get("images") == [] for answer in answers):
        return []
    return [("self", _refused("link:", *answers) or parse_answers("link:", answers))]


class Packets:
    """Finds packets between the lines of a console.

    Attributes:
        found: The latest.
    """

    def __init__(self) -> None:
        self.found: deque[Packet] = deque(maxlen=_LATEST)
        self._lines = serial.Lines()
        self._packet: bytearray | None = None
        self._reason: str | None = None

    def feed(self, data: bytes) -> None:
        """Take what came."""
        for line in self._lines.feed(data):
            self._take(line)

    def fault(self) -> LinkError:
        """Why there is no packet."""
        begun = self._packet is not None or _FIRST in self._lines.begun
        if begun or self._reason is None:
            return serial.misread("SMP packet", self._lines.begun, begun=begun)
        return LinkError(Result.PARSE_FAILED, self._reason, "an SMP packet that is damaged")

    def _take(self, line: bytes) -> None:
        if _FIRST in line:
            self._packet = bytearray()
        elif self._packet is None or _NEXT not in line:
            return
        try:
            self._packet += base64.b64decode(_MARK.split(line)[-1], validate=True)
        except binascii.Error:
            self._packet, self._reason = None, "garbled"
            return
        size = 2 + int.from_bytes(self._packet[:2], "big")
        if len(self._packet) >= max(size, 4) or size > MAX_PACKET_BYTES:
            content, self._packet = bytes(self._packet[2:size]), None
            self._finish(content)

    def _finish(self, content: bytes) -> None:
        # Over a message and its own CRC, the CRC is 0.
        if binascii.crc_hqx(content, 0) != 0:
            self._reason = "crc"
            return
        try:
            self.found.append(_decoded(content[:-2]))
        except (ValueError, struct.error, cbor2.CBORError):
            self._reason = "garbled"


def _decoded(content: bytes) -> Packet:
    first, _, size, group, _, command = struct.unpack_from(">BBHHBB", content)
    body = cbor2.loads(content[_HEADER_BYTES:], semantic_decoders=_NO_TAGS, max_depth=_MAX_DEPTH)
    if size != len(content) - _HEADER_BYTES or not isinstance(body, dict):
        raise ValueError("no SMP packet")
    return Packet(first & 7, group, command, body)


class _NoTags(dict[int, Any]):
    """Stands where cbor2 looks up what to do with a tag; SMP has none, and some cost more than they look."""

    def __missing__(self, tag: int) -> Any:
        raise ValueError(f"tag {tag}")


_NO_TAGS = _NoTags()


async def _ask(port: serial.Client, about: tuple[int, int], body: dict[str, str], sequence: int) -> Packet:
    packets = Packets()

    def answered(data: bytes) -> bool:
        packets.feed(data)
        return any(_answers(packet, about) for packet in packets.found)

    port.write(_framed(_READ, about, body, sequence))
    if not await port.listen(answered):
        raise packets.fault()
    return next(packet for packet in packets.found if _answers(packet, about))


def _framed(operation: int, about: tuple[int, int], body: dict[str, Any], sequence: int) -> bytes:
    data = cbor2.dumps(body)
    content = struct.pack(">BBHHBB", operation, 0, len(data), about[0], sequence, about[1]) + data
    content += binascii.crc_hqx(content, 0).to_bytes(2, "big")
    text = base64.b64encode(len(content).to_bytes(2, "big") + content)
    parts = [text[place : place + _LINE_BYTES] for place in range(0, len(text), _LINE_BYTES)]
    return b"".join((_NEXT if number else _FIRST) + part + b"\n" for number, part in enumerate(parts))


def _answers(packet: Packet, about: tuple[int, int]) -> bool:
    return packet.operation in _ANSWER and packet.about == about


def _active(body: dict[Any, Any]) -> dict[Any, Any] | None:
    """The image that runs; where several cores have one each, that of the first."""
    images = body.get("images")
    active = [
        image
        for image in (images if isinstance(images, list) else [])
        if isinstance(image, dict) and image.get("active") is True and type(image.get("image", 0)) is int
    ]
    return min(active, key=lambda image: image.get("image", 0), default=None)


def _refused(identity: str, *answers: Packet) -> ReadFailure | None:
    """The failure of a device that says no to all that it was asked."""
    codes = [code for answer in answers if (code := _error(answer.body))]
    if len(codes) < len(answers):
        return None
    detail = f"the device answers with SMP error {codes[0]}"
    return ReadFailure(identity=identity, result=Result.REFUSED, reason=f"rc_{codes[0]}", detail=detail)


def _error(body: dict[Any, Any]) -> int:
    """The error that an answer states, in the form of version 1 or 2 of the protocol; 0 for none."""
    error = body.get("err")
    code = error.get("rc") if isinstance(error, dict) else body.get("rc")
    return code if type(code) is int and 0 < code < 2**16 else 0
