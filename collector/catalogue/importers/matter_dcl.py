"""The Matter Distributed Compliance Ledger, as its REST interface answers (`/dcl/model/...`).

- `{"modelVersion": {...}}`: one version of the software of a `vid` and `pid`, or an array of them. `softwareVersion`
  is what a device reports and what is compared. A version that its maker has declared invalid is retracted, one
  without `otaUrl` cannot be had; the ledger dates neither, so both count from when they were first seen here.
- `{"model": {...}}`: the product itself.
- `{"modelVersions": {...}}`: only numbers. Which of them are valid or can be had it does not say.
- `{"complianceInfo": {...}}`: its date is that of a certificate, not of a release.
- It has no release dates, no severities and no windows. `minApplicableSoftwareVersion` and its like only say from where
  one may update, for which there is no fact.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from collector.catalogue.importers import _names as names
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import MAX_UINT16, MAX_UINT32, Node
from collector.catalogue.importers._sheet import Sheet
from evidence.ids import model_id

SUFFIXES: Final = (".json",)
_SHA256: Final = 1  # IANA named information hash algorithms


def parse(data: bytes, _name: str) -> Imported:
    """Read one answer."""
    sheet = Sheet("matter-dcl")
    with sheet.part():
        root = document(data)
        known = [key for key in _PARTS if isinstance(root.value, dict) and key in root.value]
        if not known:
            raise root.unmapped(Reason.FORMAT, f"expected an object with one of {', '.join(_PARTS)}")
        for key in known:
            part = root.get(key)
            for node in part.items() if isinstance(part.value, list) else (part,):
                with sheet.part():
                    _PARTS[key](sheet, node)
    return sheet.imported()


def _model(sheet: Sheet, node: Node) -> str:
    vendor, product = node.get("vid").integer(1, MAX_UINT16), node.get("pid").integer(0, MAX_UINT16)
    model = names.matter(vendor, product)
    ids = [model_id("matter", f"{vendor}-{product}")]
    sheet.state(node.place, "model", {"model": model, "ids": ids, "scheme": "uint32"})
    return model


def _version(sheet: Sheet, node: Node) -> None:
    number = node.get("softwareVersion").integer(0, MAX_UINT32)
    fields: dict[str, Any] = {"model": _model(sheet, node), "version": str(number), "scheme": "uint32"}
    seen: tuple[str, ...] = () if node.get("softwareVersionValid").boolean() else ("retracted_at",)
    with sheet.part():
        fields["version_alt"] = node.get("softwareVersionString").text()
    with sheet.part():
        if (checksum := _filled(node, "otaChecksum")) is not None:
            fields["digests"] = [_digest(checksum, node.get("otaChecksumType"))]
    if _filled(node, "otaUrl") is None:
        seen += ("gone_at",)
        sheet.skip(node.place, Reason.DOWNLOAD, "without otaUrl no device can get this version", node.value)
    sheet.state(node.place, "release", fields, seen=seen)


def _digest(checksum: Node, kind: Node) -> str:
    if kind.integer(0, MAX_UINT16) != _SHA256:
        raise kind.unmapped(Reason.UNMAPPED, f"only checksums of type {_SHA256}, SHA-256, are compared with anything")
    try:
        raw = base64.b64decode(checksum.text(), validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise checksum.unmapped(Reason.TYPE, "expected SHA-256 in base64")
    return raw.hex()


def _filled(node: Node, key: str) -> Node | None:
    """The ledger writes an empty text for what is absent."""
    found = node.find(key)
    return None if found is None or (isinstance(found.value, str) and not found.value.strip()) else found


def _versions(sheet: Sheet, node: Node) -> None:
    _model(sheet, node)
    detail = "numbers alone say neither whether a version is valid nor whether it can be had; import each version"
    sheet.skip(node.place, Reason.UNMAPPED, detail, node.value)


def _compliance(sheet: Sheet, node: Node) -> None:
    _model(sheet, node)
    sheet.skip(node.place, Reason.UNMAPPED, "the date of a certificate is not that of a release", node.value)


_PARTS: Final[dict[str, Callable[[Sheet, Node], object]]] = {
    "model": _model,
    "modelVersion": _version,
    "modelVersions": _versions,
    "complianceInfo": _compliance,
}
