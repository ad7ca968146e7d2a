"""Imported files in the register: each word of a feed once, in the place of its last one, with its source."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.catalogue.importers import names
from collector.catalogue.importing import files
from collector.catalogue.importing.recording import BATCH
from collector.catalogue.instants import to_text
from collector.store import imports
from collector.store.database import reading
from collector.store.schema import import_skips, keys, leaves, parties, statements
from tests.collector.importers.conftest import Importing
from tests.collector.importers.test_dirty import csaf
from tests.collector.importers.test_fixtures import CASES
from tests.collector.register import DAY, NOW, key_of

ISO = to_text(NOW)


def page(*eol: str, product: str = "bolder-phone") -> str:
    """A page of endoflife.date with releases 1, 2, ... that end so."""
    releases = "".join(f'  - releaseCycle: "{number}"\n    eol: {end}\n' for number, end in enumerate(eol, 1))
    return f"---\ncategory: device\npermalink: /{product}\nreleases:\n{releases}---\n"


def core(end: str, said: str) -> str:
    """An OpenEoX record."""
    schema = "https://docs.oasis-open.org/openeox/v1.0/schema/core.json"
    record = {"$schema": schema, "end_of_life": "tba", "end_of_security_support": end, "last_updated": said}
    return json.dumps(record)


def index(*versions: int, **more: Any) -> str:
    """A Zigbee OTA index with images of one type."""
    return json.dumps([{"manufacturerCode": 65001, "imageType": 17, "fileVersion": each, **more} for each in versions])


@pytest.mark.parametrize("format_", names())
async def test_a_file_says_nothing_new_the_second_time(importing: Importing, format_: str) -> None:
    """Whatever it holds, at whatever later time."""
    documents = [
        path
        for case in CASES
        if case.parent.name == format_
        for path in sorted(case.iterdir())
        if path.name != "expected.json"
    ]
    first = await importing.take(format_, *documents)
    listed, facts = importing.listed, await importing.facts()
    assert first.new.total() == len(facts) > 0
    importing.now += 400 * DAY
    second = await importing.take(format_, *documents)
    assert second.new.total() == 0
    assert second.known == first.new + first.known
    assert await importing.facts() == facts
    assert [skip.detail for skip in importing.listed] == [skip.detail for skip in listed]


async def test_a_statement_says_where_it_comes_from(importing: Importing) -> None:
    """Source, issuer, asserted time, our time and digest: each value can be traced to the bytes it was read from."""
    text = core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00+01:00")
    await importing.text("openeox", "acme.json", text)
    (fact,) = await importing.facts()
    assert fact == {
        "id": fact["id"],
        "kind": "window",
        "issuer": "third_party:openeox",
        "asserted_at": "2026-02-01T11:00:00Z",
        "recorded_at": ISO,
        "model": "openeox/acme",
        "end": "2031-12-31T23:59:59Z",
        "source": {
            "format": "openeox",
            "file": "acme.json",
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "place": "/end_of_security_support",
        },
    }
    (leaf,) = await importing.register.rows(sa.select(leaves).where(leaves.c.index == 1))
    assert leaf["digest"] == fact["id"]


async def test_a_feed_is_enrolled_under_a_key_that_only_we_may_read(importing: Importing) -> None:
    """Made on first use, and the same ever after."""
    await importing.text("zigbee_ota", "index.json", index(1))
    await importing.text("zigbee_ota", "index.json", index(1, 2))
    (party,) = await importing.register.rows(sa.select(parties.c.party))
    assert party["party"] == "third_party:zigbee-ota"
    assert len(await importing.register.rows(sa.select(keys))) == 1
    key = importing.folder / "feeds" / "zigbee-ota.key"
    assert (key.stat().st_mode & 0o777, key.stat().st_size) == (0o600, 32)


async def test_what_a_feed_does_not_date_it_said_when_it_was_first_imported(importing: Importing) -> None:
    """An index without dates is dated by this register, once."""
    await importing.text("zigbee_ota", "index.json", index(1))
    importing.now += DAY
    await importing.text("zigbee_ota", "index.json", index(1, 2))
    assert [(fact["version"], fact["asserted_at"]) for fact in await importing.facts()] == [
        ("1", ISO),
        ("2", to_text(NOW + DAY)),
    ]


async def test_as_of_says_when_an_undated_file_was_true(importing: Importing) -> None:
    """An operator who kept old copies knows when the feed said what."""
    await importing.text("endoflife", "old.md", page("2024-09-30"), as_of="2023-02-02T00:00:00Z")
    await importing.text("endoflife", "new.md", page("2026-09-30"), as_of="2025-03-16T00:00:00Z")
    assert [fact["asserted_at"] for fact in await importing.facts()] == ["2023-02-02T00:00:00Z", "2025-03-16T00:00:00Z"]


async def test_another_word_takes_the_place_of_the_last(importing: Importing) -> None:
    """A window replaces, everything else corrects: two words of one feed are never in force together."""
    await importing.text("endoflife", "a.md", page("2024-09-30"))
    await importing.text("zigbee_ota", "b.json", index(1))
    await importing.text("endoflife", "a.md", page("2026-09-30"))
    await importing.text("zigbee_ota", "b.json", index(1, hardwareVersionMin=2))
    before, after = await importing.facts("window")
    assert (after["end"], after["replaces"]) == ("2026-09-30", [before["id"]])
    before, after = await importing.facts("release")
    assert (after["hw_min"], after["corrects"]) == (2, before["id"])


async def test_two_words_in_one_go_follow_each_other(importing: Importing) -> None:
    """Recorded in the same second, the second still corrects the first."""
    (importing.folder / "1.json").write_text(index(1))
    (importing.folder / "2.json").write_text(index(1, hardwareVersionMin=2))
    paths = [importing.folder / "1.json", importing.folder / "2.json"]
    await importing.take("zigbee_ota", *paths)
    first, second = await importing.facts()
    assert second["corrects"] == first["id"]
    again = await importing.take("zigbee_ota", *paths)
    assert (again.new.total(), again.known.total()) == (0, 2)


async def test_a_feed_that_goes_back_says_so(importing: Importing) -> None:
    """A file that changes and changes back is three words; each time it is the last that counts."""
    for end in ("2031-03-28", "2032-03-31", "2031-03-28"):
        importing.now += DAY
        await importing.text("endoflife", "a56.md", page(end))
    facts = await importing.facts()
    assert [fact["end"] for fact in facts] == ["2031-03-28", "2032-03-31", "2031-03-28"]
    assert [fact.get("replaces") for fact in facts] == [None, [facts[0]["id"]], [facts[1]["id"]]]


async def test_copies_under_other_names_say_nothing_new(importing: Importing) -> None:
    """The bytes are known, so the word is too, even if the feed has said another thing since."""
    await importing.text("endoflife", "a.md", page("2024-09-30"))
    importing.now += DAY
    await importing.text("endoflife", "b.md", page("2026-09-30"))
    importing.now += DAY
    copy = await importing.text("endoflife", "copy of a.md", page("2024-09-30"))
    assert (copy.new.total(), copy.known["window"]) == (0, 1)


async def test_an_older_dated_word_does_not_become_the_last(importing: Importing) -> None:
    """It is listed, and the later one stays in force."""
    await importing.text("openeox", "new/acme.json", core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00Z"))
    older = await importing.text("openeox", "old/acme.json", core("2030-12-31T23:59:59Z", "2025-02-01T12:00:00Z"))
    assert older.new.total() == 0
    assert ("/end_of_security_support", "superseded") in importing.reasons()


async def test_an_ended_release_withdraws_what_the_feed_said_before(importing: Importing) -> None:
    """`true` is no day: an earlier word is taken back, and where there was none nothing is said."""
    await importing.text("endoflife", "a.md", page("2030-01-01"))
    await importing.text("endoflife", "a.md", page("true", "true"))
    before, after = await importing.facts()
    assert (after["model"], after["withdraw"], after["replaces"]) == ("bolder-phone/1", True, [before["id"]])


async def test_who_is_not_affected_after_all_is_not_blamed_any_longer(importing: Importing) -> None:
    """A later status takes the earlier word back; where there was none it says nothing."""
    cleared = {"product_status": {"known_not_affected": ["OLD"]}}
    await importing.text("csaf", "other.json", json.dumps(csaf({**cleared, "cve": "CVE-2026-9999"})))
    await importing.text("csaf", "1.json", json.dumps(csaf({"product_status": {"known_affected": ["OLD"]}})))
    await importing.text("csaf", "1.json", json.dumps(csaf(cleared, said="2026-03-01")))
    before, after = await importing.facts("advisory")
    assert (before["affected"], after["affected"], after["corrects"]) == ([{"exact": "1.9"}], [], before["id"])
    again = await importing.text("csaf", "1.json", json.dumps(csaf(cleared, said="2026-03-01")))
    assert again.new.total() == 0


async def test_who_clears_one_version_says_nothing_of_another(importing: Importing) -> None:
    """Some publish a document for each version; the one that is affected stays so."""
    await importing.text("csaf", "old.json", json.dumps(csaf({"product_status": {"known_affected": ["OLD"]}})))
    cleared = csaf({"product_status": {"known_not_affected": ["NEW"]}}, said="2026-03-01")
    await importing.text("csaf", "new.json", json.dumps(cleared))
    assert [fact["affected"] for fact in await importing.facts("advisory")] == [[{"exact": "1.9"}]]
    assert "no_fact" in [reason for _, reason in importing.reasons()]


async def test_what_was_first_seen_gone_stays_gone_since_then(importing: Importing) -> None:
    """The ledger dates no withdrawal, so the day on which it was seen first is kept through later changes."""

    def version(**more: Any) -> str:
        fixed = {"vid": 1, "pid": 2, "softwareVersion": 3, "softwareVersionString": "1", "otaUrl": "https://a.example"}
        return json.dumps({"modelVersion": {**fixed, "softwareVersionValid": True, **more}})

    await importing.text("matter_dcl", "v.json", version())
    for more in ({"softwareVersionValid": False}, {"softwareVersionValid": False, "softwareVersionString": "1.0"}):
        importing.now += DAY
        await importing.text("matter_dcl", "v.json", version(**more))
    assert [fact.get("retracted_at") for fact in await importing.facts()] == [
        None,
        to_text(NOW + DAY),
        to_text(NOW + DAY),
    ]


async def test_what_the_door_refuses_is_listed_and_the_rest_goes_in(importing: Importing) -> None:
    """A record that is dated in the future is the feed's fault, not the others'."""
    (importing.folder / "a.json").write_text(core("2031-12-31T23:59:59Z", "2099-01-01T00:00:00Z"))
    (importing.folder / "b.json").write_text(core("2031-12-31T23:59:59Z", "2026-01-01T00:00:00Z"))
    done = await importing.take("openeox", importing.folder / "a.json", importing.folder / "b.json")
    assert done.new == {"window": 1}
    assert ("/end_of_security_support", "statement_future") in importing.reasons()


async def test_what_is_too_large_for_a_statement_is_listed(importing: Importing) -> None:
    """An advisory with more versions than a statement may hold is named, not cut."""
    branches = [
        {"category": "product_version", "name": f"1.{number}", "product": {"name": "x", "product_id": f"P{number}"}}
        for number in range(5000)
    ]
    tracking = {"id": "A-1", "status": "final", "current_release_date": ISO, "initial_release_date": ISO}
    document = {
        "document": {"csaf_version": "2.0", "title": "Acme", "tracking": tracking},
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": "Acme",
                    "branches": [{"category": "product_name", "name": "Cam", "branches": branches}],
                }
            ]
        },
        "vulnerabilities": [
            {"cve": "CVE-2026-30001", "product_status": {"known_affected": [f"P{number}" for number in range(5000)]}}
        ],
    }
    done = await importing.text("csaf", "large.json", json.dumps(document))
    assert done.new.total() == 0
    assert ("/vulnerabilities/0", "too_large") in importing.reasons()


async def test_what_is_listed_is_kept_with_its_place(importing: Importing) -> None:
    """Nothing is lost: file, place, reason and the words as they stood there."""
    await importing.text("endoflife", "a.md", page("2025-10-5"))
    async with reading(importing.register.engine) as connection:
        kept = [skip async for skip in imports.listed(connection, "endoflife")]
    assert kept == importing.listed
    (date,) = [skip for skip in kept if skip.reason == "date"]
    assert (date.file, date.place, date.snippet) == (str(importing.folder / "a.md"), "line 6", "2025-10-5")
    await importing.text("endoflife", "a.md", page("2025-10-5"))
    assert len(await importing.register.rows(sa.select(import_skips))) == len(kept)


async def test_files_that_cannot_be_read_are_kept_apart(importing: Importing) -> None:
    """They all have the same bytes, none; each is listed under its own name until it is read."""
    for name in ("a.json", "b.json"):
        await importing.take("openeox", importing.folder / name)
    kept = await importing.register.rows(sa.select(import_skips.c.file, import_skips.c.reason))
    assert [(Path(row["file"]).name, row["reason"]) for row in kept] == [
        ("a.json", "unreadable"),
        ("b.json", "unreadable"),
    ]


async def test_an_import_that_was_cut_off_is_finished_by_the_next(importing: Importing) -> None:
    """A transaction holds some hundred drafts; what was recorded before stays, what was not comes again."""
    path = importing.folder / "index.json"
    path.write_text(index(*range(3 * BATCH)))
    recorder = importing.recorder()
    turns = iter([NOW, NOW])
    recorder._clock = lambda: next(turns)
    with pytest.raises(RuntimeError):
        await recorder.take(*files.parsed("zigbee_ota", path))
    some = len(await importing.facts())
    assert 0 < some < 3 * BATCH
    importing.now += DAY
    rest = await importing.take("zigbee_ota", path)
    assert (rest.known["release"], rest.new["release"]) == (some, 3 * BATCH - some)
    assert {fact["asserted_at"] for fact in await importing.facts()} == {ISO}


async def test_a_manufacturer_imports_its_own_records_as_its_own_word(importing: Importing, tmp_path: Path) -> None:
    """With its key, an OpenEoX record is a promise; without enrolment it is refused."""
    await importing.register.enrol("manufacturer:acme")
    path = tmp_path / "acme.json"
    path.write_text(core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00Z"))
    await importing.take("openeox", path, own=key_of("manufacturer:acme"))
    (fact,) = await importing.facts()
    assert fact["issuer"] == "manufacturer:acme"
    rows = await importing.register.rows(sa.select(statements.c.issuer))
    assert [row["issuer"] for row in rows] == ["manufacturer:acme"]
