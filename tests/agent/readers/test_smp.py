"""Which image counts, what OS info says, and how packets are found between the lines of a console."""

import base64
import binascii
import struct
from typing import Any

import cbor2
import pytest

from agent.errors import LinkError
from agent.readers import ReadFailure, Reading
from agent.readers.smp import parse_sample, parse_system

IMAGES, SYSTEM, ECHO, PARAMETERS = (1, 0), (0, 7), (0, 0), (0, 6)


def packet(about: tuple[int, int], body: Any, operation: int = 1, damage: int = 0) -> bytes:
    """A packet as it goes over the line."""
    data = cbor2.dumps(body)
    content = struct.pack(">BBHHBB", operation, 0, len(data), about[0], 7, about[1]) + data
    content += (binascii.crc_hqx(content, 0) ^ damage).to_bytes(2, "big")
    text = base64.b64encode(len(content).to_bytes(2, "big") + content)
    parts = [text[place : place + 124] for place in range(0, len(text), 124)]
    return b"".join((b"\x04\x14" if place else b"\x06\x09") + part + b"\n" for place, part in enumerate(parts))


def image(version: object, *, active: object = True, **rest: object) -> dict[str, object]:
    """One entry of an image list."""
    return {"slot": 0, "version": version, "hash": b"\x11" * 32, "active": active, **rest}


def version(data: bytes) -> str | None:
    """The version of the one device."""
    [(name, outcome)] = parse_sample(data) or []
    assert name == "self"
    assert isinstance(outcome, Reading)
    return outcome.version_raw


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([image("1.5.0", active=False, slot=1), image("1.4.2.7")], "1.4.2.7"),
        ([image("9.0.0", image=1), image("1.0.0", image=0)], "1.0.0"),
        ([image("9.0.0", active=1), image("1.0.0", active=False)], None),
        ([image("0.0.0")], "0.0.0"),
        ([image(b"1.0.0"), 7, None], None),
        ("1.0.0", None),
    ],
    ids=[
        "the active one, whatever its slot",
        "the first core's",
        "none is active",
        "a version of zeros",
        "a version that is no text",
        "no list",
    ],
)
def test_images(images: object, expected: str | None) -> None:
    """The image that runs has the version."""
    assert version(packet(IMAGES, {"images": images})) == expected


def test_an_empty_list_of_images_is_no_reading() -> None:
    """A bootloader without an application says nothing of one."""
    assert parse_sample(packet(IMAGES, {"images": [], "splitStatus": 0})) == []


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "Zephyr unknown 684c9e8f32e4 4.4.0 Wed Jun  3 22:19:37 2026 posix x86 native_sim/native Zephyr",
            "native_sim/native",
        ),
        ("Zephyr my lock v3.7.0-12-g1234567 3.7.1-rc2 arm cortex-m4 lock/nrf52840 Zephyr", "lock/nrf52840"),
        ("4.4.0", None),
        ("Zephyr 4.4.0 x86", None),
        ("Zephyr", None),
        (None, None),
    ],
    ids=[
        "whole",
        "without a date, with a node of two words",
        "the release alone",
        "a part",
        "the kernel alone",
        "nothing",
    ],
)
def test_system(output: object, expected: str | None) -> None:
    """The board is known from the whole text only; the release wherever it stands alone."""
    release, board = parse_system(output)
    assert board == expected
    assert (release is None) == (output in (None, "Zephyr"))


def test_system_and_images_together() -> None:
    """The image's version, the system's board."""
    data = packet(IMAGES, {"images": [image("1.2.3")]}) + packet(
        SYSTEM, {"output": "Zephyr unknown 684c9e8f32e4 4.4.0 arm cortex-m4 lock Zephyr"}
    )
    [(_, reading)] = parse_sample(data) or []
    assert isinstance(reading, Reading)
    assert (reading.version_raw, reading.ids, reading.image_digest) == ("1.2.3", ("smp:lock",), b"\x11" * 32)


def test_the_console_talks_in_between() -> None:
    """Its lines are passed over, wherever they come."""
    first, *others = packet(IMAGES, {"images": [image("1.2.3"), image("1.2.4", active=False)]}).splitlines(
        keepends=True
    )
    assert others
    assert version(b"boot\r\nuart:~$ " + first + b"[00:01] <inf> x\r\n" + b"".join(others) + b"bye\n") == "1.2.3"


@pytest.mark.parametrize("body", [{"rc": 8}, {"err": {"group": 1, "rc": 2}}], ids=["version 1", "version 2"])
@pytest.mark.parametrize("about", [IMAGES, SYSTEM, PARAMETERS])
def test_an_error_is_an_answer(about: tuple[int, int], body: dict[str, object]) -> None:
    """The device is there, and states no version."""
    [(_, outcome)] = parse_sample(packet(about, body)) or []
    assert isinstance(outcome, ReadFailure)
    assert outcome.result == "refused"


@pytest.mark.parametrize(
    "data",
    [packet(IMAGES, {}, operation=0), packet(ECHO, {"r": "x"}), packet(SYSTEM, {}, operation=2)],
    ids=["a request", "an echo", "a request to write"],
)
def test_what_is_no_reading(data: bytes) -> None:
    """Nobody answered."""
    assert parse_sample(data) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (packet(IMAGES, {"images": [image("1.2.3")]}, damage=1), "crc"),
        (packet(IMAGES, {"images": [image("1.2.3")]})[:98], "truncated"),
        (packet(IMAGES, [1]), "garbled"),
        (packet(IMAGES, cbor2.CBORTag(35, "(a+)+")), "garbled"),
        (b"\x06\x09****\n", "garbled"),
        (b"uart:~$ \r\n", "garbled"),
    ],
    ids=["a flipped bit", "half of it", "no map", "a tag", "no base64", "only a console"],
)
def test_damaged_packets(data: bytes, reason: str) -> None:
    """Each has its reason."""
    with pytest.raises(LinkError) as caught:
        parse_sample(data)
    assert caught.value.reason == reason
