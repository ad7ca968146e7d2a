"""Dirty files as publishers make them: each case is one fault, what still goes in, and the words it is listed with.

Written for this project after the definitions of the formats; makers and products do not exist.
"""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from collector.catalogue.importers import Imported, load
from collector.catalogue.importers.openeox import SCHEMA

Case = tuple[Mapping[str, Any], list[Any], list[str]]


def read(format_: str, document: object, name: str = "document") -> Imported:
    """What a document comes to; anything but bytes is written as JSON."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return load(format_).parse(data, name)


def stated(found: Imported, *fields: str) -> list[Any]:
    """Fields of what is stated, models left out."""
    return [
        tuple(draft.fields.get(field) for field in fields) if fields[1:] else draft.fields.get(fields[0])
        for draft in found.drafts
        if draft.kind != "model"
    ]


def listed(found: Imported) -> list[str]:
    """The reasons, in order."""
    return [str(skipped.reason) for skipped in found.skipped]


OPENEOX: dict[str, Case] = {
    "the year 9999 is nobody's last day": (
        {"end_of_life": "9999-12-31T23:59:59Z", "end_of_security_support": "9999-12-31T23:59:59-05:00"},
        [],
        ["date", "date"],
    ),
    "a date that was never set is none": ({"end_of_security_support": "0001-01-01T00:00:00+05:00"}, [], ["date"]),
    "the epoch is no date": ({"end_of_security_support": "1970-01-01T00:00:00Z"}, [], ["date"]),
    "a leap second is not of the format": ({"end_of_security_support": "2016-12-31T23:59:60Z"}, [], ["date"]),
    "a day without a time is not of the format": ({"end_of_security_support": "2030-12-31"}, [], ["date"]),
    "TBA is not tba": ({"end_of_security_support": "TBA"}, [], ["date"]),
    "digits of another script are none": ({"end_of_security_support": "٢٠٣٠-12-31T23:59:59Z"}, [], ["date"]),
    "a number is no date": ({"end_of_security_support": 1924991999}, [], ["type"]),
    "null is absent": ({"end_of_security_support": None}, [], ["missing"]),
    "an update in the year 1 is undated": (
        {"last_updated": "0001-01-01T00:00:00Z"},
        ["2030-12-31T23:59:59Z"],
        ["date"],
    ),
}


@pytest.mark.parametrize(("changes", "ends", "reasons"), OPENEOX.values(), ids=OPENEOX)
def test_an_end_of_support_is_a_date_or_listed(changes: Mapping[str, Any], ends: list[Any], reasons: list[str]) -> None:
    """OpenEoX Core: nothing is repaired, and no date ends the import."""
    core = {
        "$schema": SCHEMA,
        "end_of_life": "2031-12-31T23:59:59Z",
        "end_of_security_support": "2030-12-31T23:59:59Z",
        "last_updated": "2026-01-01T00:00:00Z",
    }
    found = read("openeox", {**core, **changes})
    assert (stated(found, "end"), listed(found)) == (ends, reasons)


VULNERABILITY: dict[str, Case] = {
    "a CVE in small letters is the same CVE": ({"cve": "cve-2026-1234"}, [("CVE-2026-1234", None)], []),
    "a CVE with dashes that only look so is none": (
        {"cve": "CVE\u20112026\u20111234"},
        [("TERP-1", None)],
        ["no_name"],
    ),
    "a refusal beside a fix is no refusal": (
        {
            "remediations": [
                {"category": "no_fix_planned", "product_ids": ["OLD"]},
                {"category": "vendor_fix", "product_ids": ["OLD"]},
            ]
        },
        [("CVE-2026-1234", None)],
        ["contradiction"],
    ),
    "a refusal for nobody refuses nothing": (
        {"remediations": [{"category": "no_fix_planned", "details": "end of life"}]},
        [("CVE-2026-1234", None)],
        ["no_product"],
    ),
    "a refusal for a group that is not there is listed, and the group that is counts": (
        {"remediations": [{"category": "no_fix_planned", "group_ids": ["G", "H"]}]},
        [("CVE-2026-1234", "no_fix_planned")],
        ["no_product"],
    ),
    "a remedy that the format does not know is listed": (
        {"remediations": [{"category": "NO_FIX_PLANNED", "product_ids": ["OLD"]}]},
        [("CVE-2026-1234", None)],
        ["type"],
    ),
    "a score of CVSS 2 has no word for the severity": (
        {"scores": [{"products": ["OLD"], "cvss_v2": {"baseScore": 9.3}}]},
        [("CVE-2026-1234", None)],
        ["no_fact"],
    ),
    "a status of no product says nothing": ({"product_status": {}}, [], ["missing"]),
    "a publication on a day of no calendar is listed": (
        {"release_date": "2026-13-01T00:00:00Z"},
        [("CVE-2026-1234", None)],
        ["date"],
    ),
}


def csaf(*vulnerabilities: Mapping[str, Any], branches: list[Any] | None = None, said: str = "2026-02-01") -> object:
    """A document of one vendor and one product, in two versions."""
    versions = [
        {"category": "product_version", "name": "1.9", "product": {"name": "old", "product_id": "OLD"}},
        {"category": "product_version", "name": "2.0", "product": {"name": "new", "product_id": "NEW"}},
    ]
    product = {"category": "product_name", "name": "Lock", "branches": branches or versions}
    return {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "title": "Terp Lock",
            "publisher": {"category": "vendor", "name": "Terp", "namespace": "https://terp.example"},
            "tracking": {
                "id": "TERP-1",
                "version": "1",
                "status": "final",
                "initial_release_date": "2026-01-01T00:00:00Z",
                "current_release_date": f"{said}T00:00:00Z",
                "revision_history": [],
            },
        },
        "product_tree": {
            "branches": [{"category": "vendor", "name": "Terp", "branches": [product]}],
            "product_groups": [{"group_id": "G", "product_ids": ["OLD"]}],
        },
        "vulnerabilities": [
            {"cve": "CVE-2026-1234", "product_status": {"known_affected": ["OLD"], "fixed": ["NEW"]}, **each}
            for each in vulnerabilities
        ],
    }


@pytest.mark.parametrize(("changes", "advisories", "reasons"), VULNERABILITY.values(), ids=VULNERABILITY)
def test_a_vulnerability_says_what_is_sure(
    changes: Mapping[str, Any], advisories: list[Any], reasons: list[str]
) -> None:
    """CSAF: a refusal blames somebody, so it must be one."""
    found = read("csaf", csaf(changes))
    assert (stated(found, "advisory", "no_fix"), listed(found)) == (advisories, reasons)


def test_a_product_id_that_stands_for_two_stands_for_none() -> None:
    """Which is meant nobody can tell; said twice in the same words it is one."""
    first, second = (
        {"category": "product_version", "name": version, "product": {"name": "x", "product_id": "OLD"}}
        for version in ("1.9", "1.8")
    )
    both = read("csaf", csaf({}, branches=[first, second]))
    assert stated(both, "affected") == []
    assert listed(both) == ["contradiction", "no_product"]
    same = read("csaf", csaf({"product_status": {"known_affected": ["OLD"]}}, branches=[first, first]))
    assert (stated(same, "affected"), listed(same)) == ([[{"exact": "1.9"}]], [])


def test_a_version_that_is_affected_and_fixed_is_neither() -> None:
    """Two product ids may stand for one version of one model; then nothing is said of it."""
    twice = [
        {"category": "product_version", "name": "1.9", "product": {"name": identity, "product_id": identity}}
        for identity in ("OLD", "NEW")
    ]
    found = read("csaf", csaf({}, branches=twice))
    assert (stated(found, "affected", "fixed_in"), listed(found)) == ([(None, None)], ["contradiction"])


def test_a_branch_with_a_product_and_branches_below_it_is_read_whole() -> None:
    """The standard allows one of the two; what stands there is not dropped."""
    below = {"category": "product_version", "name": "2.0", "product": {"name": "new", "product_id": "NEW"}}
    branch = {
        "category": "product_version",
        "name": "1.9",
        "product": {"name": "old", "product_id": "OLD"},
        "branches": [below],
    }
    found = read("csaf", csaf({}, branches=[branch]))
    assert (stated(found, "affected", "fixed_in"), listed(found)) == ([([{"exact": "1.9"}], ["2.0"])], [])


COMPONENT = (
    '<component type="firmware"><id>nl.terp.lock</id><provides><firmware type="flashed">'
    "1c4ac9f1-7a1d-4b54-8c5e-0f3a8a1f0001</firmware></provides>{}<releases>{}</releases></component>"
)
RELEASES: dict[str, tuple[str, list[Any], list[str]]] = {
    "a day in the basic form of ISO 8601": ('version="1" date="20240215"', [("1", "2024-02-15")], []),
    "an offset in the basic form of ISO 8601": (
        'version="1" date="20240215T100000+0100"',
        [("1", "2024-02-15T10:00:00+01:00")],
        [],
    ),
    "a day of no calendar": ('version="1" date="20240230"', [("1", None)], ["date"]),
    "a day that comes first": ('version="1" date="15-02-2024"', [("1", None)], ["date"]),
    "milliseconds are no seconds": ('version="1" timestamp="1424116753000"', [("1", None)], ["date"]),
    "the epoch is no date": ('version="1" date="1970-01-01"', [("1", None)], ["date"]),
    "neither date nor timestamp": ('version="1"', [("1", None)], ["missing"]),
    "a range is no version": ('version="&lt;=1.2.3" date="2024-02-15"', [], ["version"]),
    "words are no version": ('version="prior to 4.5" date="2024-02-15"', [], ["version"]),
    "a dash that only looks so": ('version="1.2\u20133" date="2024-02-15"', [], ["version"]),
    "a version that is the end of the line": (
        'version="1" date="2024-02-15" date_eol="soon"',
        [("1", "2024-02-15")],
        ["other_meaning"],
    ),
}


@pytest.mark.parametrize(("attributes", "releases", "reasons"), RELEASES.values(), ids=RELEASES)
def test_a_release_has_a_version_and_a_date_or_is_listed(
    attributes: str, releases: list[Any], reasons: list[str]
) -> None:
    """AppStream takes any complete date of ISO 8601, and no other."""
    found = read("appstream", COMPONENT.format("", f"<release {attributes}/>").encode())
    assert (stated(found, "version", "available_from"), listed(found)) == (releases, reasons)


def test_a_number_that_devices_show_in_parts_is_no_version() -> None:
    """With LVFS's version format it would be compared with what no device reports."""
    form = '<custom><value key="LVFS::VersionFormat">quad</value></custom>'
    releases = '<release version="16908291" date="2026-01-01"/><release version="1.2.0.3" date="2026-01-01"/>'
    found = read("appstream", COMPONENT.format(form, releases).encode())
    assert (stated(found, "version"), listed(found)) == (["1.2.0.3"], ["version"])
    plain = read("appstream", COMPONENT.format(form.replace("quad", "number"), releases).encode())
    assert (stated(plain, "version"), listed(plain)) == (["16908291", "1.2.0.3"], [])


