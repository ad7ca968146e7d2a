"""A Zigbee OTA image (ZCL specification chapter 11), whichever index lists it.

`fileVersion` is a number of 32 bits that is ordered within one manufacturer code and image type and means nothing
outside it. The highest number of each of the three stands for any, and the image types from 0xFFC0 for credentials,
settings and logs: none of them is the firmware of one kind of device. An index may narrow an image down to a device's
model id, or to a manufacturer name too: that is then another model. Only an image that is for every device of its type
lets the type be an id of the model.
"""

from collections.abc import Callable
from typing import Any, Final

from collector.catalogue.importers import _names as names
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import MAX_UINT16, MAX_UINT32, Node
from collector.catalogue.importers._sheet import Sheet
from evidence.ids import model_id

_NO_FIRMWARE: Final = 0xFFC0  # image types from here on


def images(feed: str, data: bytes, write: Callable[[Sheet, Node], None]) -> Imported:
    """Read an index that is an array of images.

    Args:
        feed: Whose it is.
        data: The file.
        write: Writes one image; what it cannot map costs no other.
    """
    sheet = Sheet(feed)
    with sheet.part():
        root = document(data)
        if not isinstance(root.value, list):
            raise root.unmapped(Reason.FORMAT, "expected an array of images")
        for entry in root.items():
            with sheet.part():
                write(sheet, entry)
    return sheet.imported()


def number16(node: Node) -> int:
    """A manufacturer code, image type or hardware version."""
    return node.integer(0, MAX_UINT16)


def number32(node: Node) -> int:
    """A file version."""
    return node.integer(0, MAX_UINT32)


def state(
    sheet: Sheet,
    entry: Node,
    *,
    code: int,
    image_type: int,
    version: int,
    device: Node | None = None,
    maker: Node | None = None,
    **fields: Any,
) -> None:
    """Write the model and the release of an image.

    Args:
        sheet: Where to.
        entry: The image's entry in its index.
        code: Manufacturer code.
        image_type: Image type.
        version: File version.
        device: The model id that it is narrowed down to.
        maker: The manufacturer name that it is narrowed down to.
        fields: Further fields of the release.

    Raises:
        UnmappedError: It is no firmware of one kind of device, or has no version.
    """
    if code == MAX_UINT16 or image_type >= _NO_FIRMWARE:
        raise entry.unmapped(Reason.PRODUCT, f"code {code} and image type {image_type} are no one device's firmware")
    if version == MAX_UINT32:
        raise entry.unmapped(Reason.VERSION, f"{version} stands for any version")
    narrowed = [part for part in (device, maker) if part is not None]
    model = "/".join([names.zigbee(code, image_type), *map(names.slug, narrowed)])
    if narrowed:
        found = model_id("zigbee", maker.text() if maker else None, device.text() if device else None)
    else:
        found = model_id("zigbee-ota", f"{code}-{image_type}")
    ids = [found] if found else []
    sheet.state(entry.place, "model", {"model": model, "ids": ids, "scheme": "uint32"})
    release = {"model": model, "version": str(version), "scheme": "uint32", **fields}
    sheet.state(entry.place, "release", release)
