"""What comes of real files, read where they lie: the facts that must come out, and what must be listed.

Expectations were worked out from the formats' definitions and from reference/law.md section 6, per file.
"""

import json
from collections import Counter
from typing import Any

import pytest

from collector.catalogue.importers import Draft, Imported, load
from tests.shared import shared

Fields = dict[str, Any]
Advisories = dict[tuple[str, str], tuple[list[Fields], str]]


def read(format_: str, part: str) -> Imported:
    """A sample, as its importer reads it."""
    path = shared(f"samples/catalogue/{part}")
    return load(format_).parse(path.read_bytes(), path.name)


def stated(found: Imported, kind: str) -> list[Fields]:
    """The fields of the drafts of one kind."""
    return [dict(draft.fields) for draft in found.drafts if draft.kind == kind]


def listed(found: Imported) -> Counter[str]:
    """How often each reason is listed."""
    return Counter(str(skipped.reason) for skipped in found.skipped)


OPENEOX = {
    # A last day as an instant is kept as written: its legal day is found by the appraisal (D2).
    "core-maximal.json": ("2025-12-31T12:00:00Z", "2025-02-01T12:00:00Z", {}),
    "core-minimal-eol-tba.json": ("2025-12-31T12:00:00Z", "2025-11-19T16:00:00Z", {"tba": 1}),
    "core-timezones.json": ("2025-11-26T10:00:00.000+03:37", "2025-02-01T12:00:00Z", {}),
}


@pytest.mark.parametrize(("name", "expected"), OPENEOX.items(), ids=OPENEOX)
def test_openeox_gives_the_last_day_of_security_support(name: str, expected: tuple[str, str, Fields]) -> None:
    """The window is as the record writes it, said when the record was last updated."""
    end, asserted_at, reasons = expected
    found = read("openeox", f"openeox/{name}")
    (window,) = [draft for draft in found.drafts if draft.kind == "window"]
    model = f"openeox/{name.removesuffix('.json')}"
    assert (window.fields, window.asserted_at) == ({"model": model, "end": end}, asserted_at)
    assert listed(found) == reasons


def test_a_schema_beside_the_records_is_none() -> None:
    """The schema of the format has a `$schema` too, and it is another one."""
    found = read("openeox", "openeox/eox-core.schema.json")
    assert (found.drafts, listed(found)) == ((), {"format": 1})


CSAF: dict[str, tuple[str, Advisories, Fields]] = {
    "icsa-24-039-01.json": (
        "2024-02-08T07:00:00Z",
        {
            ("qolsys-inc/qolsys-iq-panel-4", "CVE-2024-0242"): ([{"before": "4.4.2"}], "high"),
            ("qolsys-inc/qolsys-iq4-hub", "CVE-2024-0242"): ([{"before": "4.4.2"}], "high"),
        },
        {"no_scheme": 2},
    ),
    "icsa-24-254-01.json": (
        "2024-09-10T06:00:00Z",
        {
            ("viessmann-climate-solutions-se/viessmann-vitogate-300", name): ([{"through": "2.1.3.0"}], severity)
            for name, severity in (
                ("CVE-2023-5222", "critical"),
                ("CVE-2023-5702", "medium"),
                ("CVE-2023-45852", "critical"),
            )
        },
        {"no_scheme": 1},
    ),
    "icsa-23-131-07.json": (
        "2023-05-10T21:14:08Z",
        {
            (f"birddog/{product}", name): ([affected], "high")
            for name in ("CVE-2023-2505", "CVE-2023-2504")
            for product, affected in (
                ("4k-quad", {"text": "4.5.181 | 4.5.196"}),
                ("mini", {"exact": "2.6.2"}),
                ("a300-eyes", {"exact": "3.4"}),
                ("studio-r3", {"exact": "3.6.4"}),
            )
        },
        {"title_vendor": 1, "range_text": 1, "fix_unversioned": 2},
    ),
}


@pytest.mark.parametrize(("name", "expected"), CSAF.items(), ids=CSAF)
def test_csaf_gives_an_advisory_for_each_hole_and_model(name: str, expected: tuple[str, Advisories, Fields]) -> None:
    """Products are those of the tree; a fix in prose is no fixed version; nothing of the title is believed."""
    asserted_at, advisories, reasons = expected
    found = read("csaf", f"csaf/{name}")
    drafts = [draft for draft in found.drafts if draft.kind == "advisory"]
    assert {
        (draft.fields["model"], draft.fields["advisory"]): (draft.fields["affected"], draft.fields["severity"])
        for draft in drafts
    } == advisories
    assert len(drafts) == len(advisories)
    assert {draft.asserted_at for draft in drafts} == {asserted_at}
    assert not any("fixed_in" in draft.fields or "no_fix" in draft.fields for draft in drafts)
    assert listed(found) == reasons
    assert found.feed == "csaf-www.cisa.gov"


def test_the_title_of_another_vendor_names_no_product() -> None:
    """ICSA-23-131-07 is titled after one vendor and is about another."""
    found = read("csaf", "csaf/icsa-23-131-07.json")
    assert all(draft.fields["model"].startswith("birddog/") for draft in found.drafts)
    (title,) = [skipped for skipped in found.skipped if skipped.reason == "title_vendor"]
    assert (title.place, title.snippet) == ("/document/title", "Sierra Wireless AirVantage")


