"""`python -m firmware_fixtures.demo`: what `make run` starts."""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from firmware_fixtures.demo.stage import Stage, StageError, free_port
from firmware_fixtures.demo.supervisor import Program, ProgramError
from firmware_fixtures.demo.table import show_verdicts

FIXTURES = Path(__file__).resolve().parent.parent
HOUSE = FIXTURES / "house"
THERMOSTAT = FIXTURES / "devices" / "modbus_device_id" / "zonneveld_zt3_2.4.1"


def main() -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=_port, default=8080, help="where the pages shall be (default 8080)")
    parser.add_argument("--state", type=Path, default=Path("var"), help="where everything is kept (default ./var)")
    args = parser.parse_args()
    if free_port(args.port) != args.port:
        print(f"port {args.port} is taken; choose another: make run PORT=8123", file=sys.stderr)
        return 69
    try:
        with Stage(args.state, args.port, say) as stage:
            asyncio.run(_until_stopped(stage))
    except (ProgramError, StageError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 70
    return 0


def _port(written: str) -> int:
    number = int(written) if written.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{written} is no port; choose one from 1 to 65535")
    return number


def say(line: str) -> None:
    """Tell whoever looks at the terminal."""
    print(line, flush=True)


async def _until_stopped(stage: Stage) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    playing = asyncio.create_task(_play(stage), name="demo.play")
    waiting = asyncio.create_task(stop.wait(), name="demo.stop")
    await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        waiting.cancel()
        playing.result()
    say("\nending every program; what was kept is in " + str(stage.state))
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def _play(stage: Stage) -> None:
    async with AsyncExitStack() as programs:

        def start(name: str, *command: str) -> Program:
            program = Program(
                name,
                [sys.executable, "-m", *command],
                log=stage.state / "log" / f"{name}.log",
                lock=stage.lock,
                say=say,
            )
            programs.push_async_callback(program.end)
            return program

        say("a house: bulbs, a plug, a valve on an MQTT broker of its own, and a thermostat on a serial line")
        house = start("house", "firmware_fixtures", "play", str(HOUSE), "--port", str(stage.house_port))
        line = start("thermostat", "firmware_fixtures", "play", str(THERMOSTAT), "--link", str(stage.thermostat))
        await house.ready()
        await line.ready()
        if stage.is_first:
            say("its gateway reads it for the first time; makers and a shop put their promises on record")
        else:
            say(f"going on where it stopped; the first run was on {stage.progress.first_run[:10]}")
        await stage.tell_history()
        await start("collector", "collector", "--config", str(stage.collector_config), "run").ready()
        await stage.enrol()
        await stage.tell_today()
        start("agent", "agent", "--config", str(stage.agent_config), "run")
        say(
            f"\n  {stage.page}/   the page\n  {stage.page}/api/v1/devices   the same for programs\n  Ctrl-C ends it all"
        )
        await show_verdicts(stage.page, say)


if __name__ == "__main__":
    sys.exit(main())
