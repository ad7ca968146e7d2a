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
# What CSAF's mandatory test 6.1.31 looks for in a product version, and lists.
_NO_VERSION: Final = re.compile(
    r"[<>|,;*]|\s-\s|\b(?:after|all|and|any|before|earlier|later|or|prior|through|to|until|versions?)\b", re.IGNORECASE
)


def version(name: str) -> list[Range] | None:
    """The one version of a `product_version`; None where the name says something else or more."""
    if _NO_VERSION.search(name):
        return ranges(name)
    return [{"exact": name}]


def ranges(name: str) -> list[Range] | None:
    """The ranges of a `product_version_range`; None where they are not all of a form that has one meaning."""
    if name == "vers:all/*":
        return [{"all": True}]
    specifier = _VERS.fullmatch(name)
    constraints = [_CONSTRAINT.fullmatch(part.strip()) for part in (specifier[1] if specifier else name).split("|")]
    if any(constraint is None for constraint in constraints):
        return None
    found = [(part[1] or "", part[2]) for part in constraints if part is not None]
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
