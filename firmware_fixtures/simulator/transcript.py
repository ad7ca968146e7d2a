"""Plays a recorded conversation over a line, as it was or with a fault.

A transcript has one frame a line, in hex: `>` what a program sends, `<` what the device answers. Blank lines and what
follows `#` are for people. A request that the transcript does not have gets silence, as from a device that does not
know it. Answers before the first request come unasked: each time that a program opens the port, and then again and
again, as meters and heat pumps talk.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import msgspec

from firmware_fixtures.simulator.line import Line

GARBAGE = bytes.fromhex("de ad be ef")
BYTE_GAP_S = 0.002
UNASKED_EVERY_S = 1.0


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


async def play(
    line: Line, steps: Sequence[Step], fault: Fault = Fault.NONE, late_s: float = 5.0, checksum_at: int = 1
) -> None:
    """Speak and answer until cancelled.

    Args:
        line: The line to play on.
        steps: The transcript.
        fault: What is wrong with each answer.
        late_s: How late a late answer comes.
        checksum_at: Which byte of an answer, counted from its end, belongs to its checksum.
    """

    async def say(answers: Sequence[bytes]) -> None:
        for answer in answers:
            await _send(line, answer, fault, late_s, checksum_at)

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


def _answers(steps: Sequence[Step]) -> dict[bytes, list[bytes]]:
    """What is answered to each request; what comes unasked answers nothing."""
    request = b""
    answers: dict[bytes, list[bytes]] = {}
    for step in steps:
        if step.from_program:
            request = step.data
            answers[request] = []
        else:
            answers.setdefault(request, []).append(step.data)
    return answers


async def _send(line: Line, answer: bytes, fault: Fault, late_s: float, checksum_at: int) -> None:
    match fault:
        case Fault.NONE:
            line.send(answer)
        case Fault.HALF:
            line.send(answer[: len(answer) // 2])
        case Fault.GARBAGE:
            line.send(GARBAGE * 16)
        case Fault.FLIPPED_CHECKSUM:
            flipped = bytearray(answer)
            flipped[-checksum_at] ^= 0x01
            line.send(bytes(flipped))
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