def test_firmware_for_some_hardware_claims_no_device() -> None:
    """The same GUID is on other hardware, which this firmware is not for."""
    requires = "<requires><hardware>2d4ac9f1-7a1d-4b54-8c5e-0f3a8a1f0002</hardware></requires>"
    found = read("appstream", COMPONENT.format(requires, '<release version="1" date="2026-01-01"/>').encode())
    assert [draft.fields["ids"] for draft in found.drafts if draft.kind == "model"] == [[]]
    assert (stated(found, "version"), listed(found)) == (["1"], ["no_fact"])


def test_what_a_release_fixes_and_weighs_is_named_or_listed() -> None:
    """Hex digits have no case; an issue of an unknown type may be a hole."""
    release = (
        '<release version="1" date="2026-01-01"><issues><issue type="cve">cve-2026-0001</issue>'
        '<issue type="CVE">x</issue><issue>#12</issue></issues>'
        f'<checksum type="sha256" target="content">{"AB" * 32}</checksum>'
        '<checksum type="sha256" target="content">none</checksum></release>'
    )
    found = read("appstream", COMPONENT.format("", release).encode())
    assert stated(found, "fixes", "digests") == [(["CVE-2026-0001"], ["ab" * 32])]
    assert listed(found) == ["type", "type"]


