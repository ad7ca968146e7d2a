"""Sonoff's feed of Zigbee firmware (`upgrade.json`): `[{model_id, fw_manufacturer_id, fw_image_type, ...}]`."""

from typing import Final

from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)


def parse(data: bytes, _name: str) -> Imported:
    """Read the feed."""
    return zigbee.images("sonoff", data, _image)


def _image(sheet: Sheet, entry: Node) -> None:
    zigbee.state(
        sheet,
        entry,
        code=zigbee.number16(entry.get("fw_manufacturer_id")),
        image_type=zigbee.number16(entry.get("fw_image_type")),
        version=zigbee.number32(entry.get("fw_file_version")),
        device=entry.get("model_id"),
    )
