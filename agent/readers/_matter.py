"""Matter nodes as a Matter server writes them: basic information, cluster 40, and 57 of devices behind a bridge.

Attributes are keyed endpoint/cluster/attribute: 2 VendorID, 4 ProductID, 9 SoftwareVersion (a number, which orders), 10
SoftwareVersionString (which shows). No reader fetches them: the servers' clients need a newer Python than this one.

Source: Matter 1.4 core specification, sections 11.1 and 9.13.
"""

import re
from collections.abc import Mapping

import msgspec

from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading

SAMPLES = "network"
_BASIC, _BRIDGED = "40", "57"
_VENDOR, _PRODUCT, _NUMBER, _SHOWN = "2", "4", "9", "10"
_PLACE = re.compile(r"([0-9]+)/(40|57)/[0-9]+")


class _Node(msgspec.Struct):
    """What is wanted of a node."""

    node_id: int
    attributes: dict[str, object]


_NODE = msgspec.json.Decoder(_Node, float_hook=str)


def parse_node(node_id: int, attributes: Mapping[str, object]) -> list[Reading]:
    """The node, and each device behind it where it is a bridge."""
    places = {(match[1], match[2]) for key in attributes if (match := _PLACE.fullmatch(key))}
    wanted = [("0", _BASIC), *sorted(place for place in places if place[1] == _BRIDGED)]
    return values.at_most([_reading(node_id, endpoint, cluster, attributes) for endpoint, cluster in wanted])


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    """One recorded node, for `parse`; it is named by its number, a device behind it by its endpoint too."""
    node = values.json(data, _NODE)
    return [(reading.identity.partition("/")[2], reading) for reading in parse_node(node.node_id, node.attributes)]


def _reading(node_id: int, endpoint: str, cluster: str, attributes: Mapping[str, object]) -> Reading:
    vendor, product, number, shown = (
        attributes.get(f"{endpoint}/{cluster}/{attribute}") for attribute in (_VENDOR, _PRODUCT, _NUMBER, _SHOWN)
    )
    version = str(number) if type(number) is int and 0 <= number < 2**32 else None
    text = values.version(shown)
    model = f"{vendor}-{product}" if type(vendor) is int and type(product) is int else None
    return Reading(
        identity=f"link:matter/{node_id}" + ("" if cluster == _BASIC else f"/{endpoint}"),
        ids=values.model_ids("matter", [model]),
        version_raw=version or text,
        version_alt=text if version else None,
        scheme="uint32" if version else None,
    )
