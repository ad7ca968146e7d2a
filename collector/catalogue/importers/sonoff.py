"""Sonoff's feed of Zigbee firmware (`upgrade.json`): `[{model_id, fw_manufacturer_id, fw_image_type, ...}]`."""

from typing import Final

from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)


def parse(data: bytes, _name: str) -> Imported:
    """Read the feed."""
    sheet = Sheet("sonoff")
    with sheet.part():
        root = document(data)
        if not isinstance(root.value, list):
            raise root.unmapped(Reason.FORMAT, "expected an array of images")
        for entry in root.items():
            with sheet.part():
                zigbee.state(
                    sheet,
                    entry,
                    code=zigbee.number16(entry.get("fw_manufacturer_id")),
                    image_type=zigbee.number16(entry.get("fw_image_type")),
                    version=zigbee.number32(entry.get("fw_file_version")),
                    device=entry.get("model_id"),
                )
    return sheet.imported()
