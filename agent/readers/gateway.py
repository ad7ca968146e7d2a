"""The gateway itself: operating system release, kernel, Raspberry Pi boot EEPROM, what fwupd knows of, and RAUC.

Devices: every Linux machine; boot EEPROM on Raspberry Pi 4, 5, 400, 500 and their compute modules; fwupd's devices
  (system firmware, docks, disks) where fwupd is installed, which it seldom is on a Pi; systems that RAUC updates as a
  whole.
Wire: files (etc/os-release, the device tree's chosen/bootloader), uname(2), and calls on the system bus (GetDevices of
  org.freedesktop.fwupd; GetSlotStatus and the property Compatible of de.pengutronix.rauc). No program is started, so
  Mender, which has no such interface, is not read.
Version format: VERSION_ID of os-release ("12": Debian does not state point releases there); the kernel's release with
  the build text beside it, which on Debian names the package version; the EEPROM's build timestamp, an unsigned 32 bit
  number (scheme uint32), with its git hash beside it; fwupd's Version as that printed it, with VersionBootloader;
  of RAUC the bundle in the slot that is booted, which a slot written in the factory does not have.
Sources: os-release(5); uname(2); raspberrypi/rpi-eeprom, script rpi-bootloader-version; the D-Bus interfaces of fwupd
  and RAUC.
Access needed: none for the files; the system bus for fwupd and RAUC. In a container, `root` is where the host's files
  are mounted.
Not tested on: a Raspberry Pi, whose device tree is played from a fixture; a fwupd with real devices, only
  fwupd 2.0.20 with the one that it simulates; a system that RAUC updated, only RAUC 1.8 with a status written by hand.
"""

import contextlib
import re
import shlex
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from agent.errors import LinkError
from agent.links import host
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 30.0
SAMPLES = "gateway"
_FIRST_EEPROM = 1_546_300_800  # 2019, the year of the first; other words of the device tree are smaller numbers


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway's files are.

    Attributes:
        root: `/`, or where the host's root is mounted in a container.
        fwupd: Whether to ask fwupd.
        rauc: Whether to ask RAUC.
    """

    root: str = "/"
    fwupd: bool = True
    rauc: bool = True


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Read the parts of this machine."""
    root = Path(settings.root)
    parts: list[Reading | ReadFailure] = []
    try:
        parts.append(parse_os_release(host.os_release(root)))
    except LinkError as error:
        parts.append(ReadFailure.of("machine:os", error))
    parts.append(parse_kernel(*host.kernel()))
    parts.extend(parse_boot_eeprom(*host.boot_eeprom(root), host.board(root)))
    if settings.fwupd:
        try:
            parts.extend(parse_fwupd(await host.fwupd_devices(root)))
        except LinkError as error:
            parts.append(ReadFailure.of("machine:fwupd", error))
    if settings.rauc:
        try:
            parts.extend(parse_rauc_slots(await host.rauc_slots(root)))
        except LinkError as error:
            parts.append(ReadFailure.of("machine:rauc", error))
    return parts


def parse_os_release(data: bytes) -> Reading:
    """The operating system's release.

    Raises:
        LinkError: The file assigns nothing.
    """
    stated = _assignments(data)
    if not stated:
        raise LinkError(Result.PARSE_FAILED, "malformed", "no line NAME=value in os-release")
    return Reading(
        identity="machine:os",
        name=values.text(stated.get("PRETTY_NAME")),
        ids=values.model_ids("os", [stated.get("ID")]),
        version_raw=values.version(stated.get("VERSION_ID")),
    )


def parse_kernel(name: str, release: str, build: str) -> Reading:
    """The running kernel, as uname(2) names it."""
    return Reading(
        identity="machine:kernel",
        name=values.text(f"{name} kernel"),
        ids=values.model_ids("kernel", [name]),
        version_raw=values.version(release),
        version_alt=values.version(build),
    )


def parse_boot_eeprom(timestamp: bytes | None, commit: bytes | None, board: bytes | None) -> list[Reading]:
    """The boot EEPROM: none on machines that have none."""
    seconds = struct.unpack(">I", timestamp)[0] if timestamp is not None and len(timestamp) == 4 else 0
    built = str(seconds) if seconds >= _FIRST_EEPROM else None
    git_hash = values.version(_text(commit))
    if built is None and git_hash is None:
        return []
    return [
        Reading(
            identity="machine:rpi-eeprom",
            name="Raspberry Pi boot EEPROM",
            ids=values.model_ids("rpi-eeprom", [_text(board).partition("\0")[0]]),
            version_raw=built or git_hash,
            version_alt=git_hash if built else None,
            scheme="uint32" if built else None,
        )
    ]


def parse_fwupd(devices: Sequence[Mapping[str, object]]) -> list[Reading]:
    """The devices that fwupd knows, by the properties' names of its D-Bus interface."""
    return [
        Reading(
            identity=f"machine:fwupd/{device_id}",
            name=values.text(device.get("Name")),
            ids=values.model_ids("fwupd", *([guid] for guid in _list(device.get("Guid")))),
            version_raw=values.version(device.get("Version")),
            version_alt=values.version(device.get("VersionBootloader")),
        )
        for device in devices
        if (device_id := values.text(device.get("DeviceId")))
    ]


def parse_rauc(compatible: object, bundle: object) -> Reading:
    """The bundle that RAUC installed into the slot which is booted; a slot written in the factory has none."""
    ids = values.model_ids("rauc", [compatible])
    return Reading(identity="machine:rauc", name="RAUC", ids=ids, version_raw=values.version(bundle))


