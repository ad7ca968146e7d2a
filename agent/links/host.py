"""The gateway itself: its files, its kernel, and fwupd and RAUC over D-Bus. Reads only, and starts no program.

Files are looked for under a root, so that an agent in a container can read the host's: an agent that sees only its own
os-release would report the container's system as the gateway's.

Reasons: `no_os_release`; for fwupd and RAUC `no_bus`, `timeout`, `refused`, `garbled`. A host where they are not
installed has none, which is no failure.

Sources: os-release(5); the device tree of Raspberry Pi firmware (/chosen/bootloader); fwupd's D-Bus interface
org.freedesktop.fwupd (GetDevices); RAUC's, de.pengutronix.rauc.Installer (GetSlotStatus, property Compatible).

Decision: os-release is read here and not by `platform.freedesktop_os_release`, which knows no root and remembers its
first answer: after an upgrade of the system a running agent would go on reporting the old release.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import LinkError
from evidence.report import Result

MAX_FILE_BYTES = 64 * 1024
MAX_DEVICES = 128  # a server with many disks has some dozens
BUS_TIMEOUT_S = 15.0  # the bus may have to start the daemon first

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_DEVICE_TREE = "sys/firmware/devicetree/base"
_FWUPD = "org.freedesktop.fwupd"
_RAUC, _RAUC_INSTALLER = "de.pengutronix.rauc", "de.pengutronix.rauc.Installer"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SERVICES = "usr/share/dbus-1/system-services"


def os_release(root: Path) -> bytes:
    """The file that names the operating system release.

    Raises:
        LinkError: There is none.
    """
    for name in _OS_RELEASE:
        data = _read(root / name)
        if data is not None:
            return data
    raise LinkError(Result.UNREACHABLE, "no_os_release", f"neither {' nor '.join(_OS_RELEASE)} is under {root}")


def kernel() -> tuple[str, str, str]:
    """Name, release and version of the running kernel."""
    names = os.uname()
    return names.sysname, names.release, names.version


def boot_eeprom(root: Path) -> tuple[bytes | None, bytes | None]:
    """Build timestamp and version of a Raspberry Pi's boot EEPROM, as they stand in the device tree."""
    folder = root / _DEVICE_TREE / "chosen/bootloader"
    return _read(folder / "build-timestamp"), _read(folder / "version")


def board(root: Path) -> bytes | None:
    """What the device tree says the board is compatible with, nearest first, each with a NUL behind it."""
    return _read(root / _DEVICE_TREE / "compatible")


async def fwupd_devices(root: Path) -> list[dict[str, object]]:
    """The devices that fwupd knows, by its own names of their properties; none where there is no fwupd.

    Raises:
        LinkError: There is a fwupd, and it does not answer as it should.
    """
    if not _is_installed(root, _FWUPD):
        return []
    (devices,) = await _ask(_FWUPD, [(_FWUPD, "GetDevices", "", ())])
    return _plain(devices)


async def rauc_slots(root: Path) -> tuple[object, list[dict[str, object]]] | None:
    """What the system is compatible with, and its slots by RAUC's own names of their properties; None without RAUC.

    Raises:
        LinkError: There is a RAUC, and it does not answer as it should.
    """
    if not _is_installed(root, _RAUC):
        return None
    compatible, slots = await _ask(
        _RAUC,
        [
            (_PROPERTIES, "Get", "ss", (_RAUC_INSTALLER, "Compatible")),
            (_RAUC_INSTALLER, "GetSlotStatus", "", ()),
        ],
    )
    return getattr(compatible, "value", None), _plain([slot[-1] for slot in slots] if _is_pairs(slots) else None)


def _is_installed(root: Path, service: str) -> bool:
    return (root / _SERVICES / f"{service}.service").exists()


async def _ask(service: str, calls: Sequence[tuple[str, str, str, Sequence[str]]]) -> list[Any]:
    """The first value of each answer; calls are interface, method, signature and arguments."""
    # Only here, because most gateways have no such service, and the library takes 12 MB of memory.
    from dbus_fast import BusType, Message  # noqa: PLC0415
    from dbus_fast.aio import MessageBus  # noqa: PLC0415

    messages = [
        Message(destination=service, path="/", interface=interface, member=member, signature=signature, body=[*body])
        for interface, member, signature, body in calls
    ]
    try:
        async with asyncio.timeout(BUS_TIMEOUT_S):
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            try:
                replies = [await bus.call(message) for message in messages]
            finally:
                bus.disconnect()
    except TimeoutError as error:
        raise LinkError(Result.UNREACHABLE, "timeout", f"{service} said nothing in {BUS_TIMEOUT_S} s") from error
    except (OSError, EOFError, ValueError) as error:
        raise LinkError(Result.UNREACHABLE, "no_bus", f"the system bus: {error}") from error
    for reply in replies:
        if reply.error_name:
            raise LinkError(Result.REFUSED, "refused", f"{service}: {reply.error_name}")
    return [reply.body[0] if reply.body else None for reply in replies]


def _is_pairs(slots: object) -> bool:
    return isinstance(slots, list) and all(isinstance(slot, (list, tuple)) and len(slot) == 2 for slot in slots)


def _plain(items: object) -> list[dict[str, object]]:
    """The properties of each item, out of their variants."""
    if not isinstance(items, list):
        raise LinkError(Result.PARSE_FAILED, "garbled", "something else than a list of devices came over the bus")
    return [
        {str(name): getattr(variant, "value", None) for name, variant in item.items()}
        for item in items[:MAX_DEVICES]
        if isinstance(item, dict)
    ]


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None
