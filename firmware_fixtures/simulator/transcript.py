"""Plays a recorded conversation over a line, as it was or with a fault.

A transcript has one frame a line: `>` what a program sends, `<` what the device answers, `+` the frame before goes on.
A frame is written in hex and in "text" with the escapes of JSON; `[` and `]` stand around its checksum, which is else
its last byte, and `[]` says that it has none. Blank lines and what follows `#` are for people.

A request that the transcript does not have gets silence, as from a device that does not know it. Answers before the
first request come unasked: each time that a program opens the port, and then again and again, as meters and heat pumps
talk.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import msgspec

from firmware_fixtures.simulator.line import Line

GARBAGE = bytes.fromhex("de ad be ef")
BYTE_GAP_S = 0.002
UNASKED_EVERY_S = 1.0
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[0-9a-fA-F]{2}|[][<>+]|#.*')
_LINE = re.compile(rf"(?:\s|{_TOKEN.pattern})*")


class Fault(StrEnum):
    """What may be wrong with a device or its wire."""

    NONE = "plain"
    SILENCE = "silence"
    HALF = "half"
    GARBAGE = "garbage"
    FLIPPED_CHECKSUM = "flipped_checksum"
    BYTE_BY_BYTE = "byte_by_byte"
    LATE = "late"
    UNPLUGGED = "unplugged"


class Step(msgspec.Struct, frozen=True):
    """One frame.

    Attributes:
        from_program: Who sends it.
        data: Its bytes.
        checksum: Where its checksum begins; None where it has none.
    """

    from_program: bool
    data: bytes
    checksum: int | None = -1


def parse(text: str) -> tuple[Step, ...]:
    """The frames of a transcript.

    Raises:
        ValueError: A line that is no frame; the message says which.
    """
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        tokens = [token for token in _TOKEN.findall(line) if not token.startswith("#")]
        if not line.partition("#")[0].strip():
            continue
        if line.lstrip()[0] not in "<>+" or (tokens[0] == "+" and not steps):
            raise ValueError(f"transcript line {number} begins with neither > nor < nor, behind a frame, +")
        if not _LINE.fullmatch(line):
            raise ValueError(f'transcript line {number} is not in hexadecimal or "text"')
        before = steps.pop() if tokens[0] == "+" else Step(tokens[0] == ">", b"")
        steps.append(_continued(before, tokens[1:]))
    return tuple(steps)


def _continued(step: Step, tokens: Sequence[str]) -> Step:
    data, checksum = step.data, step.checksum
    for place, part in enumerate(tokens):
        if part == "[":
            checksum = None if tokens[place + 1 : place + 2] == ["]"] else len(data)
        elif part.startswith('"'):
            data += json.loads(part).encode("latin-1")
        elif part != "]":
            data += bytes.fromhex(part)
    return Step(step.from_program, data, checksum)


async def play(line: Line, steps: Sequence[Step], fault: Fault = Fault.NONE, late_s: float = 5.0) -> None:
    """Speak and answer until cancelled.

    Args:
        line: The line to play on.
        steps: The transcript.
        fault: What is wrong with each answer.
        late_s: How late a late answer comes.
    """

    async def say(answers: Sequence[Step]) -> None:
        for answer in answers:
            await _send(line, answer, fault, late_s)

    answers = _answers(steps)
    async with asyncio.TaskGroup() as group:
        if unasked := answers.pop(b"", []):
            group.create_task(_speak(line, lambda: say(unasked)), name="simulator.unasked")
        heard = b""
        while True:
            heard += await line.receive()
            if heard in answers:
                await say(answers[heard])
            elif any(request.startswith(heard) for request in answers):
                continue
            heard = b""


async def _speak(line: Line, say: Callable[[], Awaitable[None]]) -> None:
    await line.opened()
    while True:
        await say()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNASKED_EVERY_S):
                await line.opened()


def _answers(steps: Sequence[Step]) -> dict[bytes, list[Step]]:
    """What is answered to each request; what comes unasked answers nothing."""
    request = b""
    answers: dict[bytes, list[Step]] = {}
    for step in steps:
        if step.from_program:
            request = step.data
            answers[request] = []
        else:
            answers.setdefault(request, []).append(step)
    return answers


async def _send(line: Line, step: Step, fault: Fault, late_s: float) -> None:
    answer = step.data
    match fault:
        case Fault.NONE:
            line.send(answer)
        case Fault.HALF:
            line.send(answer[: len(answer) // 2])
        case Fault.GARBAGE:
            line.send(GARBAGE * 16)
        case Fault.FLIPPED_CHECKSUM:
            line.send(_flipped(step))
        case Fault.BYTE_BY_BYTE:
            for byte in answer:
                line.send(bytes([byte]))
                await asyncio.sleep(BYTE_GAP_S)
        case Fault.LATE:
            await asyncio.sleep(late_s)
            line.send(answer)
        case Fault.UNPLUGGED:
            line.send(answer[:1])
            line.unplug()
        case Fault.SILENCE:
            pass


def _flipped(step: Step) -> bytes:
    data = bytearray(step.data)
    if step.checksum is not None:
        data[step.checksum] ^= 0x01
    return bytes(data)
