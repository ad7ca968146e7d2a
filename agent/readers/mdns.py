"""Devices that say what they are over multicast DNS: Shelly of all generations, and whatever runs ESPHome.

Devices: Shelly plugs, relays and meters; devices with ESPHome, over the native API too, so most of them.
Wire: mDNS on the local network, service types `_shelly._tcp`, `_http._tcp` (of Shelly only) and `_esphomelib._tcp`;
  what is read stands in the TXT record. `_hap._tcp`, `_matter._tcp` and `_meshcop._udp` hold no firmware version.
Version format: as in the readers `shelly` and `esphome`; of later Shelly `ver` alone. Some answer without a TXT record
  now and then: they are there, and state none. `fw_version` is 1.0 on all and no version.
Sources: Shelly documentation, "mDNS"; ESPHome, components/mdns/mdns_component.cpp; RFC 6762, RFC 6763.
Access needed: UDP port 5353 with multicast on the devices' network; not from a container with a network of its own.
Not tested on: a device; a network with a repeater; tested against the responders bonjour-service and zeroconf. That a
  first generation Shelly which shows half of its address in its name is the one that the reader `shelly` shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from agent.errors import LinkError
from agent.links import mdns
from agent.readers import _esphome, _shelly
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = mdns.LIMIT_S
LISTS = False
SAMPLES = "network"
_SHELLY, _HTTP, _ESPHOME = "_shelly._tcp", "_http._tcp", "_esphomelib._tcp"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which network.

    Attributes:
        interfaces: The gateway's addresses to ask from; all of them where none is given.
    """

    interfaces: tuple[str, ...] = ()


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Listen to the network for a few seconds."""
    types = [f"{name}.local." for name in (_SHELLY, _HTTP, _ESPHOME)]
    heard = await mdns.services(types, settings.interfaces)
    readings = [parse_service(service.type, service.name, service.txt) for service in heard if _is_ours(service)]
    if not readings:
        raise LinkError(Result.UNREACHABLE, "silent", "no Shelly and no ESPHome is heard on this network")
    # A device with two services states its version in both, or in one.
    stating = sorted(readings, key=lambda reading: reading.version_raw is not None)
    return values.at_most(list({reading.identity: reading for reading in stating}.values()))


def parse_service(service_type: str, name: str, txt: Mapping[str, object]) -> Reading:
    """What one service record says of its device."""
    if service_type.startswith(_ESPHOME):
        return _esphome.parse_fields(txt, name)
    if service_type.startswith(_SHELLY) or _is_shelly(name, txt):
        return _shelly.parse_txt(txt, name)
    return Reading(identity=f"link:mdns/{name}")


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    """One recorded service, for `parse`; it is named by the id or address in its record, else by its name."""
    service = values.json(data, _SERVICE)
    name, txt = service.name.removesuffix(f".{service.type}"), service.txt or {}
    device = values.text(txt.get("id")) or values.text(txt.get("mac")) or name or "self"
    return [(device, parse_service(service.type, name, txt))]


class _Service(msgspec.Struct):
    """A service as samples hold it."""

    type: str
    txt: dict[str, Any] | None
    name: str = ""


_SERVICE = msgspec.json.Decoder(_Service, float_hook=str)


def _is_ours(service: mdns.Service) -> bool:
    return not service.type.startswith(_HTTP) or _is_shelly(service.name, service.txt)


def _is_shelly(name: str, txt: Mapping[str, object]) -> bool:
    """Whether this is a Shelly: web servers of all makers share its service type."""
    return str(txt.get("id") or name).lower().startswith("shelly")
