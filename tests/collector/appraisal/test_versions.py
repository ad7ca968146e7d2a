"""Section 9: how versions compare, scheme by scheme."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.appraisal import compare
from collector.appraisal.facts import Scheme
from collector.appraisal.versions import SCHEMES, Relation, Version, is_version, relate

MIRRORED = {"older": "newer", "newer": "older", "same": "same", "unknown": "unknown"}
ALPHABETS = {
    "uint32": "0123456789abxX",
    "sequence": "0123456789",
    "multipart-numeric": "012.vV",
    "semver": "012.-rcv+",
    "date-code": "0126-._",
    "vercmp": "01ab.~^-_",
    "opaque": "ab ",
}


@st.composite
def of_one_scheme(draw: st.DrawFn, count: int) -> tuple[str, list[str]]:
    """So many strings of the letters that a scheme uses, some of them its versions."""
    scheme = draw(st.sampled_from(SCHEMES))
    text = st.text(ALPHABETS[scheme], min_size=1, max_size=9)
    shaped = {
        "multipart-numeric": st.from_regex(r"v?[0-2](\.[0-2]){0,3}", fullmatch=True),
        "semver": st.from_regex(r"[0-2]\.[0-2]\.[0-2](-(rc\.)?[0-2a-b])?", fullmatch=True),
        "date-code": st.from_regex(r"20(24)?0[1-3]0[1-9]([-._][0-9])?", fullmatch=True),
    }.get(scheme, text)
    return scheme, draw(st.lists(shaped | text, min_size=count, max_size=count))


@given(of_one_scheme(2))
def test_a_comparison_read_backwards_is_its_mirror_image(drawn: tuple[Scheme, list[str]]) -> None:
    """If a is older than b, b is newer than a; and nothing is older than itself."""
    scheme, (a, b) = drawn
    assert compare(b, a, scheme) == MIRRORED[compare(a, b, scheme)]
    assert compare(a, a, scheme) in ("same", "unknown")


@settings(max_examples=200)
@given(of_one_scheme(3))
def test_comparisons_chain_within_a_scheme(drawn: tuple[Scheme, list[str]]) -> None:
    """Older than something older is older; what is the same compares the same with everything."""
    scheme, (a, b, c) = drawn
    first, second, across = compare(a, b, scheme), compare(b, c, scheme), compare(a, c, scheme)
    if first == second and first != "unknown":
        assert across == first
    if first == "same" and is_version(Version(a, scheme)) and is_version(Version(b, scheme)):
        assert across == second


@given(st.sampled_from(SCHEMES), st.sampled_from(SCHEMES), st.sampled_from(["1", "1.0.0", "20240501", "amber"]))
def test_versions_of_different_schemes_do_not_compare(one: Scheme, other: Scheme, text: str) -> None:
    """Not even a string with itself."""
    if one != other:
        assert relate(Version(text, one), Version(text, other)) is Relation.UNKNOWN


@given(st.sampled_from(SCHEMES), st.text(max_size=80), st.text(max_size=80))
def test_any_two_strings_can_be_compared(scheme: Scheme, a: str, b: str) -> None:
    """Whatever a device says is compared or unknown, never a fault."""
    assert compare(a, b, scheme) in MIRRORED


@pytest.mark.parametrize(
    ("sentence", "scheme", "a", "relation", "b"),
    [
        ("hexadecimal and decimal of one number are the same", "uint32", "0x0A", "same", "10"),
        ("the greatest number of 32 bits is a version", "uint32", "4294967295", "newer", "0xfffffffe"),
        ("a number of 33 bits is none", "uint32", "4294967296", "unknown", "1"),
        ("a capital X marks no hexadecimal number", "uint32", "0X0A", "unknown", "10"),
        ("a sign is no digit", "sequence", "+1", "unknown", "2"),
        ("the greatest sequence number has 64 bits", "sequence", "18446744073709551615", "newer", "1"),
        ("a sequence number of 65 bits is none", "sequence", "18446744073709551616", "unknown", "1"),
        ("digits of other scripts are no digits", "sequence", "\u0661", "unknown", "1"),
        ("missing parts are zero", "multipart-numeric", "v1", "same", "1.0.0"),
        ("numbers compare by value, not by letter", "multipart-numeric", "1.10", "newer", "1.9"),
        ("an empty part is no number", "multipart-numeric", "1..2", "unknown", "1.2"),
        ("a candidate is older than its release", "semver", "v1.0.0-rc.1", "older", "1.0.0"),
        ("a number in a candidate is older than a word", "semver", "1.0.0-1", "older", "1.0.0-a"),
        ("more identifiers are newer", "semver", "1.0.0-a.1", "newer", "1.0.0-a"),
        ("build metadata is ignored", "semver", "1.0.0+a", "same", "1.0.0+b"),
        ("a leading zero is not SemVer", "semver", "1.02.0", "unknown", "1.2.0"),
        ("two numbers are not SemVer", "semver", "1.0", "unknown", "1.0.0"),
        ("short and long years name one day", "date-code", "260301", "same", "2026.03.01"),
        ("a suffix is newer than none", "date-code", "2026-03-01_1", "newer", "20260301"),
        ("a suffix of seven digits is none", "date-code", "20260301-1234567", "unknown", "20260301"),
        ("29 February of a common year is no day", "date-code", "20260229", "unknown", "20260228"),
        ("runs of digits compare as numbers", "vercmp", "V1.0.10.98", "newer", "V1.0.10.9"),
        ("signs between runs do not matter", "vercmp", "1.0-2", "same", "1_0.2"),
        ("a tilde is older than nothing at all", "vercmp", "1.0~rc1", "older", "1.0"),
        ("a caret is newer than the end", "vercmp", "1.0^git1", "newer", "1.0"),
        ("a caret is older than any other rest", "vercmp", "1.0^git1", "older", "1.0.1"),
        ("a tilde is older than a caret", "vercmp", "1.0~", "older", "1.0^"),
        ("digits are newer than letters", "vercmp", "1.1", "newer", "1.a"),
        ("letters beyond ASCII are no version", "vercmp", "1.0é", "unknown", "1.0"),
        ("two names are not ordered", "opaque", "amber", "unknown", "basil"),
        ("a name is the same as itself between blanks", "opaque", " amber\r\n", "same", "\tamber\0"),
        ("nothing is not the same as nothing", "opaque", "", "unknown", " "),
        ("a string of 65 letters is the same as itself", "opaque", "a" * 65, "same", "a" * 65),
        ("an equal string that is no version is the same", "uint32", "?", "same", "?"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value.strip() else "",
)
def test_versions(sentence: str, scheme: Scheme, a: str, relation: str, b: str) -> None:
    """Each row says how the first version stands to the second."""
    assert sentence
    assert compare(a, b, scheme) == relation
