"""AppStream metainfo of firmware, as LVFS takes it from vendors: a `component` of type `firmware`, or a catalogue.

- A release has a version, compared as AppStream compares (`vercmp`), and a moment: `timestamp` wins over `date`.
- `type` `development` and `snapshot` are the beta channel. `urgency` says how much the vendor wants it installed, not
  that it is about security, and is not read; `issues` of type `cve` (or `gcve`) are what the release fixes.
- The model is called `appstream/<component id>`; its ids are the GUIDs of the devices that the firmware is flashed to.
- `date_eol` is the end of one release, not of the product's updates.
- `requires` may narrow firmware down to some hardware: the GUIDs are then those of other devices too, and no ids.
- A bare number is not a version where `LVFS::VersionFormat` says that devices show it in parts.
- A checksum counts where it is the SHA-256 of the content, in hex.
"""

import re
from typing import Any, Final

from collector.appraisal.versions import Version, is_version
from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers import _names as names
from collector.catalogue.importers import _vers as vers
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._sheet import Sheet
from collector.catalogue.importers._xml import Element, document
from evidence.ids import model_id
from evidence.limits import MAX_IDS

SUFFIXES: Final = (".xml",)
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CVE: Final = re.compile(r"G?CVE-[0-9]+(-[0-9]+){1,2}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]+", re.IGNORECASE)
_WHOLE: Final = ("plain", "number", "hex")
_ISSUES: Final = ("cve", "gcve", "generic")
_CHANNELS: Final = {"stable": "stable", "development": "beta", "snapshot": "beta"}


def parse(data: bytes, _name: str) -> Imported:
    """Read a component, or a catalogue of components."""
    sheet = Sheet("appstream")
    with sheet.part():
        root = document(data)
        if root.name not in ("component", "components"):
            raise root.unmapped(Reason.FORMAT, "expected a component or components")
        for component in root.all("component") if root.name == "components" else (root,):
            with sheet.part():
                _component(sheet, component)
    return sheet.imported()


def _component(sheet: Sheet, component: Element) -> None:
    if component.attributes.get("type") != "firmware":
        raise component.unmapped(Reason.FORMAT, "expected a component of type firmware")
    identity = component.first("id")
    if identity is None:
        raise component.unmapped(Reason.MISSING, "expected an id")
    model = f"appstream/{names.slug(identity.text)}"
    fields: dict[str, Any] = {"model": model, "ids": _ids(sheet, component), "scheme": "vercmp"}
    if (developer := _developer(component)) is not None:
        fields["manufacturer"] = developer
    sheet.state(component.place, "model", fields)
    for releases in component.all("releases"):
        if releases.attributes.get("type") == "external":
            sheet.skip(releases.place, Reason.UNMAPPED, "its releases are in another file", releases.attributes)
    for release in component.all("releases", "release"):
        with sheet.part():
            _release(sheet, component, model, release)


def _ids(sheet: Sheet, component: Element) -> list[str]:
    ids: list[str] = []
    if narrowed := [each.text.prose() for each in component.all("requires", "hardware")]:
        detail = "only for some of the devices with these GUIDs, so none of them is an id of this model"
        sheet.skip(component.place, Reason.UNMAPPED, detail, narrowed)
        return ids
    for firmware in component.all("provides", "firmware"):
        with sheet.part():
            if firmware.attributes.get("type") != "flashed":
                raise firmware.unmapped(Reason.UNMAPPED, "only firmware that is flashed says which device it is for")
            guid = firmware.text.text().casefold()
            if not _GUID.fullmatch(guid):
                raise firmware.text.unmapped(Reason.TYPE, "expected a GUID")
            ids.append(str(model_id("fwupd", guid)))
    return sorted(set(ids))[:MAX_IDS]


def _developer(component: Element) -> str | None:
    developer = component.first("developer")
    if developer is not None and (identity := developer.attribute("id")) is not None:
        return names.slug(identity)
    name = component.first("developer", "name") or component.first("developer_name")
    return names.slug(name.text) if name else None


def _version(component: Element, release: Element) -> str:
    version = release.attribute("version")
    if version is None:
        raise release.unmapped(Reason.VERSION, "expected a version")
    text = version.text()
    if not is_version(Version(text, "vercmp")) or not vers.is_one(text):
        raise version.unmapped(Reason.VERSION, "expected one version of at most 64 ASCII characters")
    for value in component.all("custom", "value"):
        if value.attributes.get("key") == "LVFS::VersionFormat" and _NUMBER.fullmatch(text):
            form = value.text.text()
            if form not in _WHOLE:
                raise version.unmapped(Reason.VERSION, f"a number, which devices show in parts, as {form}")
    return text


def _release(sheet: Sheet, component: Element, model: str, release: Element) -> None:
    version = _version(component, release)
    fields: dict[str, Any] = {"model": model, "version": version, "scheme": "vercmp"}
    channel = _CHANNELS.get(release.attributes.get("type", "stable"))
    if channel is None:
        raise release.unmapped(Reason.TYPE, f"expected a release of type {', '.join(_CHANNELS)}")
    if channel != "stable":
        fields["channel"] = channel
    _date(sheet, fields, release)
    if fixes := _fixes(sheet, release):
        fields["fixes"] = fixes
    if digests := _digests(sheet, release):
        fields["digests"] = digests
    if "date_eol" in release.attributes:
        sheet.skip(
            release.place,
            Reason.MEANING,
            "date_eol is the end of this release, not of the product's updates",
            release.attributes,
        )
    sheet.state(release.place, "release", fields)


def _date(sheet: Sheet, fields: dict[str, Any], release: Element) -> None:
    # The timestamp wins over the date; one that cannot be read is listed, and the date still holds.
    with sheet.part():
        if (timestamp := release.attribute("timestamp")) is not None:
            fields["available_from"] = dates.unix(timestamp)
    with sheet.part():
        if "available_from" not in fields and (date := release.attribute("date")) is not None:
            fields["available_from"] = dates.iso(date)
    if not release.attributes.keys() & {"timestamp", "date"}:
        sheet.skip(release.place, Reason.MISSING, "expected `timestamp` or `date`", release.attributes)


def _fixes(sheet: Sheet, release: Element) -> list[str]:
    fixes: list[str] = []
    for issue in release.all("issues", "issue"):
        with sheet.part():
            kind = issue.attributes.get("type", "generic")
            if kind not in _ISSUES:
                raise issue.unmapped(Reason.TYPE, f"expected an issue of type {', '.join(_ISSUES)}")
            if kind != "generic":
                name = issue.text.text().upper()
                if not _CVE.fullmatch(name):
                    raise issue.text.unmapped(Reason.NAME, "expected a name such as CVE-2026-12345")
                fixes.append(name)
    return sorted(set(fixes))


def _digests(sheet: Sheet, release: Element) -> list[str]:
    """Of the content; that of the archive around it no device knows."""
    digests: set[str] = set()
    for checksum in release.all("checksum"):
        with sheet.part():
            if (checksum.attributes.get("target"), checksum.attributes.get("type")) == ("content", "sha256"):
                digest = checksum.text.text().casefold()
                if not _SHA256.fullmatch(digest):
                    raise checksum.text.unmapped(Reason.TYPE, "expected SHA-256 as 64 hex digits")
                digests.add(digest)
    return sorted(digests)