def test_releases_in_another_file_are_not_silently_absent() -> None:
    """AppStream lets a component point at them."""
    found = read(
        "appstream", b'<component type="firmware"><id>nl.terp.lock</id><releases type="external"/></component>'
    )
    assert listed(found) == ["no_fact"]


IMAGES: dict[str, Case] = {
    "the image type that stands for all": ({"imageType": 65535}, [], ["no_product"]),
    "an image type of credentials": ({"imageType": 0xFFC0}, [], ["no_product"]),
    "the manufacturer code that stands for all": ({"manufacturerCode": 65535}, [], ["no_product"]),
    "the version that stands for all": ({"fileVersion": 2**32 - 1}, [], ["version"]),
    "a version written in hex": ({"fileVersion": "0x00102428"}, [], ["type"]),
    "a version written with a point": ({"fileVersion": 5.0}, [], ["type"]),
    "models in a list": ({"modelId": ["A", "B"]}, [], ["type"]),
    "narrowed down to an empty list": ({"manufacturerName": []}, [], ["no_product"]),
    "null narrows nothing down": ({"manufacturerName": None, "modelId": None}, ["zigbee-65001/7"], []),
    "one good name of two": ({"manufacturerName": [None, "Kust"]}, ["zigbee-65001/7/kust"], ["type"]),
    "bounds of where one may update from are no fact": (
        {"minFileVersion": 9, "maxFileVersion": "1", "force": "yes"},
        ["zigbee-65001/7"],
        [],
    ),
}


