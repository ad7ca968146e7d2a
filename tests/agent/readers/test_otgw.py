"""Who said which version in the traffic of an OpenTherm Gateway."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from agent.errors import LinkError
from agent.readers import otgw
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import parse, play


@pytest.mark.parametrize(
    ("lines", "stated"),
    [
        ("B407F0C1F", {"boiler": "31"}),
        ("T107E0203", {"thermostat": "3"}),
        ("T907E0203\r\nBC07F0C00", {"thermostat": "3", "boiler": "0"}),
        ("T807F0000\r\nB707F0000\r\nB607F0000\r\nB507E0203\r\nR107E0203\r\nA407F0C1F\r\nE407F0C1F", {}),
        ("OpenTherm Gateway 4.2.5", {"gateway": "4.2.5"}),
        ("PR: A=OpenTherm Gateway OTGW32", {"gateway": None}),
        ("PR: W=A", {"gateway": None}),
    ],
    ids=[
        "the boiler's answer",
        "what the thermostat writes",
        "with parity bits",
        "questions, refusals, acknowledgements, and what the gateway made up",
        "the banner after a reset",
        "a gateway without a number",
        "an answer about something else",
    ],
)
def test_who_states_what(lines: str, stated: dict[str, str | None]) -> None:
    """A question is no statement."""
    found = otgw.parse_sample(lines.encode()) or []
    assert {part: getattr(reading, "version_raw", "") for part, reading in found} == stated


def test_a_refusal_is_an_answer_of_the_gateway() -> None:
    """It is there, and states no version."""
    [(part, outcome)] = otgw.parse_sample(b"T00120000\r\nSE\r\n") or []
    assert (part, getattr(outcome, "version_raw", "")) == ("gateway", None)


def test_lines_of_something_else() -> None:
    """They are no traffic."""
    with pytest.raises(LinkError) as caught:
        otgw.parse_sample(b"hello\r\nworld\r\n")
    assert caught.value.reason == "garbled"


async def test_the_boiler_and_the_thermostat_are_heard(tmp_path: Path) -> None:
    """Without a question; the gateway that does not answer is silent, and the others are read all the same."""
    line = Line(tmp_path / "port")
    playing = asyncio.create_task(play(line, parse('< "T80000200" 0d 0a "B407F0C1F" 0d 0a "T107E0203" 0d 0a []')))
    try:
        found = await otgw.read(otgw.Settings(port=str(line.path), timeout_s=0.3))
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        line.unplug()
    told = {item.identity.rpartition("/")[2]: getattr(item, "version_raw", "silent") for item in found}
    assert told == {"gateway": "silent", "boiler": "31", "thermostat": "3"}
    assert bytes(line.written) == b"PR=A\r\n"
