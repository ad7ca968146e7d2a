"""What is no case, and what holds an invalid fact: each is told in its place, and the others are answered."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.collector.appraisal.test_appraise_command import OWN, run
from tests.collector.appraisal.test_facts import REFUSED

GOOD = (OWN / "given-as-a-present.json").read_bytes()
CASE: dict[str, Any] = json.loads(GOOD)
FLEET: dict[str, Any] = {"model": "terp/klimaat-2", "shared": [], "households": []}


def written(**changes: Any) -> bytes:
    """The good case, changed; None takes a field away."""
    return json.dumps({name: value for name, value in {**CASE, **changes}.items() if value is not None}).encode()


def fleet(**changes: Any) -> bytes:
    """A fleet as a case."""
    return written(facts=None, fleet={**FLEET, **changes})


def household(**changes: Any) -> bytes:
    """A fleet of one household."""
    return fleet(households=[{"household": "h", "devices": [], **changes}])


NO_CASES: dict[str, bytes] = {
    "an empty file": b"",
    "a file torn in the middle": GOOD[: len(GOOD) // 2],
    "words": b"hello",
    "two cases in one file": GOOD + GOOD,
    "a list of cases": b"[" + GOOD + b"]",
    "null": b"null",
    "another encoding of Unicode": GOOD.decode().encode("utf-16"),
    "an encoding of western Europe": GOOD.replace(b"present", "pr\u00e9sent".encode("latin-1")),
    "half a surrogate pair": GOOD.replace(b"The", b"\\ud800", 1),
    "a number that is none": GOOD.replace(b'{"id"', b'{"x": NaN, "id"', 1),
    "a number without end": GOOD.replace(b'{"id"', b'{"x": -Infinity, "id"', 1),
    "a number beyond every float": GOOD.replace(b'{"id"', b'{"x": 1e999, "id"', 1),
    "a number of five thousand digits": GOOD.replace(b'{"id"', b'{"x": ' + b"9" * 5000 + b', "id"', 1),
    "lists a hundred thousand deep": GOOD.replace(b'{"id"', b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "id"', 1),
    "an instant that stands twice": GOOD.replace(b'"at"', b'"at": "2026-01-01T00:00:00Z", "at"', 1),
    "a fact of two kinds": GOOD.replace(b'"kind": "sale"', b'"kind": "unit", "kind": "sale"', 1),
    "a case without its sentence": written(case=None),
    "a case without an instant": written(at=None),
    "a case judged yesterday": written(at="yesterday"),
    "a case judged in a leap second": written(at="2026-12-31T23:59:60Z"),
    "a case known at an instant with an offset": written(known="2027-03-01T08:00:00+01:00"),
    "a case without a policy": written(policy=None),
    "a policy that nobody wrote": written(policy="2099"),
    "a policy that climbs out of its directory": written(policy="../policies/2026-11-a"),
    "a policy named by a list": written(policy=["2026-11-a"]),
    "neither facts nor a fleet": written(facts=None),
    "both facts and a fleet": written(fleet=FLEET),
    "facts that are no list": written(facts={"id": "sale-1"}),
    "a fleet that is a list": written(facts=None, fleet=[FLEET]),
    "a fleet of no model": fleet(model=None),
    "a fleet without shared facts": fleet(shared=None),
    "a household without a name": household(household=None),
    "a household without devices": household(devices=None),
    "a household that stands for none": household(repeat=0),
    "a device without facts": household(devices=[{"device": "t1"}]),
}

CASES: dict[str, bytes] = {
    "a file with a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "lines that end as on Windows": GOOD.replace(b"\n", b"\r\n"),
    "a field that no case has": written(colour="white"),
    "a fact with lists nine hundred deep": GOOD.replace(b'{"id"', b'{"x": ' + b"[" * 900 + b"]" * 900 + b', "id"', 1),
    "a number beyond 64 bits": GOOD.replace(b'{"id"', b'{"x": 123456789012345678901234567890, "id"', 1),
}


def put(tmp_path: Path, files: dict[str, bytes]) -> list[Path]:
    """The files, in order."""
    paths = [tmp_path / f"{name}.json" for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    return paths


def test_a_file_that_is_no_case_is_told_and_the_others_are_answered(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """65 (EX_DATAERR) after all others were done; each fault with the path of its file, in the order given."""
    (tmp_path / "a directory").mkdir()
    paths = [*put(tmp_path, NO_CASES), tmp_path / "absent.json", tmp_path / "a directory"]
    code, lines = run(capsys, *paths, OWN / "given-as-a-present.json")
    assert code == os.EX_DATAERR
    assert [line.get("path", line) for line in lines[:-1]] == [str(path) for path in paths]
    assert all(line["error"] for line in lines[:-1])
    assert lines[-1]["S"]["code"] == "NO_SELLER_DUTY"


def test_a_file_that_only_looks_odd_is_a_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the form does not forbid is read."""
    code, lines = run(capsys, *put(tmp_path, CASES))
    assert code == os.EX_OK
    assert [line["S"]["reason"] for line in lines] == ["not_a_sale"] * len(CASES)


def test_an_invalid_fact_is_named_and_the_others_are_answered(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit 0: the case is a case. The fact is named wherever it stands, even if it is not known yet."""
    cases = {fault: written(facts=[*CASE["facts"], fact]) for fault, fact in REFUSED.items()}
    cases["a word instead of a fact"] = written(facts=[*CASE["facts"], "x"])
    cases["a fact of a device"] = household(
        devices=[{"device": "t1", "facts": [{**REFUSED["a year alone"], "id": "y"}]}]
    )
    code, lines = run(capsys, *put(tmp_path, cases))
    assert code == os.EX_OK
    named = {fault: line.get("error", line) for fault, line in zip(cases, lines, strict=True)}
    assert named == dict.fromkeys(REFUSED, "x") | {"a word instead of a fact": None, "a fact of a device": "y"}


def test_a_path_that_is_no_text_is_told_in_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """File names are bytes; the line is UTF-8."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))
    path.write_bytes(b"")
    _, (line,) = run(capsys, os.fspath(path))
    assert line["path"] == f"{tmp_path}/\\xff.json"


def test_a_policy_that_is_no_text_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It keeps its cases from being judged, and no others."""
    (tmp_path / "ours.json").write_bytes(b'{"policy_version": "\xff"}')
    (case,) = put(tmp_path, {"case": written(policy="ours")})
    code, lines = run(capsys, "--policies", tmp_path, case, OWN / "given-as-a-present.json")
    assert code == os.EX_DATAERR
    assert [list(line) for line in lines] == [["path", "error"], ["case", "S", "M"]]
