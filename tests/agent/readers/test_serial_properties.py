"""Whatever a line says, and however it is cut, a parser gives what fits in a report, or a stable reason."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from agent.errors import LinkError
from agent.readers import ReadFailure, Reading, _goodwe_aa55, dsmr, line, modbus_registers, nibe, otgw, smp
from agent.readers import _described as described
from firmware_fixtures.fixture import load
from tests.agent.readers.expected import DEVICES
from tests.agent.readers.test_properties import check, damaged

Outcomes = list[tuple[str, Reading | ReadFailure]] | None
MAPS = [described.load("registers", name, modbus_registers.Map) for name in described.names("registers")]


REASON = re.compile(r"crc|truncated|garbled|malformed|other_map|refused|error|timeout|rc_[0-9]+|exception_[0-9]+")


def hold(parse: Callable[[], Outcomes]) -> None:
    """Run a parser: reasons are stable words, and readings fit in a report."""
    reasons = []
    readings = []
    try:
        for _, outcome in parse() or []:
            if isinstance(outcome, ReadFailure):
                reasons.append(outcome.reason)
            else:
                readings.append(outcome)
    except LinkError as error:
        reasons.append(error.reason)
    assert all(map(REASON.fullmatch, reasons))
    check(lambda: readings)


def spoken(reader: str) -> bytes:
    """All that the devices of a reader's fixtures say."""
    folders = sorted(folder.parent for folder in (DEVICES / reader).glob("*/transcript.txt"))
    return b"".join(step.data for folder in folders for step in load(folder).transcript if not step.from_program)


@st.composite
def mixed(draw: st.DrawFn, valid: bytes) -> bytes:
    """What a device says, with several parts cut out and others put in."""
    data = valid
    for _ in range(draw(st.integers(0, 3))):
        data = draw(damaged(data))
    return data


@pytest.mark.parametrize(
    ("reader", "parse", "in_hex"),
    [
        ("dsmr", dsmr.parse_sample, False),
        ("line", line.parse_sample, False),
        ("nibe", nibe.parse_sample, True),
        ("otgw", otgw.parse_sample, False),
        ("smp", smp.parse_sample, False),
        ("modbus_registers", modbus_registers.parse_sample, True),
        ("modbus_registers", _goodwe_aa55.parse_sample, True),
    ],
)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_recording(reader: str, parse: Callable[[bytes], Outcomes], data: st.DataObject, *, in_hex: bool) -> None:
    """Damaged recordings, and any bytes at all."""
    payload = data.draw(mixed(spoken(reader)) | st.binary(max_size=300))
    recorded = payload.hex().encode() if in_hex else payload
    hold(lambda: parse(recorded))


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_how_it_is_cut_does_not_matter(data: st.DataObject) -> None:
    """A telegram, packets and messages come out the same, in one piece and in many."""
    for reader, make in (("dsmr", dsmr.Telegrams), ("smp", smp.Packets), ("otgw", otgw.Traffic)):
        payload = data.draw(mixed(spoken(reader)))
        whole, parts = make(), make()
        whole.feed(payload)
        places = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=8)))
        for start, end in zip([0, *places], [*places, len(payload)], strict=True):
            parts.feed(payload[start:end])
        assert found(whole) == found(parts)


def found(parser: dsmr.Telegrams | smp.Packets | otgw.Traffic) -> object:
    """What a parser has found."""
    if isinstance(parser, dsmr.Telegrams):
        return parser.whole
    return list(parser.found) if isinstance(parser, smp.Packets) else parser.stated


@given(registers=st.data(), layout=st.sampled_from(MAPS))
@settings(max_examples=200, deadline=None)
def test_registers(registers: st.DataObject, layout: modbus_registers.Map) -> None:
    """Any content, behind the mark."""
    data = bytearray(registers.draw(st.binary(min_size=2 * layout.count, max_size=2 * layout.count)))
    for mark in layout.mark:
        data[2 * mark.at : 2 * (mark.at + len(mark.values))] = b"".join(word.to_bytes(2, "big") for word in mark.values)
    frame = bytes([1, layout.function, len(data)]) + data
    hold(lambda: [("1", modbus_registers.parse_registers("link:/1", layout, bytes(data)))])
    recorded = (frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")).hex().encode()
    hold(lambda: modbus_registers.parse_sample(recorded))


@given(output=st.text(max_size=600) | st.text("Zephyr 4.\0 \n", max_size=600) | st.integers() | st.none())
@settings(max_examples=150, deadline=None)
def test_the_system_of_smp(output: object) -> None:
    """Any text in OS info."""
    answer = smp.Packet(1, 0, 7, {"output": output})
    hold(lambda: [("self", smp.parse_answers("link:/smp", [answer]))])
