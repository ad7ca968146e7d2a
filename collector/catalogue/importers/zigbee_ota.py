"""The Zigbee OTA index that Zigbee2MQTT uses (github.com/Koenkk/zigbee-OTA, `index.json` and `index1.json`).

An array of images with `manufacturerCode`, `imageType` and `fileVersion`. It has no dates, severities or advisories,
so a release is known to be available from when it was first seen here, no earlier. `hardwareVersionMin` and `-Max` are
bounds of the release; `minFileVersion` and `maxFileVersion` only say from where one may update, for which there is no
fact. What release notes say in free words is not read.
"""

from typing import Final

from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._nodes import MAX_UINT16, Node
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)
_BOUNDS: Final = {"hw_min": "hardwareVersionMin", "hw_max": "hardwareVersionMax"}


def parse(data: bytes, _name: str) -> Imported:
    """Read an index."""
    return zigbee.images("zigbee-ota", data, _image)


def _image(sheet: Sheet, entry: Node) -> None:
    bounds = {field: zigbee.number16(found) for field, key in _BOUNDS.items() if (found := entry.find(key))}
    if bounds.get("hw_min", 0) > bounds.get("hw_max", MAX_UINT16):
        raise entry.unmapped(Reason.CONTRADICTION, "the lowest hardware version is above the highest")
    makers = entry.find("manufacturerName")
    if makers is not None and makers.value == []:
        raise makers.unmapped(Reason.PRODUCT, "an empty list narrows it down to no device")
    for maker in makers.items() if makers is not None else (None,):
        with sheet.part():
            zigbee.state(
                sheet,
                entry,
                code=zigbee.number16(entry.get("manufacturerCode")),
                image_type=zigbee.number16(entry.get("imageType")),
                version=zigbee.number32(entry.get("fileVersion")),
                device=entry.find("modelId"),
                maker=maker,
                **bounds,
            )
