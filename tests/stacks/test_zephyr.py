"""Zephyr's own SMP servers, as the client of another project carries them: on a simulated host, and behind MCUboot."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent import readers
from agent.readers import ReadFailure, Reading
from firmware_fixtures.simulator.line import Line
from tests.stacks.programs import DEBIAN, STACKS, debian, running
from tests.world.tcp import serving

SERVERS = STACKS / "smp-server"
_NAME = "zephyr_f33aa2bc4a43_smp_server_27c54835_mps2_an385_serial_recovery"
BOOTLOADER, IMAGE = SERVERS / f"{_NAME}.hex", SERVERS / f"{_NAME}.signed.bin"
BOARD = (
    *("-L", DEBIAN / "usr/share/qemu", "-machine", "mps2-an385", "-cpu", "cortex-m3", "-nographic", "-monitor", "none"),
    *("-device", f"loader,file={BOOTLOADER}"),
)
FIRST_SLOT = ("-device", f"loader,file={IMAGE},addr=0x20050000")
SMP = readers.load("smp")


@asynccontextmanager
async def native_sim(transport: str, log: Path) -> AsyncIterator[str]:
    """Zephyr as a program of this machine; the port that it made for its serial line."""
    # A program of 32 bits, which Debian's loader starts from wherever that lies.
    loader = (DEBIAN / "lib32/ld-linux.so.2", "--library-path", f"{DEBIAN}/lib32:{DEBIAN}/usr/lib32")
    server = SERVERS / f"zephyr_4.4.0_smp_server_0eae053d_native_sim_{transport}.exe"
    async with running(log, r"pseudotty: (\S+)", *loader, server) as port:
        yield port


@asynccontextmanager
async def board(log: Path, *images: str) -> AsyncIterator[str]:
    """A Cortex-M3 board with MCUboot, and with these images; the port of its serial line."""
    line = Line()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_device = asyncio.create_task(_to_device(line, writer))
        while data := await reader.read(4096):
            line.send(data)
        to_device.cancel()

    try:
        async with serving(carry) as port, debian(log, "()", "usr/bin/qemu-system-arm", *BOARD, *images, *_wire(port)):
            yield str(line.path)
    finally:
        line.unplug()


def _wire(port: int) -> tuple[str, ...]:
    """The board's serial line, as a TCP connection: on a pty of its own the emulator holds back the last byte."""
    return "-chardev", f"socket,id=line,host=127.0.0.1,port={port}", "-serial", "chardev:line"


async def booted(port: str) -> Reading | ReadFailure:
    """What the board tells once it does: what comes while it boots, it drops."""
    outcomes: Sequence[Reading | ReadFailure] = ()
    for _ in range(10):
        outcomes = await SMP.read(SMP.Settings(port=port))
        if isinstance(outcomes[0], Reading):
            break
    return outcomes[0]


async def _to_device(line: Line, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(await line.receive())


@pytest.mark.parametrize("transport", ["serial", "shell"])
async def test_a_server_without_images_states_its_kernel(transport: str, tmp_path: Path) -> None:
    """It refuses the list of images, and tells its system; on a line of its own, and between what its shell says."""
    async with native_sim(transport, tmp_path / "log") as port:
        for _ in range(2):  # a second round, as the agent makes one every hour
            assert await SMP.read(SMP.Settings(port=port)) == [
                Reading(
                    identity=f"link:{port}/smp",
                    name="native_sim/native",
                    ids=("smp:native_sim%2Fnative",),
                    version_raw="4.4.0",
                )
            ]


async def test_a_board_states_the_image_that_mcuboot_booted(tmp_path: Path) -> None:
    """The list of images comes from the real slots: the digest is the one that the signed file carries."""
    async with board(tmp_path / "log", *FIRST_SLOT) as port:
        reading = await booted(port)
    assert isinstance(reading, Reading)
    assert (reading.version_raw, reading.ids) == ("0.0.0", ("smp:mps2%2Fan385",))
    assert reading.image_digest is not None
    assert reading.image_digest in IMAGE.read_bytes()


async def test_a_board_that_waits_for_an_image(tmp_path: Path) -> None:
    """MCUboot's serial recovery answers, and there is no version to tell."""
    async with board(tmp_path / "log") as port:
        assert await booted(port) == Reading(identity=f"link:{port}/smp")
