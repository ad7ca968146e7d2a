"""The real fwupd and the real RAUC on a private D-Bus, as the gateway reader finds them on the system bus.

The root that is read is Debian's, as it was unpacked: it says which system this is, and that both are installed.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from agent import readers
from agent.readers import ReadFailure, Reading
from tests.stacks.programs import DEBIAN, debian

GATEWAY = readers.load("gateway")
ASK = ("get-devices", "--json")
READY_FWUPD, READY_RAUC = r"(ready for requests)", r"(Using central status file)"

BUS = """
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
"""

RAUC = """
[system]
compatible=Zonneveld Hub2
bootloader=noop
statusfile={folder}/status
[keyring]
path={folder}/nobody.pem
[slot.rootfs.0]
device={folder}/rootfs-0
type=raw
bootname=A
[slot.rootfs.1]
device={folder}/rootfs-1
type=raw
bootname=B
"""
# What RAUC notes when it has installed a bundle.
STATUS = """
[slot.rootfs.0]
bundle.compatible=Zonneveld Hub2
bundle.version=2026.10-1
status=ok
installed.timestamp=2026-10-20T10:00:00Z
[slot.rootfs.1]
bundle.compatible=Zonneveld Hub2
bundle.version=2026.11-1
status=ok
installed.timestamp=2026-11-20T10:00:00Z
"""


@pytest.fixture
async def _bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A bus that this process, and what it starts, take for the system's."""
    config, path = tmp_path / "bus.conf", tmp_path / "bus"
    config.write_text(BUS.format(path=path))
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")
    start = ("usr/bin/dbus-daemon", "--nofork", "--print-address", f"--config-file={config}")
    async with debian(tmp_path / "bus.log", "(unix:path)", *start):
        yield


def fwupd(folder: Path) -> AbstractAsyncContextManager[str]:
    """The daemon with the device that it simulates, beside what it finds on this machine."""
    configuration = folder / "etc/fwupd/fwupd.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[fwupd]\nTestDevices=true\n")
    return debian(
        folder / "fwupd.log",
        READY_FWUPD,
        "usr/libexec/fwupd/fwupd",
        "--verbose",
        FWUPD_SYSCONFDIR=folder / "etc",
        FWUPD_DATADIR=DEBIAN / "usr/share/fwupd",
        FWUPD_LOCALSTATEDIR=folder,
        FWUPD_LOCKDIR=folder,
        CACHE_DIRECTORY=folder,
    )


def rauc(folder: Path) -> AbstractAsyncContextManager[str]:
    """The service of a system with two slots, of which A was booted."""
    (folder / "system.conf").write_text(RAUC.format(folder=folder))
    (folder / "status").write_text(STATUS)
    arguments = (f"--conf={folder / 'system.conf'}", f"--mount={folder}", "--override-boot-slot=A", "service")
    return debian(folder / "rauc.log", READY_RAUC, "usr/bin/rauc", *arguments)


async def read() -> dict[str, Reading | ReadFailure]:
    """The parts of the gateway by their identity."""
    return {part.identity: part for part in await GATEWAY.read(GATEWAY.Settings(root=str(DEBIAN)))}


def fwupd_versions(parts: Mapping[str, Reading | ReadFailure]) -> dict[str, str | None]:
    """Versions by fwupd's device ids."""
    found = {name.partition("machine:fwupd/")[2]: part for name, part in parts.items()}
    return {name: part.version_raw for name, part in found.items() if name and isinstance(part, Reading)}


@pytest.mark.usefixtures("_bus")
async def test_all_that_a_gateway_states(tmp_path: Path) -> None:
    """The system's release, the simulated device of fwupd, and the bundle in the slot that was booted."""
    async with fwupd(tmp_path), rauc(tmp_path):
        parts = await read()
    assert not [part for part in parts.values() if isinstance(part, ReadFailure)]
    release = parts["machine:os"]
    assert isinstance(release, Reading)
    assert (release.ids, release.version_raw) == (("os:debian",), "12")
    assert parts["machine:fwupd/08d460be0f1f9f128413f816022a6439e0078018"] == Reading(
        identity="machine:fwupd/08d460be0f1f9f128413f816022a6439e0078018",
        name="Integrated Webcam™",
        ids=("fwupd:b585990a-003e-5270-89d5-3705a17f9a43",),
        version_raw="1.2.2",
        version_alt="0.1.2",
    )
    assert parts["machine:rauc"] == Reading(
        identity="machine:rauc", name="RAUC", ids=("rauc:Zonneveld Hub2",), version_raw="2026.10-1"
    )


@pytest.mark.usefixtures("_bus")
async def test_fwupd_tells_us_what_it_tells_its_own_client(tmp_path: Path) -> None:
    """Whatever there is in this machine: over the bus, and as `fwupdmgr` prints it."""
    async with fwupd(tmp_path):
        found = fwupd_versions(await read())
        client = debian(tmp_path / "list", r"(?s)(\{.*\n\})", "usr/bin/fwupdmgr", *ASK, FWUPD_POLKIT_NOCHECK="1")
        async with client as printed:
            devices = json.loads(printed)["Devices"]
    assert found == {device["DeviceId"]: device.get("Version") for device in devices}


@pytest.mark.usefixtures("_bus")
async def test_a_bus_on_which_neither_runs() -> None:
    """Both are installed, and the bus knows nobody by their names."""
    parts = await read()
    failures = {name: part.reason for name, part in parts.items() if isinstance(part, ReadFailure)}
    assert failures == {"machine:fwupd": "refused", "machine:rauc": "refused"}