@pytest.mark.parametrize(("changes", "models", "reasons"), IMAGES.values(), ids=IMAGES)
def test_an_image_is_for_one_kind_of_device_or_listed(
    changes: Mapping[str, Any], models: list[Any], reasons: list[str]
) -> None:
    """A wildcard of the Zigbee specification is no device, and no number is read out of a text."""
    found = read("zigbee_ota", [{"fileVersion": 5, "imageType": 7, "manufacturerCode": 65001, **changes}])
    assert (stated(found, "model"), listed(found)) == (models, reasons)


VERSIONS: dict[str, Case] = {
    "a checksum of another kind": ({"otaChecksumType": 8}, [("1", None)], ["no_fact"]),
    "a kind of checksum in quotes": ({"otaChecksumType": "1"}, [("1", None)], ["type"]),
    "a checksum of no kind": ({"otaChecksumType": None}, [("1", None)], ["missing"]),
    "validity in quotes is not guessed": ({"softwareVersionValid": "false"}, [], ["type"]),
    "validity that is not there is not guessed": ({"softwareVersionValid": None}, [], ["missing"]),
    "an address of blanks is none": ({"otaUrl": " ", "otaChecksum": ""}, [("1", None)], ["no_download"]),
}


@pytest.mark.parametrize(("changes", "releases", "reasons"), VERSIONS.values(), ids=VERSIONS)
def test_a_version_of_the_ledger_is_read_as_it_stands(
    changes: Mapping[str, Any], releases: list[Any], reasons: list[str]
) -> None:
    """Matter: what is not as the ledger's types have it is listed."""
    version = {
        "vid": 65521,
        "pid": 7,
        "softwareVersion": 1,
        "softwareVersionString": "1.0",
        "softwareVersionValid": True,
        "otaUrl": "https://terp.example/1.ota",
        "otaChecksum": "x",
        **changes,
    }
    found = read("matter_dcl", {"modelVersion": version})
    assert (stated(found, "version", "digests"), listed(found)) == (releases, reasons)


