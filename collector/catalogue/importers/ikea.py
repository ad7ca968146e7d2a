"""IKEA's feed of firmware (`version_info.json` of the DIRIGERA and TRADFRI hubs): an array of images.

- Images for Zigbee devices have an `fw_image_type`. The older feed states the version in two halves of 16 bits; the
  newer one only in the name of the file, as `..._v268572245_...`, by a rule that holds for all of them.
- The newer feed's hub image (`fw_type` 3) has its version in three numbers, and its product only in the file's name;
  it is taken where that name repeats the three numbers. The older feed names no product of its hub images.
- The digests are SHA3-256, which no device reports.
"""

import re
from typing import Final

from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._nodes import MAX_UINT32, Node
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)
_CODE: Final = 4476  # IKEA of Sweden, in the Zigbee alliance's list of manufacturer codes
_DEVICE: Final = re.compile(r"_v([0-9]{1,10})(?=_)")
_HUB: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*)_release_prod_v([0-9]+\.[0-9]+\.[0-9]+)_[^/]+")


def parse(data: bytes, _name: str) -> Imported:
    """Read the feed."""
    return zigbee.images("ikea", data, _image)


def _image(sheet: Sheet, entry: Node) -> None:
    is_device = entry.get("fw_type").integer(0, 9) == 2
    (_device if is_device else _hub)(sheet, entry)


def _device(sheet: Sheet, entry: Node) -> None:
    maker = entry.find("fw_manufacturer_id")
    zigbee.state(
        sheet,
        entry,
        code=_CODE if maker is None else zigbee.number16(maker),
        image_type=zigbee.number16(entry.get("fw_image_type")),
        version=_version(entry),
    )


def _version(entry: Node) -> int:
    high = entry.find("fw_file_version_MSB")
    if high is not None:
        return zigbee.number16(high) << 16 | zigbee.number16(entry.get("fw_file_version_LSB"))
    url = entry.get("fw_binary_url")
    found = _DEVICE.findall(_file(url))
    if len(found) != 1 or int(found[0]) > MAX_UINT32:
        raise url.unmapped(Reason.VERSION, "expected a file name with one _v and the file version")
    return int(found[0])


def _hub(sheet: Sheet, entry: Node) -> None:
    parts = (entry.get(f"fw_{part}_version").integer(0, MAX_UINT32) for part in ("major", "minor", "hotfix"))
    version = ".".join(map(str, parts))
    url = entry.get("fw_binary_url")
    found = _HUB.fullmatch(_file(url))
    if found is None:
        raise url.unmapped(Reason.PRODUCT, "this hub image says nowhere for which hub it is")
    if found[2] != version:
        raise url.unmapped(Reason.CONTRADICTION, f"the file's name is of another version than {version}")
    model = f"ikea/{found[1].casefold()}"
    fields = {"model": model, "ids": [], "manufacturer": "ikea", "scheme": "multipart-numeric"}
    sheet.state(entry.place, "model", fields)
    release = {"model": model, "version": version, "scheme": "multipart-numeric"}
    sheet.state(entry.place, "release", release)


def _file(url: Node) -> str:
    return url.text().rpartition("/")[2]
