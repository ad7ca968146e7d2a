"""LEDVANCE's feed of Zigbee firmware: `{"firmwares": [{identity, released, salesRegion, shA256, fullName, ...}]}`.

- `identity` has manufacturer code, image type and four bytes of version; together they are the file version, which the
  second part of `fullName` repeats in hexadecimal. Where the two differ nobody can tell which is right.
- `released` is a date-time without offset: local time of an unknown place, and kept as such.
- `salesRegion` is `eu`, `us` or null. A region that stands for no list of countries is not taken: the release would be
  said to be everywhere.
"""

import re
from typing import Any, Final

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)
_PARTS: Final = ("major", "minor", "build", "revision")
_UNION: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_REGIONS: Final = {"eu": _UNION.split(), "us": ["US"]}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def parse(data: bytes, _name: str) -> Imported:
    """Read the feed."""
    sheet = Sheet("ledvance")
    with sheet.part():
        for entry in document(data).mark("firmwares").items():
            with sheet.part():
                _image(sheet, entry)
    return sheet.imported()


def _image(sheet: Sheet, entry: Node) -> None:
    identity = entry.get("identity")
    fields = _regions(entry)
    with sheet.part():
        fields["available_from"] = dates.moment(entry.get("released"))
    with sheet.part():
        fields["digests"] = [_digest(entry.get("shA256"))]
    zigbee.state(
        sheet,
        entry,
        code=zigbee.number16(identity.get("company")),
        image_type=zigbee.number16(identity.get("product")),
        version=_version(entry, identity.get("version")),
        **fields,
    )


def _version(entry: Node, version: Node) -> int:
    number = int.from_bytes(bytes(version.get(part).integer(0, 255) for part in _PARTS))
    full = entry.get("fullName")
    written = full.text().split("/")
    if len(written) != 3 or written[1].casefold() != f"{number:08x}":
        raise full.unmapped(Reason.CONTRADICTION, f"expected the version {number:08x} as its second part")
    return number


def _regions(entry: Node) -> dict[str, Any]:
    region = entry.find("salesRegion")
    if region is None:
        return {}
    found = _REGIONS.get(region.text())
    if found is None:
        raise region.unmapped(Reason.REGION, "expected eu, us or null")
    return {"regions": found}


def _digest(node: Node) -> str:
    if not _SHA256.fullmatch(node.text().casefold()):
        raise node.unmapped(Reason.TYPE, "expected SHA-256 as 64 hex digits")
    return node.text().casefold()
