"""What a telegram says of firmware, and when it is whole."""

import pytest

from agent.errors import LinkError
from agent.readers import Reading
from agent.readers.dsmr import MAX_TELEGRAM_BYTES, Telegrams, _crc16, parse_sample


def telegram(*lines: str, first: str = "/AQL5EM3", end: str | None = None) -> bytes:
    """A telegram with the checksum that fits."""
    body = "\r\n".join([first, "", *lines, "!"]).encode()
    return body + (f"{_crc16(body):04X}" if end is None else end).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("data", "raw", "alt"),
    [
        (telegram("1-3:0.2.8(50)", "0-0:96.1.4(50217)", "1-0:0.2.8(1EA43311)"), None, None),
        (telegram("1-0:0.2.0(02.21)", "1-1:0.2.0(02.13)"), "02.21", "02.13"),
        (telegram("1-0:0.2.0*255(1.03)"), "1.03", None),
        (telegram("1-0:0.2.0((ER11))"), None, None),
        (telegram("1-0:0.2.0()"), None, None),
        (telegram("1-0:0.2.0(02.21)", first="/AQL5EM3 V3.04"), "V3.04", None),
        (telegram(first="/AQL5EM3 ESMR5.0"), None, None),
    ],
    ids=[
        "formats and signatures",
        "two firmwares",
        "with the group of storage",
        "masked",
        "empty",
        "in the identification",
        "another version in the identification",
    ],
)
def test_versions(data: bytes, raw: str | None, alt: str | None) -> None:
    """What is no firmware is not reported as one."""
    [(_, reading)] = parse_sample(data)
    assert isinstance(reading, Reading)
    assert (reading.version_raw, reading.version_alt) == (raw, alt)


def test_the_version_is_no_part_of_the_model() -> None:
    """It would change with each update."""
    [(name, reading)] = parse_sample(telegram(first="/AQL5EM3 V3.04"))
    assert isinstance(reading, Reading)
    assert (name, reading.ids) == ("AQL5EM3 V3.04", ("dsmr:AQL5EM3",))


@pytest.mark.parametrize(
    "data",
    [
        telegram("1-0:0.2.0(1)").replace(b"\r\n", b"\n"),
        b"8.1(000004.426*kWh)\r\n!ABCD\r\n" + telegram("1-0:0.2.0(1)") + b"/AQL5EM3\r\n\r\n1-0:",
        telegram("1-0:0.2.0(2)", end="0000") + telegram("1-0:0.2.0(1)"),
        b"/AQL5EM3\r\n1-0:0.2.0(2)\r\n" + telegram("1-0:0.2.0(1)"),
        telegram("1-0:0.2.0(1)", end=""),
        telegram("1-0:0.2.0(1)").rstrip(),
        b"\0\xff" + telegram("1-0:0.2.0(1)"),
    ],
    ids=[
        "its line ends changed",
        "begun and ended in the middle of others",
        "behind one that is damaged",
        "behind one that was cut",
        "without a checksum, as in DSMR 2.2",
        "without the last line end",
        "behind what a port gives when it is opened",
    ],
)
def test_a_whole_telegram_is_found(data: bytes) -> None:
    """Wherever the recording begins."""
    [(_, reading)] = parse_sample(data)
    assert getattr(reading, "version_raw", None) == "1"


def test_a_checksum_of_three_digits() -> None:
    """One meter leaves out the zero in front."""
    data = next(whole for number in range(1000) if (whole := telegram(f"1-0:0.2.0({number})")) and whole[-6:-5] == b"0")
    assert parse_sample(data[:-6] + data[-5:])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (telegram(end="0000"), "crc"),
        (telegram(end="wxyz"), "crc"),
        (telegram()[:-8], "truncated"),
        (b"1-0:0.2.0(1)\r\n!0000\r\n", "garbled"),
        (b"/" + b"x" * 2000 + b"\r\n!\r\n", "garbled"),
    ],
    ids=["a wrong checksum", "a checksum that is none", "cut", "no beginning", "an endless identification"],
)
def test_what_is_no_telegram(data: bytes, reason: str) -> None:
    """Each has its reason."""
    with pytest.raises(LinkError) as caught:
        parse_sample(data)
    assert caught.value.reason == reason


def test_a_telegram_without_end_costs_bounded_memory() -> None:
    """Nor does one line without end."""
    for endless in (b"1-0:1.8.1(1)\r\n" * 100, b"1" * 1400):
        telegrams = Telegrams()
        telegrams.feed(b"/AQL5EM3\r\n")
        for _ in range(200):
            assert not telegrams.feed(endless)
            held = sum(map(len, telegrams._lines)) + len(telegrams._begun)
            assert held <= MAX_TELEGRAM_BYTES + len(endless)
