"""The gateway itself: its files, its kernel, and fwupd over D-Bus. Reads only, and starts no program.

Files are looked for under a root, so that an agent in a container can read the host's: an agent that sees only its own
os-release would report the container's system as the gateway's.

Reasons: `no_os_release`; for fwupd `no_bus`, `timeout`, `refused`, `garbled`. A host where fwupd is not installed has
none, which is no failure.

Sources: os-release(5); the device tree of Raspberry Pi firmware (/chosen/bootloader); fwupd's D-Bus interface
org.freedesktop.fwupd (GetDevices).

Decision: os-release is read here and not by `platform.freedesktop_os_release`, which knows no root and remembers its
first answer: after an upgrade of the system a running agent would go on reporting the old release.
"""

import asyncio
import os
from pathlib import Path

from agent.errors import LinkError
from evidence.report import Result

MAX_FILE_BYTES = 64 * 1024
MAX_FWUPD_DEVICES = 128  # a server with many disks has some dozens
FWUPD_TIMEOUT_S = 15.0  # the bus may have to start the daemon first

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_DEVICE_TREE = "sys/firmware/devicetree/base"
_FWUPD = "org.freedesktop.fwupd"
_FWUPD_SERVICE = f"usr/share/dbus-1/system-services/{_FWUPD}.service"


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
    if not (root / _FWUPD_SERVICE).exists():
        return []
    # Only here, because most gateways have no fwupd, and the library takes 12 MB of memory.
    from dbus_fast import BusType, Message  # noqa: PLC0415
    from dbus_fast.aio import MessageBus  # noqa: PLC0415

    call = Message(destination=_FWUPD, path="/", interface=_FWUPD, member="GetDevices")
    try:
        async with asyncio.timeout(FWUPD_TIMEOUT_S):
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            try:
                reply = await bus.call(call)
            finally:
                bus.disconnect()
    except TimeoutError as error:
        raise LinkError(Result.UNREACHABLE, "timeout", f"fwupd said nothing in {FWUPD_TIMEOUT_S} s") from error
    except (OSError, EOFError, ValueError) as error:
        raise LinkError(Result.UNREACHABLE, "no_bus", f"the system bus: {error}") from error
    if reply.error_name:
        raise LinkError(Result.REFUSED, "refused", f"fwupd: {reply.error_name}")
    return _plain(reply.body)


def _plain(body: list[object]) -> list[dict[str, object]]:
    match body:
        case [list(devices)]:
            return [
                {str(name): getattr(variant, "value", None) for name, variant in device.items()}
                for device in devices[:MAX_FWUPD_DEVICES]
                if isinstance(device, dict)
            ]
    raise LinkError(Result.PARSE_FAILED, "garbled", "fwupd answered something else than a list of devices")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None
