"""OASIS OpenEoX Core 1.0: one JSON object with the end dates of one product.

- The window is `end_of_security_support`, the last day of committed security fixes, as it is written: a date-time with
  offset, whose legal day the appraisal finds (D2), or `tba`, which is listed too.
- Core says nothing of which product it is about. All the identity a record has is the file under which it is published,
  so the window is put on record under `openeox/<file name>`, where it touches no device until the operator's map says
  which model that is.
- `end_of_life` must not lie before the other dates (mandatory test 1); a record that breaks this is not taken.
"""

from pathlib import PurePath
from typing import Any, Final

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers import _names as names
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)
SCHEMA: Final = "https://docs.oasis-open.org/openeox/v1.0/schema/core.json"
_REQUIRED: Final = ("end_of_life", "end_of_security_support")
_OPTIONAL: Final = ("end_of_sales", "general_availability")
_KNOWN: Final = {"$schema", *_REQUIRED, *_OPTIONAL, "last_updated"}
_ANNOUNCED: Final = "tba"


def parse(data: bytes, name: str) -> Imported:
    """Read a record."""
    sheet = Sheet("openeox")
    with sheet.part():
        _record(sheet, document(data), names.slug(Node(PurePath(name).stem)))
    return sheet.imported()


def _record(sheet: Sheet, root: Node, product: str) -> None:
    schema = root.mark("$schema")
    if schema.value != SCHEMA:
        raise schema.unmapped(Reason.FORMAT, f"expected $schema {SCHEMA}")
    for key in sorted(set(root.keys()) - _KNOWN):
        sheet.skip(f"/{key}", Reason.FORMAT, "not part of OpenEoX Core 1.0", root.value[key])
    written = _written(sheet, root)
    for key, text in written.items():
        if _ANNOUNCED not in (text, last := written.get("end_of_life", text)) and dates.utc(text) > dates.utc(last):
            raise root.get(key).unmapped(Reason.CONTRADICTION, "later than end_of_life")
    asserted_at = None
    with sheet.part():
        asserted_at = dates.instant(root.get("last_updated"))
    _state(sheet, f"openeox/{product}", written, asserted_at)


def _written(sheet: Sheet, root: Node) -> dict[str, str]:
    written: dict[str, str] = {}
    for key in (*_REQUIRED, *_OPTIONAL):
        with sheet.part():
            node = root.get(key) if key in _REQUIRED else root.find(key)
            if node is not None and node.value == _ANNOUNCED:
                sheet.skip(node.place, Reason.TBA, "to be announced: no day follows from it", node.value)
                written[key] = _ANNOUNCED
            elif node is not None:
                written[key] = dates.date_time(node)
    return written


def _state(sheet: Sheet, model: str, written: dict[str, str], asserted_at: str | None) -> None:
    fields: dict[str, Any] = {"model": model, "ids": []}
    if (available := written.get("general_availability", _ANNOUNCED)) != _ANNOUNCED:
        fields["general_availability"] = available[:10]  # the day as its issuer wrote it
    sheet.state("", "model", fields)
    if (end := written.get("end_of_security_support")) is not None:
        sheet.state("/end_of_security_support", "window", {"model": model, "end": end}, asserted_at=asserted_at)
