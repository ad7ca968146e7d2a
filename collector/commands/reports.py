"""`reports`: hand in signed reports as files, beside a live collector or without one."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec

from collector.config import Config, load
from collector.errors import ConflictError
from evidence.limits import MAX_MESSAGE_BYTES


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("reports", help="hand in signed reports as files")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    submit = actions.add_parser("submit", help="put signed reports on record; 65 if some were not accepted")
    submit.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report as its gateway signed it")
    submit.add_argument(
        "--as-issued",
        action="store_true",
        help="record each at the instant at which it was issued, in a register that is `simulated`",
    )
    submit.add_argument("--json", action="store_true", help="one JSON object a line")
    submit.set_defaults(run=_submit)


def _submit(args: argparse.Namespace) -> int:
    return asyncio.run(_hand_in(args, load(args.config)))


async def _hand_in(args: argparse.Namespace, config: Config) -> int:
    from collector.catalogue.submission import Handed
    from collector.ingest.submission import submit
    from collector.register import opened

    if args.as_issued and not config.simulated:
        raise ConflictError("this register's clock is the real one; only one that is `simulated` can be set")
    now, refused = args.clock(), 0
    handed = [Handed(file=str(file), data=_start(file)) for file in args.files]
    async with opened(config, now=now) as (engine, log):
        async for outcome in submit(engine, log, handed, now=now, as_issued=args.as_issued, limits=config.limits):
            print(msgspec.json.encode(outcome).decode() if args.json else _line(outcome))
            refused += outcome.reason is not None
    return os.EX_DATAERR if refused else os.EX_OK


def _start(file: Path) -> bytes:
    """What a file holds, but no more than is needed to see that it is too much."""
    with file.open("rb") as stream:
        return stream.read(MAX_MESSAGE_BYTES + 1)


def _line(outcome: Any) -> str:
    if outcome.reason is not None:
        return f"{outcome.file}: not accepted, {outcome.reason}: {outcome.detail}"
    return f"{outcome.file}: report {outcome.sequence} of gateway {outcome.gateway} is on record, {outcome.digest}"
