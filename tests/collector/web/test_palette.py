"""The colours can be told apart from their ground (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from tests.shared import ROOT

STYLE = (ROOT / "collector/web/static/style.css").read_text()
GROUNDS = ("paper", "card", "faint")
TEXT = ("ink", "soft", "level-b", "level-a", "level-c", "level-n", "level-ok")
GRAPHICS = ("owed", "extended", "accent")


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return {"light": found[0], "dark": found[0] | found[1]}


SCHEMES = _schemes()


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", TEXT)
def test_text_can_be_read(scheme: str, ground: str, colour: str) -> None:
    """At least 4.5 to 1 for every colour of text on every ground, by day and by night."""
    colours = SCHEMES[scheme]
    assert _contrast(colours[colour], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("colour", "ground"), [("on-accent", "accent"), ("banner", "banner-bg")])
def test_text_on_a_colour_can_be_read(scheme: str, colour: str, ground: str) -> None:
    """Buttons and banners too."""
    assert _contrast(SCHEMES[scheme][colour], SCHEMES[scheme][ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("colour", GRAPHICS)
def test_pictures_can_be_seen(scheme: str, colour: str) -> None:
    """At least 3 to 1 for what a picture or the focus is drawn in."""
    assert _contrast(SCHEMES[scheme][colour], SCHEMES[scheme]["card"]) >= 3
    assert _contrast(SCHEMES[scheme][colour], SCHEMES[scheme]["paper"]) >= 3


def test_the_style_loads_nothing() -> None:
    """No import, no picture, no font from anywhere."""
    assert "@import" not in STYLE
    assert "url(" not in STYLE
    assert "@font-face" not in STYLE
