"""Plays a recorded conversation over a line, as it was or with a fault.

A transcript has one frame a line, in hex: `>` what a program sends, `<` what the device answers. Blank lines and what
follows `#` are for people. A request that the transcript does not have gets silence, as from a device that does not
know it.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from firmware_fixtures.simulator.line import Line

GARBAGE = bytes.fromhex("de ad be ef")
BYTE_GAP_S = 0.002


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
    """One frame."""

    from_program: bool
    data: bytes


def parse(text: str) -> tuple[Step, ...]:
    """The frames of a transcript.

    Raises:
        ValueError: A line that is no frame; the message says which.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        frame = line.partition("#")[0].strip()
        if not frame:
            continue
        if frame[0] not in "<>":
            raise ValueError(f"transcript line {number} begins with neither > nor <")
        steps.append(Step(frame[0] == ">", bytes.fromhex(frame[1:])))
    return tuple(steps)


async def play(line: Line, steps: Sequence[Step], fault: Fault = Fault.NONE, late_s: float = 5.0) -> None:
    """Answer requests until cancelled.

    Args:
        line: The line to play on.
        steps: The transcript.
        fault: What is wrong with each answer.
        late_s: How late a late answer comes.
    """
    answers = _answers(steps)
    heard = b""
    while True:
        heard += await line.receive()
        if heard in answers:
            for answer in answers[heard]:
                await _send(line, answer, fault, late_s)
        elif any(request.startswith(heard) for request in answers):
            continue
        heard = b""


def _answers(steps: Sequence[Step]) -> dict[bytes, list[bytes]]:
    answers: dict[bytes, list[bytes]] = {}
    request = b""
    for step in steps:
        if step.from_program:
            request = step.data
            answers[request] = []
        else:
            answers[request].append(step.data)
    return answers


async def _send(line: Line, answer: bytes, fault: Fault, late_s: float) -> None:
    match fault:
        case Fault.NONE:
            line.send(answer)
        case Fault.HALF:
            line.send(answer[: len(answer) // 2])
        case Fault.GARBAGE:
            line.send(GARBAGE * 16)
        case Fault.FLIPPED_CHECKSUM:
            line.send(answer[:-1] + bytes([answer[-1] ^ 0x01]))
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
