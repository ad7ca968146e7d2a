"""What a model is called, where a feed names products in words or numbers of its own.

A name is `authority/product`: who gives the product its id in that feed, and the id. Each format has one rule, so that
a product keeps its name from file to file; nothing of a display name goes in where there is an id.
"""

import re
import unicodedata
from typing import Final

from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._nodes import Node

_OTHER: Final = re.compile(r"[^\w.+]+")
_MAX_PART: Final = 120


def slug(node: Node) -> str:
    """Words as a part of a name: lower case, `-` between them. `+` stays, since a 3+ is another product than a 3."""
    folded = unicodedata.normalize("NFKC", node.prose()).casefold()
    found = _OTHER.sub("-", folded).strip("-.")[:_MAX_PART]
    if not found:
        raise node.unmapped(Reason.PRODUCT, "expected a name with a letter or digit")
    return found


def zigbee(code: int, image_type: int) -> str:
    """A device by what its Zigbee OTA images are for."""
    return f"zigbee-{code}/{image_type}"


def matter(vendor: int, product: int) -> str:
    """A Matter device."""
    return f"matter-{vendor}/{product}"
