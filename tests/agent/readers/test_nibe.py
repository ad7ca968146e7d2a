"""How a product frame is found in what a heat pump says."""

from functools import reduce
from operator import xor

import pytest

from agent.errors import LinkError
from agent.readers import Reading
from agent.readers.nibe import Frames, parse_sample


def frame(data: bytes, command: int = 0x6D, damage: int = 0) -> bytes:
    """A frame with the checksum that fits, a 5C in the data sent twice."""
    doubled = data.replace(b"\x5c", b"\x5c\x5c")
    body = bytes([0x00, 0x20, command, len(doubled)]) + doubled
    checksum = reduce(xor, body[1:])
    return b"\x5c" + body + bytes([(0xC5 if checksum == 0x5C else checksum) ^ damage])


def product(model: bytes = b"B1-6", version: int = 9443) -> bytes:
    """The data of a product frame."""
    return b"\x01" + version.to_bytes(2, "big") + model


# A version for which the checksum is 5C, which is sent as C5.
ODD = next(
    number
    for number in range(65536)
    if b"\x5c" not in product(version=number) and frame(product(version=number))[-1] == 0xC5
)


@pytest.mark.parametrize(
    ("data", "model", "version"),
    [
        (frame(product()), "B1-6", "9443"),
        (frame(product(b"B1-6 R  ", 0x255C)), "B1-6 R", str(0x255C)),
        (frame(product(version=ODD)), "B1-6", str(ODD)),
        (b"\x06\x5c\x00" + frame(b"\x48\xa9\x27\x00", 0x68) + frame(product()), "B1-6", "9443"),
        (frame(product(b"B2"), damage=1) + frame(product()), "B1-6", "9443"),
        (frame(product())[:9] + frame(product()), "B1-6", "9443"),
    ],
    ids=[
        "alone",
        "a 5C in the data, and padding",
        "a checksum of 5C",
        "behind noise and other frames",
        "behind one that is damaged",
        "behind one that was cut",
    ],
)
def test_the_product_is_found(data: bytes, model: str, version: str) -> None:
    """Wherever listening began, and however the bytes come."""
    [(name, reading)] = parse_sample(data.hex().encode()) or []
    assert isinstance(reading, Reading)
    assert (name, reading.version_raw, reading.ids) == (model, version, (f"nibe:{model}",))
    frames = Frames()
    assert any(frames.feed(bytes([byte])) for byte in data)
    assert frames.product


def test_other_frames_are_no_reading() -> None:
    """They are measurements."""
    assert parse_sample(frame(b"\x48\xa9", 0x68).hex().encode()) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(product(), damage=1), "crc"),
        (frame(product())[:-3], "truncated"),
        (frame(product(b"")), "garbled"),
        (frame(product(b"\x01\x02")), "garbled"),
        (b"\xde\xad", "garbled"),
    ],
    ids=["damaged", "cut", "of nothing", "of no text", "noise"],
)
def test_what_is_no_product(data: bytes, reason: str) -> None:
    """Each has its reason."""
    with pytest.raises(LinkError) as caught:
        parse_sample(data.hex().encode())
    assert caught.value.reason == reason


def test_noise_costs_bounded_memory() -> None:
    """However long it goes on."""
    frames = Frames()
    for _ in range(100):
        assert not frames.feed(b"\x5c\x5c\xff\xff\xff" * 800)
        assert len(frames._seen) < 512
