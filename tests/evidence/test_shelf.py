"""Every specimen on the shelf is accepted, or refused with its own code."""

import json
from pathlib import Path
from typing import Any

import pytest

from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from firmware_fixtures.evidence import shelf
from tests.evidence.openers import OPENERS

ENTRIES: list[dict[str, Any]] = json.loads((shelf.FOLDER / shelf.INDEX).read_text())["specimens"]
KEY = PublicKey(bytes.fromhex(json.loads((shelf.FOLDER / shelf.INDEX).read_text())["signed_by"]["public_key"]))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_specimen(entry: dict[str, Any]) -> None:
    """What is on the shelf gives what its index says."""
    data = (shelf.FOLDER / entry["file"]).read_bytes()
    if entry["code"] is None:
        OPENERS[entry["as"]](data, KEY)
    else:
        with pytest.raises(EvidenceError) as refused:
            OPENERS[entry["as"]](data, KEY)
        assert refused.value.code == entry["code"]


def test_the_shelf_is_made_by_its_generator(tmp_path: Path) -> None:
    """The generator makes the same files and the same bytes, and nothing else lies on the shelf."""
    shelf.main(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    kept = {
        path.relative_to(shelf.FOLDER): path.read_bytes()
        for path in shelf.FOLDER.rglob("*.*")
        if path.suffix in (".cbor", ".json")
    }
    assert made == kept


def test_no_two_specimens_are_the_same_bytes() -> None:
    """A defect that leaves the message as it was would show nothing."""
    seen: dict[tuple[str, bytes], str] = {}
    for one in shelf.specimens():
        assert seen.setdefault((one.kind, one.data), one.file) == one.file


def test_every_code_of_a_message_has_specimens() -> None:
    """The shelf shows each way in which a message is refused; codes that people copy are no messages."""
    codes = {error.code for error in EvidenceError.__subclasses__()}
    assert {entry["code"] for entry in ENTRIES} == codes - {"enrolment_code", "draft_code"} | {None}
