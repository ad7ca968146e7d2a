"""mDNS: what devices on the local network say of themselves in their service records.

Rules
- Browsing asks the network as a whole, which is what mDNS is made for; then each service that was heard is asked for
  its record, once.
- Time, and the number of services, are bounded.
- Multicast stays on its network: a device on another one, or an agent in a container without the host's network, hears
  nothing, and nothing tells that from a house without such devices.

Reasons: `no_network`.

Sources: RFC 6762 (mDNS), RFC 6763 (DNS-SD), section 6 on TXT records.

Decision: python-zeroconf (LGPL-2.1-or-later), which Home Assistant uses: nobody writes DNS compression and known-answer
suppression twice. It is imported by this link only.
"""

import asyncio
from collections.abc import Sequence

import msgspec
from zeroconf import InterfaceChoice, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from agent.errors import LinkError
from agent.links import tap
from evidence.report import Result

BROWSE_S = 4.0  # two rounds of questions
RECORD_S = 3.0
LIMIT_S = 30.0
MAX_SERVICES = 256  # no house has as many


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service of one device.

    Attributes:
        type: Such as `_shelly._tcp.local.`.
        name: Of this instance, without the type.
        txt: Its TXT record; empty where it did not tell.
    """

    type: str
    name: str
    txt: dict[str, str | None]


async def services(types: Sequence[str], interfaces: Sequence[str]) -> list[Service]:
    """The services of these types that are heard.

    Args:
        types: Such as `_shelly._tcp.local.`.
        interfaces: Addresses to speak from; all of them where none is named.

    Raises:
        LinkError: There is no network to ask.
    """
    heard: set[tuple[str, str]] = set()

    def listen(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:  # noqa: ARG001  # called by these names
        if state_change is not ServiceStateChange.Removed and len(heard) < MAX_SERVICES:
            heard.add((service_type, name))

    try:
        network = AsyncZeroconf(interfaces=list(interfaces) or InterfaceChoice.All)
    except (OSError, RuntimeError) as error:
        raise LinkError(Result.UNREACHABLE, "no_network", f"multicast DNS: {error}") from error
    try:
        browser = AsyncServiceBrowser(network.zeroconf, list(types), handlers=[listen])
        await asyncio.sleep(BROWSE_S)
        await browser.async_cancel()
        found = list(await asyncio.gather(*(_record(network, *item) for item in sorted(heard))))
    finally:
        await network.async_close()
    tap.current().services.extend((service.type, service.name, service.txt) for service in found)
    return found


async def _record(network: AsyncZeroconf, service_type: str, name: str) -> Service:
    info = AsyncServiceInfo(service_type, name)
    await info.async_request(network.zeroconf, RECORD_S * 1000)
    return Service(type=service_type, name=name.removesuffix(f".{service_type}"), txt=dict(info.decoded_properties))
