"""What is read and not mapped is listed, each piece of it, and costs nothing that was mapped."""

from collector.catalogue.importers import load
from tests.collector.importers.test_dirty import csaf, read

RELEASES = (
    b'<component type="firmware"><id>nl.terp.lock</id><provides><firmware type="flashed">'
    b"1c4ac9f1-7a1d-4b54-8c5e-0f3a8a1f0001</firmware></provides><releases>"
    b'<release version="1.0" timestamp="-5" date="2026-02-01"/><release version="1.1" timestamp="abc"/>'
    b"</releases></component>"
)


def test_two_faults_on_one_line_are_two() -> None:
    """Minified metainfo has all its releases on one line."""
    listed = load("appstream").parse(RELEASES, "lock.metainfo.xml").skipped
    assert len([skipped for skipped in listed if skipped.reason == "date"]) == 2


def test_a_date_holds_where_the_timestamp_cannot_be_read() -> None:
    """The file did say the day."""
    drafts = load("appstream").parse(RELEASES, "lock.metainfo.xml").drafts
    releases = {draft.fields["version"]: draft.fields for draft in drafts if draft.kind == "release"}
    assert "2026-02-01" in str(releases["1.0"]["available_from"])
    assert "available_from" not in releases["1.1"]


def test_a_product_under_investigation_is_listed() -> None:
    """It is neither affected nor not, so no advisory says it, and nobody shall think it was not read."""
    imported = read("csaf", csaf({"product_status": {"under_investigation": ["NEW"]}}))
    assert not [draft for draft in imported.drafts if draft.kind == "advisory"]
    assert [skipped.detail.split()[0] for skipped in imported.skipped if skipped.reason == "no_fact"] == [
        "under_investigation"
    ]
