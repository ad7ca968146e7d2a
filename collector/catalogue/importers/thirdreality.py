"""Third Reality's feed of Zigbee firmware (`firmware.json`): `{"versions": [{modelId, imageType, fileVersion, ...}]}`.

`fileVersion` is what a device reports and what is compared; `version` is how people write it and is kept beside it. The
two are numbered apart, and one image may be for several models.
"""

from typing import Final

from collector.catalogue.importers import _zigbee as zigbee
from collector.catalogue.importers._contract import Imported
from collector.catalogue.importers._json import document
from collector.catalogue.importers._sheet import Sheet

SUFFIXES: Final = (".json",)


def parse(data: bytes, _name: str) -> Imported:
    """Read the feed."""
    sheet = Sheet("thirdreality")
    with sheet.part():
        for entry in document(data).mark("versions").items():
            with sheet.part():
                zigbee.state(
                    sheet,
                    entry,
                    code=zigbee.number16(entry.get("manufacturerId")),
                    image_type=zigbee.number16(entry.get("imageType")),
                    version=zigbee.number32(entry.get("fileVersion")),
                    device=entry.get("modelId"),
                    version_alt=entry.get("version").text(),
                )
    return sheet.imported()
