"""Files of ill will or of nobody's making: an importer lists them, and what it lets through is sound."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.appraisal.facts import parse_fact
from collector.catalogue.importers import Imported, load, names
from collector.catalogue.importers._sheet import MAX_DRAFTS, MAX_FAULTS, MAX_SKIPPED, MAX_SNIPPET, Sheet
from evidence import statement
from evidence.statement import Statement
from tests.collector.importers.test_fixtures import CASES

DOCUMENTS = {
    (case.parent.name, path): path.read_bytes()
    for case in CASES
    for path in sorted(case.iterdir())
    if path.name != "expected.json"
}
WHEN = "2026-11-20T12:00:00Z"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["tba", "<", "vers:all/*", "9999-99-99", "\ud800", "a" * 600, "0001-01-01T00:00:00+23:59", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def check(found: Imported) -> None:
    """Every draft can be signed and is a fact; everything listed is bounded and can be stored."""
    for draft in found.drafts:
        fields = {**draft.fields, **dict.fromkeys(draft.seen, WHEN)}
        statement.encode(Statement(kind=draft.kind, asserted_at=draft.asserted_at or WHEN, fields=fields))
        needed = {"manufacturer": "nobody"} if draft.kind == "model" else {}
        parse_fact({**needed, **fields, "id": "x", "kind": draft.kind, "recorded_at": WHEN, "issuer": "third_party:x"})
    for skipped in found.skipped:
        assert skipped.reason
        assert len(skipped.snippet) <= MAX_SNIPPET
        for text in (skipped.place, skipped.detail, skipped.snippet):
            assert text.isprintable()


@pytest.mark.parametrize(
    ("format_", "path"), DOCUMENTS, ids=[f"{name}: {path.parent.name}" for name, path in DOCUMENTS]
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 6))
def test_damaged_bytes_are_read_or_listed(format_: str, path: Path, seed: int, cuts: int) -> None:
    """Bytes that were changed, cut or doubled never end the import."""
    data = bytearray(DOCUMENTS[format_, path])
    chance = random.Random(seed)
    for _ in range(cuts):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randrange(12))
        data[start:end] = chance.choice(
            [b"", bytes([chance.randrange(256)]), data[start:end] * 2, b'"', b"[{", b"\n- &a "]
        )
    check(load(format_).parse(bytes(data), path.name))


def replaced(value: Any, target: int, new: Any, counter: list[int]) -> Any:
    """The value with its part of that number, counted depth first, replaced."""
    counter[0] += 1
    if counter[0] == target:
        return new
    if isinstance(value, dict):
        return {key: replaced(part, target, new, counter) for key, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, target, new, counter) for part in value]
    return value


@pytest.mark.parametrize(
    ("format_", "path"),
    [key for key in DOCUMENTS if key[1].suffix == ".json"],
    ids=[f"{name}: {path.parent.name}" for name, path in DOCUMENTS if path.suffix == ".json"],
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.integers(1, 400), values), min_size=1, max_size=3))
def test_wrong_types_anywhere_are_listed(format_: str, path: Path, changes: list[tuple[int, Any]]) -> None:
    """Whatever stands where something else should, the rest still goes in."""
    try:
        document = json.loads(DOCUMENTS[format_, path])
    except ValueError:
        return
    for target, new in changes:
        document = replaced(document, target, new, [0])
    check(load(format_).parse(json.dumps(document).encode(), path.name))


@pytest.mark.parametrize("format_", names())
@settings(max_examples=50)
@given(data=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_listed(format_: str, data: bytes) -> None:
    """Bytes of any kind give drafts or at least one word on why not."""
    found = load(format_).parse(data, "x")
    check(found)
    assert found.drafts or found.skipped or json.loads(data) in ([], {})


def nested(opening: bytes, closing: bytes) -> bytes:
    """A hundred thousand of them inside each other."""
    return opening * 100_000 + closing * 100_000


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "arrays nested beyond any need": ("csaf", lambda: nested(b"[", b"]"), "too_large"),
    "objects nested beyond any need": ("openeox", lambda: nested(b'{"a":', b"") + b"1", "too_large"),
    "branches nested beyond any need": (
        "csaf",
        lambda: (
            b'{"document":{"csaf_version":"2.0","title":"t","tracking":{"status":"final","id":"i"}},'
            b'"vulnerabilities":[{}],"product_tree":' + b'{"branches":[' * 200 + b"]}" * 200 + b"}"
        ),
        "too_large",
    ),
    "more values than memory": ("zigbee_ota", lambda: b"[" + b"{}," * 6_000_000 + b"{}]", "too_large"),
    "a number of a million digits": ("matter_dcl", lambda: b'{"model":' + b"9" * 1_000_000 + b"}", "malformed"),
    "an object of many keys, one of them twice": (
        "openeox",
        lambda: b"{" + b",".join(b'"%d":0' % number for number in range(300_000)) + b',"0":0}',
        "malformed",
    ),
    "an infinite number": ("ikea", lambda: b"[Infinity]", "malformed"),
    "elements nested beyond any need": ("appstream", lambda: nested(b"<a>", b"</a>"), "too_large"),
    "an attribute twice": ("appstream", lambda: b"<component type='a' type='b'/>", "malformed"),
    "an encoding that nobody knows": (
        "appstream",
        lambda: b"<?xml version='1.0' encoding='klingon'?><a/>",
        "encoding",
    ),
    "sequences nested beyond any need": ("endoflife", lambda: b"---\na: " + b"[" * 5000 + b"\n---\n", "too_large"),
    "a tag that makes objects": (
        "endoflife",
        lambda: b"---\ncategory: !!python/object/apply:os.system [true]\n---\n",
        "other_meaning",
    ),
    "no end of the front matter": ("endoflife", lambda: b"---\ncategory: device\n", "format"),
    "bytes that are no text": ("openeox", lambda: b'{"a": "\xff"}', "encoding"),
}


@pytest.mark.parametrize(("format_", "make", "reason"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_listed_and_costs_little(format_: str, make: Callable[[], bytes], reason: str) -> None:
    """What would cost memory or time beyond its size is refused before it does."""
    data = make()
    begun = time.process_time()
    found = load(format_).parse(data, "x")
    assert time.process_time() - begun < 10
    assert found.drafts == ()
    assert reason in {str(skipped.reason) for skipped in found.skipped}


def test_time_grows_with_the_file_and_no_faster() -> None:
    """Thirty thousand products, each of a model of its own, in a group, scored, fixed and affected by one hole."""
    count = 30_000
    ids = [f"P{number}" for number in range(count)]
    tracking = {"id": "A-1", "status": "final", "initial_release_date": WHEN, "current_release_date": WHEN}
    branches = [
        {"category": "product_name", "name": each, "product": {"name": each, "product_id": each}} for each in ids
    ]
    document = {
        "document": {"csaf_version": "2.0", "title": "Acme", "tracking": tracking},
        "product_tree": {
            "branches": [{"category": "vendor", "name": "Acme", "branches": branches}],
            "product_groups": [{"group_id": "G", "product_ids": ids}],
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2026-30001",
                "product_status": {"known_affected": ids},
                "scores": [{"products": ids, "cvss_v3": {"baseSeverity": "HIGH"}}] * 3,
                "remediations": [{"category": "no_fix_planned", "group_ids": ["G"]}] * 1000,
            }
        ],
    }
    data = json.dumps(document).encode()
    begun = time.process_time()
    found = load("csaf").parse(data, "x")
    assert time.process_time() - begun < 20
    assert len(found.drafts) == 2 * count
    assert {draft.fields.get("no_fix") for draft in found.drafts} == {None, "no_fix_planned"}


def test_what_is_listed_of_one_file_is_bounded() -> None:
    """Beyond the bound it is counted, so that a hostile index does not fill the register."""
    sheet = Sheet("x")
    for number in range(MAX_SKIPPED + 5):
        sheet.skip(str(number), "no_scheme", "no scheme")
    skipped = sheet.imported().skipped
    assert len(skipped) == MAX_SKIPPED + 1
    assert skipped[-1].detail.startswith("5 more")


def test_a_document_that_makes_no_sense_is_not_read_to_its_end() -> None:
    """It is listed that it was not."""
    images = ["an image"] * (MAX_FAULTS + 5)
    found = load("sonoff").parse(json.dumps(images).encode(), "x")
    assert len(found.skipped) == MAX_FAULTS + 1
    assert "what follows was not read" in found.skipped[-1].detail


def test_what_is_taken_from_one_file_is_bounded() -> None:
    """A file cannot put more on record than any feed has."""
    entry = {"imageType": 1, "manufacturerCode": 1}
    entries = [{**entry, "fileVersion": number} for number in range(MAX_DRAFTS + 5)]
    found = load("zigbee_ota").parse(json.dumps(entries).encode(), "x")
    assert len(found.drafts) == MAX_DRAFTS
    assert {str(skipped.reason) for skipped in found.skipped} == {"too_large"}
