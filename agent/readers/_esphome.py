"""What a device with ESPHome says of itself: the same fields over MQTT and in the TXT record of mDNS.

`project_version` is the version of the maker's firmware, `version` the release of ESPHome that it was built with. Who
built it at home has no project, and the release is all there is.
"""

from collections.abc import Mapping

from agent.readers import _values as values
from agent.readers._contract import Reading


def parse_fields(fields: Mapping[str, object], fallback: str) -> Reading:
    """The reading of one device.

    Args:
        fields: As stated.
        fallback: What tells the device from others where it states no address.
    """
    project, release = values.version(fields.get("project_version")), values.version(fields.get("version"))
    named = values.text(fields.get("project_name"))
    return Reading(
        identity=values.mac(fields.get("mac")) or f"link:esphome/{fallback}",
        name=values.text(fields.get("friendly_name")) or values.text(fields.get("name")),
        ids=values.model_ids("esphome", [named or fields.get("board")]),
        version_raw=project or release,
        version_alt=release if project else None,
    )