def page(end: str, column: str = "Security Updates") -> bytes:
    """A page of one phone."""
    return (
        f"---\ncategory: device\npermalink: /terp\neolColumn: {column}\nreleases:\n"
        f"  - releaseCycle: 5\n    eol: {end}\n---\n"
    ).encode()


ENDS: dict[str, tuple[bytes, list[Any], list[str]]] = {
    "a day of one digit": (page("2025-10-5"), [], ["date"]),
    "a day in words": (page("August 2, 2022"), [], ["date"]),
    "a day that comes first": (page("31-12-2025"), [], ["date"]),
    "only a month": (page("2025-10"), [], ["date"]),
    "true in quotes": (page('"true"'), [], ["date"]),
    "nothing": (page(""), [], ["missing"]),
    "the year 9999": (page("9999-12-31"), [], ["date"]),
    "a byte order mark and the line ends of Windows": (
        b"\xef\xbb\xbf" + page("2025-10-05").replace(b"\n", b"\r\n"),
        ["2025-10-05"],
        [],
    ),
    "the end of hardware support": (page("2025-10-05", "Hardware Support"), [], ["other_meaning"]),
    "the end of a warranty": (page("2025-10-05", "Warranty Support"), [], ["other_meaning"]),
}


@pytest.mark.parametrize(("document", "ends", "reasons"), ENDS.values(), ids=ENDS)
def test_an_end_is_a_day_or_listed(document: bytes, ends: list[Any], reasons: list[str]) -> None:
    """endoflife.date: history holds every one of these."""
    found = read("endoflife", document)
    assert (stated(found, "end"), listed(found)) == (ends, reasons)


def test_answers_of_other_versions_of_the_site_are_not_read() -> None:
    """The first interface named no product; the next one may mean something else."""
    for answer in ([{"cycle": "5", "eol": "2031-09-14"}], {"schema_version": "2.0.0", "result": {}}):
        assert listed(read("endoflife", answer)) == ["format"]


def test_a_feed_that_writes_what_was_never_set() -> None:
    """LEDVANCE's dates are those of .NET, where nothing is the year 1; its digests may be in capitals."""
    identity = {"company": 65001, "product": 7, "version": {"major": 0, "minor": 0, "build": 0, "revision": 1}}
    entry = {"identity": identity, "released": "0001-01-01T00:00:00", "shA256": "AB" * 32, "fullName": "a/00000001/b"}
    found = read("ledvance", {"firmwares": [entry]})
    assert (stated(found, "available_from", "digests"), listed(found)) == ([(None, ["ab" * 32])], ["date"])


def test_a_file_name_with_two_versions_names_none() -> None:
    """IKEA's newer feed states the version nowhere else."""
    entry = {"fw_type": 2, "fw_image_type": 7, "fw_binary_url": "https://kust.example/lamp_v5_v6_x.ota"}
    assert listed(read("ikea", [entry])) == ["version"]


def test_no_json_is_told_from_json_with_a_fault() -> None:
    """A comma too many, a comment, an error page and a file of a foreign encoding are each one word."""
    files = {
        b'{"a": 1,}': "malformed",
        b"// index\n[]": "malformed",
        b"<!doctype html><title>404</title>": "malformed",
        b"version https://git-lfs.github.com/spec/v1\n": "malformed",
        json.dumps([]).encode("utf-16"): "encoding",
        gzip.compress(b"[]"): "encoding",
    }
    assert {data: listed(read("zigbee_ota", data)) for data in files} == {data: [word] for data, word in files.items()}
