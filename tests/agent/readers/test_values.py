"""Fields become model ids and addresses only where they can be."""

import pytest

from agent.readers import _values as values


@pytest.mark.parametrize(
    ("parts", "ids"),
    [
        (("Lumenta", "LB-980"), ("zigbee:Lumenta/LB-980",)),
        ((" Lumenta\0", "LB/980"), ("zigbee:Lumenta/LB%2F980",)),
        (("Lumenta", None), ()),
        (("Lumenta", " "), ()),
        (("Lumenta", 980), ("zigbee:Lumenta/980",)),
        (("Lumenta", "LB\n980"), ()),
        (("Lumenta", "x" * 512), ()),
        (("Lumenta", {"LB": 980}), ()),
    ],
    ids=[
        "both parts",
        "blanks, NULs and a slash",
        "a part is missing",
        "a part is blank",
        "a number",
        "a line break",
        "too long together",
        "something else",
    ],
)
def test_model_ids(parts: tuple[object, object], ids: tuple[str, ...]) -> None:
    """Half an id, or one that no report may carry, is none."""
    assert values.model_ids("zigbee", parts) == ids


def test_model_ids_are_sorted_and_each_once() -> None:
    """As a report wants them, and no more than it carries."""
    assert values.model_ids("os", ["b"], ["a"], ["b"]) == ("os:a", "os:b")
    assert len(values.model_ids("os", *([str(number)] for number in range(100)))) == 64


@pytest.mark.parametrize("written", ["A4:CF:12:34:56:78", "a4-cf-12-34-56-78", "a4cf12345678"])
def test_one_mac_address_is_one_identity(written: str) -> None:
    """However it is written."""
    assert values.mac(written) == "mac:a4cf12345678"


@pytest.mark.parametrize("written", ["", "a4:cf:12:34:56", "a4cf1234567x", None, 123456789012])
def test_what_is_no_mac_address(written: object) -> None:
    """Is no identity."""
    assert values.mac(written) is None
