"""Section 9: how two versions compare, by scheme."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
NUMBER = r"(?:0|[1-9][0-9]*)"
SEMVER = re.compile(
    rf"[vV]?({NUMBER})\.({NUMBER})\.({NUMBER})(?:-({IDENTIFIER}(?:\.{IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
DATE_CODE = re.compile(
    r"(?:([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})\.([0-9]{2})\.([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2})"
    r"|([0-9]{2})([0-9]{2})([0-9]{2}))(?:[-._]([0-9]{1,6}))?"
)


def stripped(text: str) -> str:
    """Without spaces, tabs, line ends and NUL around it."""
    return text.strip(" \t\r\n\0")


def uint32(text: str) -> Any:
    """`0x` and hex digits, or digits; below 2³²."""
    if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) and int(text) < 2**32 else None


def sequence(text: str) -> Any:
    """Digits; below 2⁶⁴."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) and int(text) < 2**64 else None


def multipart(text: str) -> Any:
    """Numbers joined by dots; trailing zeros say nothing."""
    if not re.fullmatch(r"[vV]?[0-9]+(\.[0-9]+)*", text):
        return None
    numbers = [int(part) for part in text.lstrip("vV").split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def semver(text: str) -> Any:
    """SemVer 2.0.0: a pre-release is before its release, numbers before words."""
    match = SEMVER.fullmatch(text)
    if not match:
        return None
    names = match[4].split(".") if match[4] else []
    order = [(0, int(name), "") if name.isdigit() else (1, 0, name) for name in names]
    return [int(match[part]) for part in (1, 2, 3)], not names, order


def date_code(text: str) -> Any:
    """A real day, then a suffix."""
    match = DATE_CODE.fullmatch(text)
    if not match:
        return None
    year, month, day = [int(part) for part in match.groups()[:12] if part is not None]
    try:
        return date(year + 2000 if match[10] else year, month, day), int(match[13] or 0)
    except ValueError:
        return None


ORDERED: dict[str, Callable[[str], Any]] = {
    "uint32": uint32,
    "sequence": sequence,
    "multipart-numeric": multipart,
    "semver": semver,
    "date-code": date_code,
}


def is_version(text: str | None, scheme: str) -> bool:
    """Whether the table's second column holds for it."""
    text = stripped(text or "")
    if not text or len(text) > 64:
        return False
    if scheme == "opaque":
        return True
    if scheme == "vercmp":
        return text.isascii() and bool(re.search(r"[0-9A-Za-z]", text))
    return ORDERED[scheme](text) is not None


def compare(a: str, a_scheme: str, b: str, b_scheme: str) -> str:
    """How a stands to b: `older`, `same`, `newer` or `unknown`."""
    if a_scheme != b_scheme:
        return "unknown"
    a, b = stripped(a), stripped(b)
    if a == b and a:
        return "same"
    if not is_version(a, a_scheme) or not is_version(b, b_scheme) or a_scheme == "opaque":
        return "unknown"
    if a_scheme == "vercmp":
        return vercmp(a, b)
    left, right = ORDERED[a_scheme](a), ORDERED[a_scheme](b)
    return "same" if left == right else "older" if left < right else "newer"


def vercmp(a: str, b: str) -> str:
    """Runs of digits and of letters, one after another, with `~` before and `^` after the end."""
    while a or b:
        a, b = (re.sub(r"^[^0-9A-Za-z~^]+", "", rest) for rest in (a, b))
        if "~" in (a[:1], b[:1]):
            if a[:1] != b[:1]:
                return "older" if a[:1] == "~" else "newer"
            a, b = a[1:], b[1:]
            continue
        if "^" in (a[:1], b[:1]):
            if a[:1] != b[:1]:
                first, other = ("newer", b) if a[:1] == "^" else ("older", a)
                return first if not other else {"newer": "older", "older": "newer"}[first]
            a, b = a[1:], b[1:]
            continue
        if not a or not b:
            break
        digits = a[0].isdigit()
        run = re.compile(r"[0-9]*" if digits else r"[A-Za-z]*")
        one, two = (run.match(rest)[0] for rest in (a, b))  # type: ignore[index]  # a run may be empty, so it matches
        if not two:
            return "newer" if digits else "older"
        left, right = (int(one), int(two)) if digits else (one, two)
        if left != right:
            return "older" if left < right else "newer"  # type: ignore[operator]  # both are numbers or both are text
        a, b = a[len(one) :], b[len(two) :]
    return "same" if not a and not b else "newer" if a else "older"
