"""A fault in a document is told by its path, what was found and what was expected."""

from typing import Annotated, Literal

import msgspec
import pytest

from evidence.checked import CheckError, convert, parse


class Lamp(msgspec.Struct, forbid_unknown_fields=True):
    """A table of a document."""

    colour: Literal["red", "green"]
    day: Annotated[str, msgspec.Meta(pattern="^[0-9-]+$", description="a day such as 2026-03-10")] | int = 0
    watts: Annotated[int, msgspec.Meta(ge=1)] = 5


class House(msgspec.Struct, forbid_unknown_fields=True):
    """A document."""

    lamps: tuple[Lamp, ...] = ()
    porch: Lamp | None = None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("porsch = 1", "porsch: unknown key; expected one of lamps, porch", id="an unknown key"),
        pytest.param("porch = 1", "porch: found 1; expected `object | null`", id="a number for a table"),
        pytest.param("[porch]", "porch.colour: missing; it has no default", id="a key left out"),
        pytest.param(
            "[porch]\ncolour = 'red'\nwats = 1",
            "porch.wats: unknown key; expected one of colour, day, watts",
            id="an unknown key in a table that may be absent",
        ),
        pytest.param(
            "[[lamps]]\ncolour = 'blue'", "lamps[0].colour: found 'blue'; expected one of red, green", id="a word"
        ),
        pytest.param(
            "[[lamps]]\ncolour = 'red'\n[[lamps]]\ncolour = 'red'\nday = 'May'",
            "lamps[1].day: found 'May'; expected a day such as 2026-03-10",
            id="a text with a form of its own",
        ),
        pytest.param(
            "[porch]\ncolour = 'red'\nwatts = 'x'", "porch.watts: found 'x'; expected `int`", id="a text for a number"
        ),
        pytest.param("porch =", "the file: no TOML: Invalid value (at end of document)", id="no TOML"),
    ],
)
def test_a_fault_is_told(text: str, said: str) -> None:
    """In one line."""
    with pytest.raises(CheckError) as caught:
        convert(parse(text.encode()), House)
    assert str(caught.value) == said


def test_bytes_that_are_no_text_are_told_too() -> None:
    """Before anything else is looked at."""
    with pytest.raises(CheckError, match="the file: no TOML: 'utf-8'"):
        parse(b"\xff")


def test_a_path_may_begin_elsewhere() -> None:
    """Where the value is a part of a document."""
    with pytest.raises(CheckError) as caught:
        convert({"colour": 1}, Lamp, "read[2]")
    assert caught.value.path == "read[2].colour"
