"""`python -m firmware_fixtures play DIR`: a simulated device, or house of devices, that any program can be pointed at.

When it is ready it prints one line of JSON, `{"ready": true, "path": …}` for a serial device, `{"ready": true,
"port": …}` for an MQTT house, `{"ready": true, "interface": …}` for devices on mDNS. It plays until SIGINT or SIGTERM.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from firmware_fixtures.fixture import Fixture, FixtureError, load
from firmware_fixtures.simulator.line import Line, LineError
from firmware_fixtures.simulator.transcript import Fault, play

EX_USAGE, EX_NOINPUT, EX_UNAVAILABLE = 64, 66, 69


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m firmware_fixtures", description=__doc__)
    command = parser.add_subparsers(required=True).add_parser("play", help="play a device folder until Ctrl-C")
    command.add_argument("folder", type=Path, metavar="DIR", help="a folder with device.toml")
    command.add_argument("--link", type=Path, help="serial devices: where a link to the port shall be")
    command.add_argument("--port", type=int, default=0, help="MQTT houses: where the broker listens (default: any)")
    command.add_argument("--fault", type=Fault, choices=list(Fault), default=Fault.NONE, help="serial: what is wrong")
    args = parser.parse_args()
    try:
        fixture = load(args.folder)
    except FixtureError as error:
        print(error, file=sys.stderr)
        return EX_NOINPUT
    try:
        asyncio.run(_until_stopped(fixture, args))
    except FixtureError as error:
        print(error, file=sys.stderr)
        return EX_USAGE
    except (OSError, LineError) as error:
        print(f"{args.folder}: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    return 0


async def _until_stopped(fixture: Fixture, args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if fixture.services:
        async with _network(fixture):
            _ready(interface="127.0.0.1")
            await stop.wait()
    elif fixture.messages or fixture.answers:
        async with _house(fixture, args.port) as port:
            _ready(port=port)
            await stop.wait()
    elif fixture.identification or fixture.registers or fixture.transcript:
        async with _serial(fixture, args.link, args.fault) as path:
            _ready(path=str(path))
            await stop.wait()
    else:
        raise FixtureError(f"{fixture.folder}: nothing to play; its reader reads files (see [[read]] in device.toml)")


@asynccontextmanager
async def _house(fixture: Fixture, port: int) -> AsyncIterator[int]:
    from firmware_fixtures.simulator import broker, mqtt_house  # noqa: PLC0415  # a serial device needs no MQTT

    async with broker.broker(port) as found, mqtt_house.playing(broker.LOOPBACK, found, fixture):
        yield found


@asynccontextmanager
async def _network(fixture: Fixture) -> AsyncIterator[None]:
    from firmware_fixtures.simulator import mdns  # noqa: PLC0415  # nor a broker zeroconf

    async with mdns.playing(fixture.services):
        yield


@asynccontextmanager
async def _serial(fixture: Fixture, link: Path | None, fault: Fault) -> AsyncIterator[Path]:
    line = Line(link)
    if (fixture.identification or fixture.registers) and fault is Fault.NONE:
        from firmware_fixtures.simulator import modbus  # noqa: PLC0415  # nor a transcript pymodbus

        device = modbus.serve(line, fixture.identification, fixture.registers)
    else:
        device = play(line, fixture.transcript, fault)
    try:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(device, name="simulator.device")
            yield line.path
            playing.cancel()
    finally:
        line.unplug()


def _ready(**where: object) -> None:
    print(json.dumps({"ready": True, **where}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
