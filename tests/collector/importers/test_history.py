"""The history of a real third party: 436 changes of support-end dates, and what they may do to a verdict: nothing.

The rows are those of endoflife.date's own repository: promises, observations, corrections and accidents of robots.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from collector.appraisal import appraise, policies
from collector.appraisal.values import parse_instant
from collector.catalogue.importers import Draft, Imported, Reason, load
from collector.catalogue.importing import decision
from tests.collector.importers.conftest import Importing
from tests.shared import shared

Row = Mapping[str, str]


def changes() -> list[dict[str, str]]:
    """The rows, in the order in which they happened."""
    rows = json.loads(shared("data/endoflife_window_changes.json").read_text())
    return sorted(rows, key=lambda row: row["changed"])


def page(row: Row, eol: str) -> str:
    """The page of a product with one release, as it stood."""
    written = {"True": "true", "False": "false", "None": "null"}.get(eol, eol)
    product = row["product"].removeprefix("products/").removesuffix(".md")
    cycle = json.dumps(row["release"])
    return (
        f"---\ncategory: device\npermalink: /{product}\nreleases:\n  - releaseCycle: {cycle}\n    eol: {written}\n---\n"
    )


def read(row: Row, eol: str) -> Imported:
    """The page, as the importer reads it."""
    return load("endoflife").parse(page(row, eol).encode(), "page.md")


def windows(found: Imported) -> list[Draft]:
    """The windows that a page states."""
    return [draft for draft in found.drafts if draft.kind == "window"]


def test_every_value_of_the_history_is_mapped_or_listed() -> None:
    """A day is an end, `false` is to be announced, `true` withdraws; what is no date is listed and states nothing."""
    for row in changes():
        for eol in (row["old"], row["new"]):
            found = read(row, eol)
            stated = [{key: value for key, value in draft.fields.items() if key != "model"} for draft in windows(found)]
            reasons = {skipped.reason for skipped in found.skipped}
            if eol == "False":
                assert (stated, reasons) == ([{"end": "tba"}], {Reason.TBA})
            elif eol == "True":
                assert (stated, reasons) == ([{"withdraw": True}], {Reason.ENDED})
            elif eol == "None":
                assert (stated, reasons) == ([], {Reason.MISSING})
            elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", eol):
                assert (stated, reasons) == ([{"end": eol}], set())
            else:
                assert (stated, reasons) == ([], {Reason.DATE})


@cache
def replayed() -> tuple[dict[str, Any], ...]:
    """The facts that importing the whole history puts on record, in order."""
    said: dict[str, list[dict[str, Any]]] = {}
    facts: list[dict[str, Any]] = []
    for row in changes():
        for eol, day in ((row["old"], row["old_seen_since"]), (row["new"], row["changed"])):
            for draft in windows(read(row, eol)):
                before = said.setdefault(draft.fields["model"], [])
                decided = decision.decide(before, draft, f"{day}T12:00:00Z")
                if isinstance(decided, decision.Say):
                    facts.append(
                        {
                            "id": f"eol-{len(facts)}",
                            "kind": "window",
                            "issuer": "third_party:endoflife.date",
                            "recorded_at": f"{row['changed']}T12:00:00Z",
                            "asserted_at": decided.asserted_at,
                            **decided.fields,
                        }
                    )
                    before.append(facts[-1])
    return tuple(facts)


def test_the_last_word_of_each_release_is_the_one_in_force() -> None:
    """Replayed in order, each word takes the place of the one before, and the last is the site's newest."""
    last = {fact["model"]: fact for fact in replayed()}
    newest: dict[str, str] = {}
    for row in changes():
        for draft in windows(read(row, row["new"])):
            newest[draft.fields["model"]] = str(draft.fields.get("end", "withdrawn"))
    assert {model: str(fact.get("end", "withdrawn")) for model, fact in last.items() if model in newest} == newest


CASES = sorted(path.stem for path in shared("cases/dev").glob("*.json"))


@pytest.mark.parametrize("name", CASES)
def test_a_third_party_binds_nobody(name: str) -> None:
    """The history told of the judged models, replacing every promise that was made, changes no verdict by a byte."""
    case = json.loads((shared("cases/dev") / f"{name}.json").read_text())
    if "facts" not in case or "error" in case["expect"]:
        return
    models = sorted({fact["model"] for fact in case["facts"] if fact["kind"] == "model"})
    promises = [fact["id"] for fact in case["facts"] if fact["kind"] == "window"]
    told = [
        {**fact, "model": model, "id": f"{fact['id']}-{number}", "replaces": promises}
        for number, model in enumerate(models)
        for fact in replayed()[::9]
    ]
    at, known = parse_instant(case["at"]), parse_instant(case["known"])
    policy = policies.read(shared(f"policies/{case['policy']}.json").read_bytes())
    assert appraise([*case["facts"], *told], at, known, policy) == appraise(case["facts"], at, known, policy)


async def test_fairphone_3_was_extended_after_its_first_end(importing: Importing) -> None:
    """Recorded on 2025-03-16, half a year after the end that stood there until then; both words are kept."""
    (row,) = [row for row in changes() if row["product"].endswith("fairphone.md") and row["release"] == "3"]
    await importing.text("endoflife", "fairphone.md", page(row, row["old"]), as_of="2023-02-02T00:00:00Z")
    await importing.text("endoflife", "fairphone.md", page(row, row["new"]), as_of="2025-03-16T00:00:00Z")
    before, after = await importing.facts("window")
    assert (before["model"], before["end"], before["asserted_at"]) == (
        "fairphone/3",
        "2024-09-30",
        "2023-02-02T00:00:00Z",
    )
    assert (after["end"], after["asserted_at"], after["replaces"]) == (
        "2026-09-30",
        "2025-03-16T00:00:00Z",
        [before["id"]],
    )


async def test_galaxy_a56_went_there_and_back_in_a_day(importing: Importing) -> None:
    """A correction and the robot that overwrote it: three words, each with its time, the last one in force."""
    rows = [row for row in changes() if row["release"] == "galaxy-a56-5g"]
    assert [(row["old"], row["new"]) for row in rows] == [("2031-03-28", "2032-03-31"), ("2032-03-31", "2031-03-28")]
    for eol in (rows[0]["old"], rows[0]["new"], rows[1]["new"]):
        importing.now += 3600
        await importing.text("endoflife", "samsung-mobile.md", page(rows[0], eol))
    facts = await importing.facts("window")
    assert [fact["end"] for fact in facts] == ["2031-03-28", "2032-03-31", "2031-03-28"]
    assert facts[2]["replaces"] == [facts[1]["id"]]
    assert {fact["issuer"] for fact in facts} == {"third_party:endoflife.date"}