def parse_rauc_slots(found: tuple[object, Sequence[Mapping[str, object]]] | None) -> list[Reading]:
    """What RAUC says over D-Bus; nothing where there is none."""
    if found is None:
        return []
    compatible, slots = found
    booted = next((slot for slot in slots if slot.get("state") == "booted"), {})
    return [parse_rauc(compatible, booted.get("bundle.version"))]


def parse_mender(artifact: object, device_type: object = None) -> Reading:
    """The artifact that Mender installed; `unknown` is its word for none."""
    version = values.version(artifact)
    return Reading(
        identity="machine:mender",
        name="Mender",
        ids=values.model_ids("mender", [device_type]),
        version_raw=None if version == "unknown" else version,
    )


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """One recorded file, for `parse`, told by its content; the parts of a machine are named as they name themselves.

    None for the name of a board.
    """
    if len(data) == 4:
        return _eeprom_sample(data, None)
    if _BOARD.fullmatch(data):
        return None
    if _GIT_HASH.fullmatch(data):
        return _eeprom_sample(None, data)
    if data.lstrip().startswith(b"{"):
        return _json_sample(data)
    if printed := dict(_VCGENCMD.findall(data)):
        timestamp = int(printed.get(b"timestamp", 0))
        return _eeprom_sample(timestamp.to_bytes(4, "big") if timestamp < 2**32 else None, printed.get(b"version"))
    stated = _assignments(data)
    if _MENDER & stated.keys() or _PROVIDES.search(data):
        return [("self", parse_mender(stated.get("artifact_name"), stated.get("device_type")))]
    if _ARTIFACT.fullmatch(data):
        reading = parse_mender(_text(data))
        return [("self", reading)]
    reading = parse_os_release(data)
    return [(_sample_name(reading), reading)]


def _eeprom_sample(timestamp: bytes | None, commit: bytes | None) -> list[tuple[str, Reading | ReadFailure]]:
    readings = parse_boot_eeprom(timestamp, commit, None) or [Reading(identity="machine:rpi-eeprom")]
    # A sample does not say on which board it was read, and its form writes the namespace alone for that.
    return [("self", msgspec.structs.replace(reading, ids=("rpi-eeprom:",))) for reading in readings]


def _json_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    printed = values.json(data, _PRINTED)
    if printed.Devices is not None or printed.DeviceId is not None:
        devices = [values.json(data, _PROPERTIES)] if printed.Devices is None else printed.Devices
        return [(reading.identity.partition("/")[2], reading) for reading in parse_fwupd(devices)]
    if printed.slots is None:
        raise LinkError(Result.PARSE_FAILED, "malformed", "neither devices of fwupd nor slots of RAUC")
    slots = [slot for slots in printed.slots for slot in slots.values()]
    by_state = [slot for slot in slots if slot.state == "booted"]
    by_name = [slot for slot in slots if printed.booted in (slot.bootname, slot.device) and printed.booted]
    running = (by_state or by_name or [_Slot()])[0]
    reading = parse_rauc(printed.compatible, ((running.slot_status or _SlotStatus()).bundle or _Bundle()).version)
    return [(_sample_name(reading), reading)]


def _sample_name(reading: Reading) -> str:
    return reading.ids[0].partition(":")[2] if reading.ids else "self"


class _Bundle(msgspec.Struct):
    """What is wanted of the bundle in a slot."""

    version: object = None


class _SlotStatus(msgspec.Struct):
    """What is wanted of what RAUC noted of a slot."""

    bundle: _Bundle | None = None


class _Slot(msgspec.Struct):
    """What is wanted of a slot of RAUC."""

    state: object = None
    bootname: object = None
    device: object = None
    slot_status: _SlotStatus | None = None


class _Printed(msgspec.Struct):
    """What fwupdmgr and fwupdtool print with --json, and rauc status with --output-format=json."""

    Devices: list[dict[str, object]] | None = None
    DeviceId: object = None  # where one device stands alone
    slots: list[dict[str, _Slot]] | None = None
    compatible: object = None
    booted: object = None


_PRINTED = msgspec.json.Decoder(_Printed, float_hook=str)
_PROPERTIES = msgspec.json.Decoder(dict[str, object], float_hook=str)
_BOARD = re.compile(rb"Raspberry Pi [^\0]*\0\s*")  # the device tree's `model`
_GIT_HASH = re.compile(rb"[0-9a-f]{40}\0?\s*")
_VCGENCMD = re.compile(rb"^(version|timestamp) ([0-9a-f]{40}|[0-9]{1,12})\b", re.MULTILINE)
_MENDER = {"artifact_name", "device_type"}
_PROVIDES = re.compile(rb"^(?:rootfs-image|data-partition)[.]", re.MULTILINE)
_ARTIFACT = re.compile(rb"\w[^\0-\x1f={}\x7f-\xff]{0,250}\s*")


_ESCAPED = re.compile(r"\\([$`])")  # what the shell unquotes and shlex leaves
_MAX_LINES = 1000  # an os-release has some twenty


def _assignments(data: bytes) -> dict[str, str]:
    """The lines NAME=value of a file in the shell's quoting; what cannot be read is passed over."""
    found = {}
    for line in _text(data).splitlines()[:_MAX_LINES]:
        name, assigned, value = line.strip().partition("=")
        with contextlib.suppress(ValueError):
            if assigned and name.isidentifier():
                found[name] = _ESCAPED.sub(r"\1", " ".join(shlex.split(value)))
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
