"""`restore`: put a backup where no register is. The log then is a fork of the one that was lost, and says so.

What came after the backup is gone from here and stays with the gateways: their agents notice that the log lost what it
had receipted, report it, and send it again.
"""

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collector.commands.backup import progress
from collector.config import Config, load
from collector.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collector.store.backup import Copied

_UNFINISHED: Final = "register.restoring"


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("restore", help="put a backup where no register is, and mark it as restored")
    parser.add_argument("file", metavar="FILE", help="as `backup` made it")
    parser.add_argument("--key", metavar="FILE", help="the collector's key; default: the one in place, else FILE.key")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put it in place, key first, and say where the log is now."""
    from collector import running

    config, source = load(args.config), Path(args.file)
    with running.alone(config.running_path):
        found = _restore(config, source, Path(args.key or f"{source}.key"), args.clock())
    print(f"{config.register_path}: log {found.log} goes on from {found.size} leaves, root {found.root}")
    print("What came after the backup is not here. Agents will notice, and send it again.")
    return os.EX_OK


def _restore(config: Config, source: Path, key: Path, now: int) -> "Copied":
    from collector.store.backup import check, copy

    if config.register_path.exists():
        raise ConflictError(f"{config.register_path} is there already; move it away with its -wal and -shm first")
    found = check(source)
    _put_key(config, key, found.public_key)
    draft = config.register_path.with_name(_UNFINISHED)
    draft.unlink(missing_ok=True)
    copy(source, draft, progress)
    asyncio.run(_mark(draft, now))
    draft.rename(config.register_path)
    return found


def _put_key(config: Config, key: Path, public_key: str) -> None:
    from collector.transparency.key import copy_key, load_key

    place = config.key_path if config.key_path.exists() else key
    if not place.exists():
        raise NotFoundError(f"{place}: without the collector's key the log cannot go on; say where it is with --key")
    if load_key(place).public.data.hex() != public_key:
        raise ConflictError(f"{place} is not the key that this register was begun with")
    if place != config.key_path:
        copy_key(place, config.key_path)


async def _mark(register: Path, now: int) -> None:
    from collector.store import log as rows
    from collector.store.database import open_engine, writing
    from collector.store.log import Restoration

    engine = await open_engine(register)
    try:
        async with writing(engine) as connection:
            row = await rows.find(connection)
            head = await rows.newest_head(connection, row.log if row else "")
            marked = Restoration(size=head.size, root=head.root, restored_at=now)
            await rows.note_restoration(connection, marked)
    finally:
        await engine.dispose()
