"""`python -m tests.faults COUNT`: befall a world with so many faults, then show that nothing was lost.

The faults follow from the seed; when they meet what is up to the machine. Progress goes to stderr, a table of the
faults and at the end one line go to stdout. 0: all is as it must be; 1: something is wrong, and the world's files stay
where the last lines say; 69: the machine lacks what no run can do without.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import machine
from tests.faults.checker import Wrong, check
from tests.faults.history import History, Witness, gather, tallied
from tests.faults.run import Run
from tests.faults.world import world

_INSIDE = "--inside"
_SHOWN = 20


def main(arguments: list[str]) -> int:
    """Run once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=200, help="how many faults (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of all chances (default: another each time)")
    parser.add_argument("--gateways", type=int, default=8, help="how many agents (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two faults (default: %(default)s)")
    parser.add_argument(_INSIDE, choices=("mountable", "plain"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.inside is None:
        _go_inside(arguments)
    if shutil.which("mosquitto", path=f"/usr/sbin:{os.environ['PATH']}") is None:
        print("mosquitto is not installed; make setup-tests installs it", file=sys.stderr)
        return os.EX_UNAVAILABLE
    seed = int.from_bytes(os.urandom(4)) if args.seed is None else args.seed
    return asyncio.run(_run(args, seed))


def _go_inside(arguments: list[str]) -> None:
    """Become the same program where disks can be mounted, if that can be had."""
    command = machine.namespace()
    inside = [_INSIDE, "mountable" if command else "plain"]
    again = [*(command or []), sys.executable, "-m", "tests.faults", *inside, *arguments]
    os.execvp(again[0], again)


async def _run(args: argparse.Namespace, seed: int) -> int:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # nothing is left running
    folder = Path(tempfile.mkdtemp(prefix="updateplicht-faults-"))
    began, witness = time.monotonic(), Witness()
    print(f"seed {seed}, {args.gateways} gateways, files in {folder}", file=sys.stderr)
    async with world(folder, args.gateways, witness.see, mountable=args.inside == "mountable") as made:
        for reason in made.lacking:
            print(f"left out: {reason}")
        run = Run(made, seed, args.count, args.pause)
        await run.faults(lambda: _progress(run, witness, began))
        await made.calm_down()
        history = await gather(made, witness)
        wrong = check(history)
        for line in run.table():
            print(line)
    if not wrong:
        shutil.rmtree(folder)
    print(_summary(run, history, wrong, (time.monotonic() - began) / 60))
    return 1 if wrong else 0


def _progress(run: Run, witness: Witness, began: float) -> None:
    said = f"{run.done} of {run.count} faults, {len(witness.reports)} reports sent, {time.monotonic() - began:.0f} s"
    print(f"  {said}", file=sys.stderr, flush=True)


def _summary(run: Run, history: History, wrong: list[Wrong], minutes: float) -> str:
    figures = ", ".join(f"{count} {name}" for name, count in tallied(history))
    lost = sum(one.rule == "lost" for one in wrong)
    lines = [str(one) for one in wrong[:_SHOWN]]
    if wrong:
        lines.append(f"{len(wrong)} things are wrong; everything is in {run.world.folder}")
    lines.append(
        f"{'FAILED' if wrong else 'held'}: {run.done} faults (seed {run.seed}) in {minutes:.1f} min; "
        f"reports: {figures}, {lost} lost"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
