"""What the host says of itself, and fwupd behind a real bus."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from agent.errors import LinkError
from agent.links import host
from agent.readers import gateway
from evidence.report import Result

DBUS_DAEMON = shutil.which("dbus-daemon")
BUS_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""
WEBCAM = {
    "DeviceId": Variant("s", "08d460be0f1f9f128413f816022a6439e0078018"),
    "Name": Variant("s", "Webcam"),
    "Version": Variant("s", "1.2.2"),
    "VersionBootloader": Variant("s", "0.1.2"),
    "VersionFormat": Variant("u", 3),
    "Guid": Variant("as", ["b585990a-003e-5270-89d5-3705a17f9a43"]),
}
SLOTS = [
    ["rootfs.0", {"state": Variant("s", "inactive"), "bundle.version": Variant("s", "1.0")}],
    ["rootfs.1", {"state": Variant("s", "booted"), "bundle.version": Variant("s", "1.1")}],
]
PROCESSOR = {"DeviceId": Variant("s", "4bde70ba4e39b28f9eab1628f9dd6e6244c03027"), "Name": Variant("s", "Processor")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host where fwupd is installed."""
    services = tmp_path / "usr/share/dbus-1/system-services"
    services.mkdir(parents=True)
    (services / "org.freedesktop.fwupd.service").touch()
    return tmp_path


@pytest.fixture
async def fwupd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MessageBus]:
    """A bus of the test's own, and a connection to it that may answer as fwupd."""
    if DBUS_DAEMON is None:
        pytest.skip("dbus-daemon is not installed")
    socket, config = tmp_path / "bus", tmp_path / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=socket))
    process = await asyncio.create_subprocess_exec(
        DBUS_DAEMON,
        f"--config-file={config}",
        "--nofork",
        "--print-address=1",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "DBUS_FATAL_WARNINGS": "0"},
    )
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={socket}")
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30)
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        yield bus
        bus.disconnect()
    finally:
        process.terminate()
        await process.communicate()


async def answers(bus: MessageBus, signature: str, body: list[object]) -> None:
    """Let the connection be a fwupd that answers so."""

    def reply(message: Message) -> Message | None:
        if message.message_type is MessageType.METHOD_CALL and message.member == "GetDevices":
            return Message.new_method_return(message, signature, body)
        return None

    bus.add_message_handler(reply)
    await bus.request_name("org.freedesktop.fwupd")


async def test_devices_of_fwupd_are_read_over_the_bus(root: Path, fwupd: MessageBus) -> None:
    """Each with its own version; a processor is listed and states none."""
    await answers(fwupd, "aa{sv}", [[WEBCAM, PROCESSOR]])
    webcam, processor = gateway.parse_fwupd(await host.fwupd_devices(root))
    assert webcam.identity == "machine:fwupd/08d460be0f1f9f128413f816022a6439e0078018"
    assert (webcam.version_raw, webcam.version_alt) == ("1.2.2", "0.1.2")
    assert webcam.ids == ("fwupd:b585990a-003e-5270-89d5-3705a17f9a43",)
    assert (processor.version_raw, processor.ids) == (None, ())


async def test_the_bundle_that_rauc_booted_is_read_over_the_bus(tmp_path: Path, fwupd: MessageBus) -> None:
    """Not that of the other slot; a system without RAUC has none."""
    services = tmp_path / "usr/share/dbus-1/system-services"
    services.mkdir(parents=True)
    assert await host.rauc_slots(tmp_path) is None
    (services / "de.pengutronix.rauc.service").touch()

    def reply(message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != "/":
            return None
        if (message.member, message.body) == ("Get", ["de.pengutronix.rauc.Installer", "Compatible"]):
            return Message.new_method_return(message, "v", [Variant("s", "Kust Box")])
        return Message.new_method_return(message, "a(sa{sv})", [SLOTS]) if message.member == "GetSlotStatus" else None

    fwupd.add_message_handler(reply)
    await fwupd.request_name("de.pengutronix.rauc")
    (system,) = gateway.parse_rauc_slots(await host.rauc_slots(tmp_path))
    assert (system.identity, system.version_raw, system.ids) == ("machine:rauc", "1.1", ("rauc:Kust Box",))
    assert await _parts(tmp_path) == {"machine:os": "no_os_release", "machine:kernel": None, "machine:rauc": None}


async def test_a_rauc_that_answers_something_else(tmp_path: Path, fwupd: MessageBus) -> None:
    """One part of the gateway that cannot be read."""
    services = tmp_path / "usr/share/dbus-1/system-services"
    services.mkdir(parents=True)
    (services / "de.pengutronix.rauc.service").touch()
    fwupd.add_message_handler(
        lambda message: (
            Message.new_method_return(message, "s", ["none"])
            if message.member in ("Get", "GetSlotStatus") and message.path == "/"
            else None
        )
    )
    await fwupd.request_name("de.pengutronix.rauc")
    assert (await _parts(tmp_path))["machine:rauc"] == "garbled"


async def test_a_fwupd_that_answers_something_else(root: Path, fwupd: MessageBus) -> None:
    """It spoke, and made no sense."""
    await answers(fwupd, "s", ["none"])
    assert await _failure(root) == (Result.PARSE_FAILED, "garbled")


async def test_a_fwupd_that_is_installed_and_not_there(root: Path, fwupd: MessageBus) -> None:
    """The bus is there, and nobody owns the name."""
    assert fwupd.connected
    assert await _failure(root) == (Result.REFUSED, "refused")


async def test_a_fwupd_that_says_nothing(root: Path, fwupd: MessageBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit holds."""
    monkeypatch.setattr(host, "BUS_TIMEOUT_S", 0.2)
    fwupd.add_message_handler(lambda message: message.member == "GetDevices")
    await fwupd.request_name("org.freedesktop.fwupd")
    assert await _failure(root) == (Result.UNREACHABLE, "timeout")


async def test_a_fwupd_behind_no_bus(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed, and the container does not see the bus: one part of the gateway that cannot be read."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={root}/nothing")
    assert await _failure(root) == (Result.UNREACHABLE, "no_bus")
    assert await _parts(root) == {
        "machine:os": "no_os_release",
        "machine:kernel": None,
        "machine:fwupd": "no_bus",
    }


async def test_a_host_without_fwupd_has_none(tmp_path: Path) -> None:
    """Which is no failure."""
    assert await host.fwupd_devices(tmp_path) == []


async def test_this_very_machine() -> None:
    """It has a kernel whose release is the running one, and an operating system."""
    parts = {part.identity: part for part in await gateway.read(gateway.Settings(fwupd=False))}
    assert getattr(parts["machine:kernel"], "version_raw", None) == os.uname().release
    assert parts["machine:os"].name


async def _parts(root: Path) -> dict[str, str | None]:
    parts = await gateway.read(gateway.Settings(root=str(root)))
    return {part.identity: getattr(part, "reason", None) for part in parts}


async def _failure(root: Path) -> tuple[Result, str]:
    with pytest.raises(LinkError) as caught:
        await host.fwupd_devices(root)
    return caught.value.result, caught.value.reason
