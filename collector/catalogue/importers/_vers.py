"""The versions that a branch of a CSAF 2.0 product tree names (sections 3.1.2.3.1 and 3.1.2.3.2), as ranges.

The standard allows one version, a version range specifier (`vers:semver/>=2.0|<3.1`), or as a last resort only the
constraints of one (`<4.4.2`). What fits is turned into ranges with the same meaning; what says anything beyond, such as
`>`, `!=`, a bare list without `vers:`, or words, is left to the caller as free text. Versions are never compared here.
"""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

Range = dict[str, Any]

_VERS: Final = re.compile(r"vers:[a-z0-9.+-]+/(.+)", re.ASCII)
_CONSTRAINT: Final = re.compile(r"(<=|>=|<|=)?\s*([^\s<>=!|,;*]+)")
# What CSAF's mandatory test 6.1.31 looks for in a product version, and lists; and what else people write in place of
# one: a dash or blank between two versions, `1.x`, `4.5+`, and that there is none.
_NO_VERSION: Final = re.compile(
    r"[<>=\u2264\u2265|,;*&?/\u2010-\u2015]|\.\.|\s-\s|\.\d+[\s-]+v?\d+\.\d|[.\s]x\b|^\W*$|^[~^]|\+$"
    r"|\b(?:above|after|all|and|any|before|below|current|earlier|from|higher|later|latest|less|lower|newer|none|null|older|or"
    r"|prior|since|tba|tbd|than|through|thru|to|undefined|unknown|unspecified|until|up|versions?"
    r"|ab|alle|bis|oder|und|versionen|vor|of|ouder|tot|vanaf)\b",
    re.IGNORECASE,
)


def is_one(name: str) -> bool:
    """Whether this may be one version: no span, no list, no word for none."""
    return _NO_VERSION.search(name) is None


def version(name: str) -> list[Range] | None:
    """The one version of a `product_version`; None where the name says something else or more."""
    return [{"exact": name}] if is_one(name) else ranges(name)


def ranges(name: str) -> list[Range] | None:
    """The ranges of a `product_version_range`; None where they are not all of a form that has one meaning."""
    specifier = _VERS.fullmatch(name)
    if specifier and specifier[1] == "*":
        return [{"all": True}]
    constraints = [_CONSTRAINT.fullmatch(part.strip()) for part in (specifier[1] if specifier else name).split("|")]
    found = [(part[1] or "", part[2]) for part in constraints if part is not None and is_one(part[2])]
    if len(found) < len(constraints):
        return None
    if specifier:
        return _combined((operator or "=", unquote(text)) for operator, text in found)
    return _combined(found)


def _combined(constraints: Iterable[tuple[str, str]]) -> list[Range] | None:
    """Constraints stand in the order of their versions: a lower bound goes with the upper bound after it."""
    found: list[Range] = []
    lower: str | None = None
    for operator, text in constraints:
        if operator == ">=" and lower is None:
            lower = text
        elif operator == "=" and lower is None:
            found.append({"exact": text})
        elif operator in ("<", "<=") and (lower is not None or not found):
            upper = {"before" if operator == "<" else "through": text}
            found.append(upper if lower is None else {"from": lower, **upper})
            lower = None
        else:
            return None
    return found if lower is None else [*found, {"from": lower}]
