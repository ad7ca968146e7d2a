"""When the same facts have to be judged again, and that a verdict replays to the same bytes."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from collector.appraisal import next_boundary
from collector.appraisal.cases import answer
from collector.appraisal.policies import shipped
from tests.collector.appraisal.households import ORDINARY, Json, report
from tests.shared import ROOT

POLICY = shipped("2026-11-a")
KNOWN = datetime.fromisoformat("2027-12-31T00:00:00+00:00")
OWN = sorted((ROOT / "firmware_fixtures" / "cases").glob("*.json"))


def ordinary(seen: str, **sale: str | Json) -> list[Json]:
    """The ordinary household, its report of a day, and fields of its sale."""
    facts = [{**fact, **sale} if fact["kind"] == "sale" else fact for fact in ORDINARY]
    return [*facts, report("fresh", seen, 9)]


@pytest.mark.parametrize(
    ("sentence", "facts", "at", "boundary"),
    [
        (
            "nothing is recorded, so nothing changes",
            [],
            "2026-09-02T12:00:00Z",
            None,
        ),
        (
            "a hole is awaited until its fix comes out on 27 September",
            ordinary("2026-09-01"),
            "2026-09-02T12:00:00Z",
            "2026-09-26T22:00:00Z",
        ),
        (
            "within that day its hour is in doubt",
            ordinary("2026-09-20"),
            "2026-09-26T22:00:00Z",
            "2026-09-27T21:59:59Z",
        ),
        (
            "the consumer has time until the end of the thirtieth day",
            ordinary("2026-09-30"),
            "2026-10-01T12:00:00Z",
            "2026-10-27T23:00:00Z",
        ),
        (
            "after that nothing happens until the report is 35 days old",
            ordinary("2026-11-01"),
            "2026-11-02T12:00:00Z",
            "2026-12-06T12:00:00Z",
        ),
        (
            "a purchase in a month that has not ended is vague until midnight",
            ordinary("2026-03-12", contract="2026-03", delivered={"from": "2026-03-10", "to": "2026-03-31"}),
            "2026-03-13T12:00:00Z",
            "2026-03-13T23:00:00Z",
        ),
    ],
)
def test_the_next_boundary_is_the_instant_at_which_something_may_change(
    sentence: str, facts: list[Json], at: str, boundary: str | None
) -> None:
    """Each row says what the household waits for."""
    assert sentence
    found = next_boundary(facts, datetime.fromisoformat(at), KNOWN, POLICY)
    assert found == (None if boundary is None else datetime.fromisoformat(boundary))


def test_following_the_boundaries_leads_to_every_change_of_a_verdict() -> None:
    """A household judged at its boundaries only never shows another verdict than one that is judged each hour."""
    facts = [*ordinary("2026-09-01"), report("again", "2026-10-03", 10)]
    at, end = (datetime.fromisoformat(f"2026-{day}T12:00:00Z") for day in ("09-02", "11-20"))
    due, shown = at, None
    while at < end:
        case = {"case": "", "at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "known": "2027-12-31T00:00:00Z", "policy": "2026-11-a"}
        answered = answer({**case, "facts": facts}, shipped)
        if at >= due:
            shown, due = answered, next_boundary(facts, at, KNOWN, POLICY) or end
        assert shown == answered
        at += timedelta(hours=1)


REPLAY = """
import json, sys, msgspec
from collector.appraisal.cases import answer
from collector.appraisal.policies import shipped
for file in sys.argv[1:]:
    sys.stdout.buffer.write(msgspec.json.encode(answer(json.load(open(file)), shipped)) + b"\\n")
"""


def test_another_process_in_another_zone_says_the_same_bytes() -> None:
    """Neither the hashing of strings, nor the zone, nor the language of a process can be seen in a verdict."""
    said = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(  # the command is ours
            [sys.executable, "-c", REPLAY, *map(str, OWN)], env=environment, cwd=ROOT, capture_output=True, check=True
        )
        said.add(done.stdout)
    (answers,) = said
    assert [json.loads(line)["case"] for line in answers.splitlines()] == [
        json.loads(file.read_bytes())["case"] for file in OWN
    ]
