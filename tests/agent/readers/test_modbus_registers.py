"""What registers say by a map, and when a map does not fit."""

import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymodbus.framer.rtu import FramerRTU

from agent.errors import LinkError
from agent.readers import ReadFailure, Reading
from agent.readers import _described as described
from agent.readers._goodwe_aa55 import parse_sample as parse_aa55
from agent.readers.modbus_registers import Map, Settings, parse_registers, parse_sample

DT = described.load("registers", "goodwe_dt", Map)
ET = described.load("registers", "goodwe_et", Map)
SUNSPEC = described.load("registers", "sunspec", Map)
OWN = """
namespace = "model"
function = 4
address = 10
count = 4
version = "{major}.{minor}-{build}"
version_alt = "{boot}"

[field]
major = { at = 0, as = "hundredths" }
minor = { at = 1, as = "bytes" }
build = { at = 2, as = "hex" }
boot = { at = 3, as = "decimal" }
"""


def held(layout: Map, values: dict[int, bytes]) -> bytes:
    """Registers of zeros, but for these."""
    registers = bytearray(2 * layout.count)
    for at, data in values.items():
        registers[2 * at : 2 * at + len(data)] = data
    return bytes(registers)


def words(*numbers: int) -> bytes:
    """Numbers as registers."""
    return struct.pack(f">{len(numbers)}H", *numbers)


@pytest.mark.parametrize(
    ("layout", "values", "raw", "alt", "ids"),
    [
        (DT, {11: b"Z8K-DT    ", 33: words(1010, 7, 0x1F)}, "1010.7.1f", None, ("goodwe:Z8K-DT",)),
        (DT, {11: b"\xff" * 10, 33: b"\xff" * 6}, None, None, ()),
        (ET, {11: b" Z10K-ET\0\0", 21: b" 04029-06-S1", 27: b"\xff" * 12}, "04029-06-S1", None, ("goodwe:Z10K-ET",)),
        (ET, {11: "Z5K-E".encode("utf-16be"), 21: b"2024" + b"\0" * 8}, None, None, ("goodwe:Z5K-E",)),
        (
            SUNSPEC,
            {0: b"SunS", 2: words(1), 4: b"Aquila", 20: b"SI/5", 44: b" 1.2\0"},
            "1.2",
            None,
            ("modbus:Aquila/SI%2F5",),
        ),
    ],
    ids=["numbers", "nothing but filling", "text", "two bytes a letter, and a year", "the common model"],
)
def test_maps(layout: Map, values: dict[int, bytes], raw: str | None, alt: str | None, ids: tuple[str, ...]) -> None:
    """Padding is no text, and a part that is missing makes the whole missing."""
    reading = parse_registers("link:/1", layout, held(layout, values))
    assert (reading.version_raw, reading.version_alt, reading.ids) == (raw, alt, ids)


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    """Every form in which registers hold numbers."""
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    reading = parse_registers("link:/1", described.load("registers", str(file), Map), words(120, 0x0207, 10, 3))
    assert (reading.version_raw, reading.version_alt) == ("1.20.2.7-0a", "3")


@pytest.mark.parametrize(
    ("values", "reason"),
    [({0: b"SunT", 2: words(1)}, "other_map"), ({0: b"SunS", 2: words(101)}, "other_map")],
    ids=["another mark", "another model first"],
)
def test_a_map_that_does_not_fit(values: dict[int, bytes], reason: str) -> None:
    """What stands elsewhere is not read."""
    with pytest.raises(LinkError) as caught:
        parse_registers("link:/1", SUNSPEC, held(SUNSPEC, values))
    assert caught.value.reason == reason


def test_registers_that_hold_no_text() -> None:
    """Numbers where the map says text are not guessed at."""
    with pytest.raises(LinkError) as caught:
        parse_registers("link:/1", ET, held(ET, {21: words(1, 2, 3)}))
    assert caught.value.reason == "garbled"


def test_a_name_that_is_no_text() -> None:
    """The version stands beside it all the same."""
    reading = parse_registers("link:/1", ET, held(ET, {3: b"\x01\x02", 11: b"\x80\x81", 21: b"04029"}))
    assert (reading.version_raw, reading.ids, reading.hardware) == ("04029", (), None)


def recorded(frame: bytes, prefix: bytes = b"\xaa\x55") -> bytes:
    """A frame as samples hold it."""
    return (prefix + frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")).hex().encode()


def test_recorded_replies() -> None:
    """A refusal names the unit, other registers are no reading, half a frame is a failure."""
    [(unit, outcome)] = parse_sample(recorded(b"\xf7\x83\x02")) or []
    assert unit == "247"
    assert isinstance(outcome, ReadFailure)
    assert outcome.reason == "exception_2"
    assert parse_sample(recorded(b"\xf7\x03\x04\0\x01\0\x02")) is None
    whole = recorded(b"\x7f\x03" + bytes([2 * DT.count]) + held(DT, {33: words(1, 2, 3)}), b"")
    [(unit, found)] = parse_sample(whole) or []
    assert (unit, getattr(found, "version_raw", None)) == ("127", "1.2.03")
    for data, reason in ((whole[:-20], "truncated"), (whole[:-1] + b"0", "crc"), (b"7f04", "truncated")):
        [(_, failure)] = parse_sample(data) or []
        assert getattr(failure, "reason", None) == reason


@pytest.mark.parametrize(
    ("edit", "reason"),
    [(lambda f: f[:-2], "truncated"), (lambda f: f[:-1] + b"\0", "crc"), (lambda f: f[1:], "garbled")],
)
def test_goodwes_own_frame(edit: Any, reason: str) -> None:
    """Its sum is checked; the first five characters are the firmware."""
    body = bytes.fromhex("aa557fc0018220") + b"2525KZ5048-ES  " + b"\0" * 17
    frame = body + (sum(body) & 0xFFFF).to_bytes(2, "big")
    [(unit, reading)] = parse_aa55(frame.hex().encode()) or []
    assert isinstance(reading, Reading)
    assert (unit, reading.version_raw, reading.ids) == ("127", "2525K", ("goodwe:Z5048-ES",))
    with pytest.raises(LinkError) as caught:
        parse_aa55(edit(frame).hex().encode())
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"map": "toaster"}, "goodwe_dt, goodwe_et, sunspec"),
        ({"map": "../sunspec"}, r"\$\.map"),
        ({}, "map"),
        ({"map": "sunspec", "units": list(range(1, 13)), "timeout_s": 5.0}, "fewer or a shorter"),
    ],
    ids=["a map that is not there", "a path that is none", "no map", "units that take longer than a round may"],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    """A map is named; none is ever tried."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert({"port": "/dev/ttyUSB0", "units": [1]} | settings, Settings)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"model"', '"toaster"', "namespace"),
        ("count = 4", "count = 3", "behind what is read"),
        ("{boot}", "{boat}", "boat"),
        ("{boot}", "{0}", "no such field"),
        ("function = 4", "function = 6", "function"),
    ],
    ids=["an unknown namespace", "a field outside", "a field that is not there", "a place", "a function that writes"],
)
def test_a_faulty_map_is_told_with_the_configuration(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    """With what is wrong in it."""
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace(old, new))
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert({"port": "/dev/ttyUSB0", "units": [1], "map": str(file)}, Settings)
