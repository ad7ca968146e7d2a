"""What the three objects of a Modbus identification say, and when they say nothing."""

import pytest

from agent.errors import LinkError
from agent.readers.modbus_device_id import parse_identification


@pytest.mark.parametrize(
    ("objects", "version", "ids"),
    [
        ({0: b"Lumenta", 1: b"EM-9", 2: b"1.2.17"}, "1.2.17", ("modbus:Lumenta/EM-9",)),
        ({0: b"Lumenta  ", 1: b"EM-9\0\0", 2: b" V1.2\xff\xff"}, "V1.2", ("modbus:Lumenta/EM-9",)),
        ({0: b"M\xfcller", 1: b"EM-9", 2: b"1.2"}, "1.2", ("modbus:Müller/EM-9",)),
        ({2: b"1.2"}, "1.2", ()),
        ({0: b"Lumenta", 1: b"EM-9"}, None, ("modbus:Lumenta/EM-9",)),
        ({0: b"Lumenta", 1: b"EM-9", 2: b"\xff\xff\xff"}, None, ("modbus:Lumenta/EM-9",)),
        ({0: b"Lumenta", 1: b"EM-9", 2: b"1.2", 6: b"hall", 0x80: b"9.9"}, "1.2", ("modbus:Lumenta/EM-9",)),
    ],
    ids=[
        "all three",
        "padded",
        "in Latin-1",
        "the revision alone",
        "no revision",
        "nothing but padding",
        "objects that nobody asked for",
    ],
)
def test_objects(objects: dict[int, bytes], version: str | None, ids: tuple[str, ...]) -> None:
    """The revision is the version; vendor and product together are the model."""
    reading = parse_identification("link:/dev/ttyUSB0/1", objects)
    assert (reading.version_raw, reading.ids) == (version, ids)


def test_a_revision_that_is_no_text() -> None:
    """Two bytes of a number are not guessed at."""
    with pytest.raises(LinkError) as caught:
        parse_identification("link:/dev/ttyUSB0/1", {2: b"\x02\x04"})
    assert caught.value.reason == "garbled"