def test_appstream_gives_releases_with_their_moments() -> None:
    """A timestamp is seconds since 1970; the devices are those of the flashed GUIDs."""
    colorhug = read("appstream", "appstream/colorhug.metainfo.xml")
    model = "appstream/com.hughski.colorhugals.firmware"
    assert stated(colorhug, "release") == [
        {"model": model, "version": "3.0.2", "scheme": "vercmp", "available_from": "2015-02-16T19:59:13Z"}
    ]
    (entry,) = stated(colorhug, "model")
    assert entry["ids"] == [
        "fwupd:12345678-1234-1234-1234-123456789012",
        "fwupd:84f40464-9272-4ef7-9399-cd95f12da696",
    ]
    assert entry["manufacturer"] == "hughski-limited"
    several = read("appstream", "appstream/multiple-rels.metainfo.xml")
    assert [(each["version"], each["available_from"]) for each in stated(several, "release")] == [
        ("1.2.4", "2015-02-16T19:59:15Z"),
        ("1.2.3", "2015-02-16T19:59:14Z"),
    ]
    assert not colorhug.skipped
    assert not several.skipped


def test_a_zigbee_index_gives_a_release_for_each_image() -> None:
    """The number of 32 bits is the version; a narrowed image is for another model; nothing is dated."""
    entries = json.loads(shared("samples/catalogue/zigbee-ota/index_excerpt.json").read_text())
    found = read("zigbee_ota", "zigbee-ota/index_excerpt.json")
    releases = stated(found, "release")
    assert [int(release["version"]) for release in releases] == [entry["fileVersion"] for entry in entries]
    assert {tuple(sorted(release)) for release in releases} == {("model", "scheme", "version")}
    names = {release["model"] for release in releases}
    assert {"zigbee-4476/10243", "zigbee-4476/40766/inspelning-smart-plug"} <= names
    assert "zigbee-4476/40766" not in names
    assert not found.skipped


def test_the_ledger_gives_a_version_and_never_guesses_from_numbers() -> None:
    """A version record is a release; a list of numbers says neither validity nor availability."""
    version = read("matter_dcl", "matter-dcl/4442-67-198340.json")
    assert version.drafts == (
        Draft(
            kind="model",
            fields={"model": "matter-4442/67", "ids": ["matter:4442-67"], "scheme": "uint32"},
            place="/modelVersion",
        ),
        Draft(
            kind="release",
            fields={
                "model": "matter-4442/67",
                "version": "198340",
                "scheme": "uint32",
                "version_alt": "3.6.196",
                "digests": ["e3aa6a4e1f3b3397cd86f47fcf3b7533444d41c55af1b0293826adeda290dca0"],
            },
            place="/modelVersion",
        ),
    )
    numbers = read("matter_dcl", "matter-dcl/4442-67.json")
    assert (stated(numbers, "release"), listed(numbers)) == ([], {"no_fact": 1})


def test_endoflife_gives_the_last_supported_day() -> None:
    """`eol` is inclusive, and a 3+ is another phone than a 3."""
    found = read("endoflife", "endoflife/fairphone.source.md")
    assert {window["model"]: window["end"] for window in stated(found, "window")} == {
        "fairphone/6": "2033-06-25",
        "fairphone/5": "2031-09-14",
        "fairphone/4": "2028-09-01",
        "fairphone/3+": "2026-09-30",
        "fairphone/3": "2026-09-30",
        "fairphone/2": "2023-03-07",
        "fairphone/1": "2017-07-13",
    }
    assert not found.skipped


def test_a_production_guarantee_is_no_update_window() -> None:
    """Raspberry Pi's page heads its dates `Discontinued`: until when boards are made, not kept up to date."""
    found = read("endoflife", "endoflife/raspberry-pi.source.md")
    assert stated(found, "window") == []
    assert listed(found) == {"other_meaning": 24}
    assert found.skipped[0].place == "line 19"


def test_ikea_gives_device_images_and_the_hub() -> None:
    """The version stands in the file's name; the hub's is there twice."""
    found = read("ikea", "maker-feeds/ikea_version_info_dirigera.json")
    releases = {release["model"]: release for release in stated(found, "release")}
    assert len(releases) == 43
    assert releases["zigbee-4476/10242"]["version"] == "268572245"
    assert releases["ikea/dirigera"]["version"] == "2.505.2"
    assert releases["ikea/dirigera"]["scheme"] == "multipart-numeric"
    assert not found.skipped


def test_ledvance_gives_versions_from_four_bytes_and_moments_without_offset() -> None:
    """0.16.36.40 is 0x00102428; `released` is local time of nobody knows where."""
    found = read("ledvance", "maker-feeds/ledvance_firmwares.json")
    releases = stated(found, "release")
    assert len(releases) == 44
    assert releases[0] == {
        "model": "zigbee-4489/25",
        "version": str(0x00102428),
        "scheme": "uint32",
        "regions": ["US"],
        "available_from": "2019-02-28T16:36:28",
        "digests": ["ffe0298312f63fa0be5e568886e419d714146652ff4747a8afed2de221ad43ee"],
    }
    by_region = Counter(len(release.get("regions", ())) for release in releases)
    assert by_region == {1: 3, 27: 40, 0: 1}
    assert not found.skipped


def test_thirdreality_gives_the_number_that_devices_report() -> None:
    """Version 1.00.74 is file version 268513355, for three models with one image."""
    found = read("thirdreality", "maker-feeds/thirdreality_firmware.json")
    releases = stated(found, "release")
    assert len(releases) == 14
    plugs = [release for release in releases if release["version"] == "268513355"]
    assert [plug["model"].rpartition("/")[2] for plug in plugs] == ["3rsp019bz", "3rsp02028bz", "3rspe01044bz"]
    assert {plug["version_alt"] for plug in plugs} == {"1.00.74"}
    assert not found.skipped
