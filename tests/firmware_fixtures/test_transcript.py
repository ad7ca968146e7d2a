"""How a transcript is written, and what is said unasked."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
import serial  # type: ignore[import-untyped]  # pyserial ships no types

from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import Fault, Step, parse, play

TEXT = """
# a question and its answer
> 05 "VER?" 0d
< "a # \\"b\\"" [ "1F" ] 0a   # its checksum is in the middle
+ "more"
< 06 []
< 15
"""


def test_hex_and_text() -> None:
    """One frame a line, or several; a mark says where the checksum is."""
    assert parse(TEXT) == (
        Step(True, b"\x05VER?\r"),
        Step(False, b'a # "b"1F\nmore', 7),
        Step(False, b"\x06", None),
        Step(False, b"\x15", -1),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("05", "line 1 begins"),
        ("> 05\n\n+ 06\n? 01", "line 4 begins"),
        ("+ 06", "line 1 begins"),
        ("> 0", "line 1 is not"),
        ('> "abc', "line 1 is not"),
    ],
    ids=["nobody sends it", "nor later", "nothing to go on with", "half a byte", "an open text"],
)
def test_a_fault_is_told_with_its_line(text: str, complaint: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(ValueError, match=complaint):
        parse(text)


@pytest.mark.parametrize(("fault", "heard"), [(Fault.NONE, b"v1 C"), (Fault.FLIPPED_CHECKSUM, b"v1 B")])
async def test_what_is_said_unasked_begins_when_the_port_is_opened(fault: Fault, heard: bytes, tmp_path: Path) -> None:
    """Each program hears it from the beginning, the second one too."""
    line = Line(tmp_path / "port")
    playing = asyncio.create_task(play(line, parse('< "v1 " [ "C" ]'), fault))
    try:
        for _ in range(2):
            with serial.Serial(str(line.path), timeout=5) as port:
                assert await asyncio.to_thread(port.read, len(heard)) == heard
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        line.unplug()
