"""What comes of the project's own documents, clean and dirty: every draft and every listed part, in order."""

import json
from pathlib import Path

import msgspec
import pytest

from collector.catalogue.importers import load, names
from tests.shared import ROOT

CATALOGUE = ROOT / "firmware_fixtures" / "catalogue"
CASES = sorted(path.parent for path in CATALOGUE.glob("*/*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}: {path.name}")
def test_a_document_gives_what_it_says_and_nothing_more(case: Path) -> None:
    """Drafts and listed parts are exactly those that the definition of the format leads to."""
    document = next(path for path in case.iterdir() if path.name != "expected.json")
    expected = json.loads((case / "expected.json").read_text())
    found = load(case.parent.name).parse(document.read_bytes(), document.name)
    drafts = msgspec.json.decode(msgspec.json.encode(found.drafts))
    assert drafts == [{"asserted_at": None, "seen": [], "clears": [], **draft} for draft in expected["drafts"]]
    assert [[skipped.place, str(skipped.reason)] for skipped in found.skipped] == expected["skipped"]
    assert found.feed == expected["feed"]


def test_every_importer_is_shown_by_a_document() -> None:
    """A format without a case would be a claim that nobody checks."""
    assert {case.parent.name for case in CASES} == set(names())


def test_an_importer_that_there_is_not_is_not_loaded() -> None:
    """A format is a file in the folder, and the parts that they share are none."""
    for name in ("suit", "_sheet", "../door", ""):
        with pytest.raises(KeyError):
            load(name)
