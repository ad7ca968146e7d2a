"""Names that both sides use: topics, model ids, device ids."""

import pytest

from evidence import ids

TOPICS = {
    "a gateway's reports": ("updateplicht/1/7d/7d" + "00" * 15 + "/report", ("7d" + "00" * 15, "report")),
    "the wrong shard": ("updateplicht/1/7e/7d" + "00" * 15 + "/report", None),
    "another version": ("updateplicht/2/7d/7d" + "00" * 15 + "/report", None),
    "capitals": ("updateplicht/1/7D/7D" + "00" * 15 + "/report", None),
    "a level more": ("updateplicht/1/7d/7d" + "00" * 15 + "/report/x", None),
    "a line end": ("updateplicht/1/7d/7d" + "00" * 15 + "/report\n", None),
    "a wildcard": ("updateplicht/1/+/+/report", None),
}


@pytest.mark.parametrize(("name", "parts"), TOPICS.values(), ids=TOPICS)
def test_topics(name: str, parts: tuple[str, str] | None) -> None:
    """Only topics of this version in their own shard are ours."""
    assert ids.parse_topic(name) == parts
    if parts is not None:
        assert ids.topic(*parts) == name


MODEL_IDS = {
    "blanks and NULs go": (("dsmr", " KFM5KAIFA-METER \0"), "dsmr:KFM5KAIFA-METER"),
    "a slash inside a part is written out": (("zigbee", "IKEA/of Sweden", "E27"), "zigbee:IKEA%2Fof Sweden/E27"),
    "half an id is none": (("zigbee", "IKEA", None), None),
    "an empty part is none": (("zigbee", "IKEA", "  "), None),
}


@pytest.mark.parametrize(("parts", "expected"), MODEL_IDS.values(), ids=MODEL_IDS)
def test_model_ids(parts: tuple[str, ...], expected: str | None) -> None:
    """A model id is made in one way, and is one."""
    made = ids.model_id(*parts)
    assert made == expected
    assert ids.is_model_id(made) == (expected is not None)


def test_device_ids_hide_what_they_name() -> None:
    """Two gateways that see one device give two ids, each always the same one."""
    first, second = (ids.device_id(bytes([secret]) * 32, "ieee:00158d0001e29ff0") for secret in (1, 2))
    assert first != second
    assert ids.device_id(bytes([1]) * 32, "ieee:00158d0001e29ff0") == first
    assert ids.is_id(first)
    assert ids.from_ueid(ids.to_ueid(first), "") == first


def test_a_namespace_has_to_be_in_the_vocabulary() -> None:
    """A reader that invents one is told where to write it down."""
    with pytest.raises(ValueError, match=r"evidence/ids\.py"):
        ids.model_id("no-such", "x")
