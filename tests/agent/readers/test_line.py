"""What AT command sets answer, and devices that an operator describes."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.errors import LinkError
from agent.readers import ReadFailure, Reading, line
from firmware_fixtures.simulator.line import Line
from firmware_fixtures.simulator.transcript import parse, play

FULL, SHORT = "LM4R02A03_01.204", "LM4R02A03"


def said(*lines: str) -> Reading | ReadFailure:
    """What a recorded conversation comes to."""
    [(name, outcome)] = line.parse_sample("\r\n".join(lines).encode()) or []
    assert name == "self"
    return outcome


@pytest.mark.parametrize(
    ("lines", "raw", "alt", "ids"),
    [
        (["AT version:1.6.0.0(x)", "SDK version:2.2.1", "OK"], "1.6.0.0(x)", None, ()),
        (["AT version:1.7.0.0(x)", "Bin version(ZW 02):1.6.2", "OK"], "1.6.2", "1.7.0.0(x)", ("at:ZW 02",)),
        (["AT+CGMR", SHORT, "", "OK", "AT+QGMR", FULL, "", "OK"], FULL, SHORT, ()),
        (["AT+QGMR", FULL, "", "OK", "AT+CGMR", SHORT, "", "OK"], FULL, SHORT, ()),
        ([SHORT, "", "OK", FULL, "", "OK"], FULL, SHORT, ()),
        (["AT+CGMR", f"+CGMR: {SHORT}", "OK"], SHORT, None, ()),
        (["ATI", "Lumenta", "LM-4", f"Revision: {SHORT}", "", "OK"], SHORT, None, ()),
        (["ATI", "Lumenta", "LM-4", "LM-4G", "", "OK"], None, None, ()),
        (["RDY", "+CFUN: 1", "AT", "OK", "AT+CGMR", "+CREG: 1", SHORT, "OK"], SHORT, None, ()),
        (["ATE0", "OK", SHORT, "OK"], SHORT, None, ()),
        (["AT+CGSN", "860000000000001", "OK"], None, None, ()),
        (["AT+CGMR", "2019", "OK"], None, None, ()),
        (["AT", "OK"], None, None, ()),
    ],
    ids=[
        "ESP-AT without an image",
        "ESP-AT with the module in front",
        "the full build last",
        "the full build first",
        "without echoes",
        "behind its name",
        "among other lines",
        "other lines alone",
        "what nobody asked for",
        "the echo switched off",
        "a serial number",
        "a year",
        "nothing",
    ],
)
def test_versions(lines: list[str], raw: str | None, alt: str | None, ids: tuple[str, ...]) -> None:
    """The image before the command set, the full build before the short one."""
    outcome = said(*lines)
    assert isinstance(outcome, Reading)
    assert (outcome.version_raw, outcome.version_alt, outcome.ids) == (raw, alt, ids)


@pytest.mark.parametrize("final", ["ERROR", "+CME ERROR: 3", "+CMS ERROR: unknown"])
def test_a_refusal_is_an_answer(final: str) -> None:
    """The device is there, and states no version."""
    outcome = said("AT+CGMR", final)
    assert isinstance(outcome, ReadFailure)
    assert outcome.reason == "error"


@pytest.mark.parametrize("data", [b"\0\xff\xfe", b"{", b"ets boot:"], ids=["no text", "a brace", "a boot log"])
def test_what_is_no_answer(data: bytes) -> None:
    """It makes no sense, and is no version."""
    with pytest.raises(LinkError) as caught:
        line.parse_sample(data)
    assert caught.value.reason == "garbled"


async def own(folder: Path, description: str, transcript: str) -> tuple[Reading | ReadFailure, bytes]:
    """What comes of a device of one's own, and what was written to it."""
    file = folder / "pump.toml"
    file.write_text(description)
    device = Line(folder / "port")
    playing = asyncio.create_task(play(device, parse(transcript)))
    try:
        settings = {"port": str(device.path), "device": str(file), "timeout_s": 0.4}
        [outcome] = await line.read(msgspec.convert(settings, line.Settings))
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        device.unplug()
    return outcome, bytes(device.written)


async def test_a_device_of_ones_own_that_is_asked(tmp_path: Path) -> None:
    """One line is sent, and the line that fits is taken, whatever comes before."""
    outcome, written = await own(
        tmp_path,
        'name = "Pump"\nask = ["VER?"]\nending = "\\r"\nmatch = "{model}: FW {version} (ok)"\n',
        '> "VER?" 0d\n< "hello" 0a "P(+)4: FW 2.1 b (ok)" 0a []',
    )
    assert isinstance(outcome, Reading)
    assert (outcome.version_raw, outcome.ids, outcome.name) == ("2.1 b", ("model:P(+)4",), "Pump")
    assert written == b"VER?\r"


async def test_a_device_of_ones_own_that_speaks_unasked(tmp_path: Path) -> None:
    """Nothing is sent; other lines are no version."""
    told = 'name = "Pump"\nmatch = "v{version}"\n'
    outcome, written = await own(tmp_path, told, '< "t=20" 0a "v1.2" 0a []')
    assert getattr(outcome, "version_raw", None) == "1.2"
    other, _ = await own(tmp_path, told, '< "t=20" 0a []')
    assert getattr(other, "reason", None) == "garbled"
    assert written == b""


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        ('name = "Pump"', "ask"),
        ('name = "Pump"\nmatch = "v"', "version"),
        ('name = "Pump"\nask = ["A", "B"]\nmatch = "v{version}"', "at most one"),
        ('name = "Pump"\nask = ["A"]\ncolour = "red"', "colour"),
        ("name =", "pump.toml"),
        (None, "pump.toml"),
    ],
    ids=["nothing to do", "no version", "several questions", "an unknown key", "no TOML", "no file"],
)
def test_a_faulty_description_is_told_with_the_configuration(
    description: str | None, complaint: str, tmp_path: Path
) -> None:
    """Not in the first round."""
    file = tmp_path / "pump.toml"
    if description is not None:
        file.write_text(description)
    settings: dict[str, Any] = {"port": "/dev/ttyUSB0", "device": str(file)}
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(settings, line.Settings)


def test_a_name_that_is_no_description() -> None:
    """The ones that there are, are listed."""
    with pytest.raises(msgspec.ValidationError, match="esp_at, modem, quectel"):
        msgspec.convert({"port": "/dev/ttyUSB0", "device": "toaster"}, line.Settings)
