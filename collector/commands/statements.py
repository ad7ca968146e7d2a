"""`statements`: hand in signed statements, beside a live collector or without one, and list those on record."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from collector.config import Config, load
from evidence.limits import MAX_STATEMENT_BYTES


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("statements", help="hand in signed statements, list those on record")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    submit = actions.add_parser(
        "submit", help="put signed statements on record; 65 if some were quarantined, 66 if some could not be read"
    )
    submit.add_argument("files", nargs="+", metavar="FILE", help="a signed statement, a folder of them, or - for stdin")
    submit.add_argument(
        "--recorded-at", type=_instant, metavar="INSTANT", help="set the clock, in a register that is `simulated`"
    )
    submit.add_argument("--json", action="store_true", help="one JSON object a line")
    submit.set_defaults(run=_submit)

    listing = actions.add_parser("list", help="show statements in the order in which they were recorded")
    listing.add_argument("--kind")
    listing.add_argument("--model")
    listing.add_argument("--issuer", metavar="PARTY", help="role:name")
    listing.add_argument("--json", action="store_true", help="one fact as a JSON object a line")
    listing.set_defaults(run=_list)


def _submit(args: argparse.Namespace) -> int:
    return asyncio.run(_hand_in(args, load(args.config)))


async def _hand_in(args: argparse.Namespace, config: Config) -> int:
    from collector.catalogue.submission import Handed, check_clock, submit
    from collector.register import opened

    now = args.clock()
    handed, unreadable = [], 0
    for name in _named(args.files):
        try:
            handed.append(Handed(file=name, data=_start(name)))
        except OSError as error:
            unreadable += 1
            print(f"{name}: left out, {error.strerror}; hand it in again", file=sys.stderr)
    progress = _Progress(len(handed))
    async with opened(config, now=now) as (engine, log):
        if args.recorded_at is not None:
            await check_clock(engine, args.recorded_at, now=now, simulated=config.simulated)
        recorded_at = now if args.recorded_at is None else args.recorded_at
        async for outcome in submit(engine, log, handed, recorded_at=recorded_at, limits=config.limits):
            print(msgspec.json.encode(outcome).decode() if args.json else _line(outcome))
            progress.step(refused=outcome.reason is not None)
    progress.end()
    if unreadable:
        return os.EX_NOINPUT
    return os.EX_DATAERR if progress.refused else os.EX_OK


def _list(args: argparse.Namespace) -> int:
    asyncio.run(_show(args, load(args.config)))
    return os.EX_OK


async def _show(args: argparse.Namespace, config: Config) -> None:
    from collector.catalogue.instants import to_text
    from collector.register import opened
    from collector.store.database import reading
    from collector.store.statements import listed

    async with opened(config, now=args.clock()) as (engine, _), reading(engine) as connection:
        async for row in listed(connection, kind=args.kind, model=args.model, issuer=args.issuer):
            recorded_at = to_text(row.recorded_at)
            if args.json:
                envelope = {"leaf": row.leaf, "issuer": row.issuer, "recorded_at": recorded_at}
                print(msgspec.json.encode({**envelope, **row.fact}).decode())
            else:
                print(f"{row.leaf:8} {recorded_at}  {row.kind:15} {row.issuer}  {row.model or row.device or ''}")


class _Progress:
    """How far it is, on a terminal only."""

    def __init__(self, total: int) -> None:
        self.refused = 0
        self._done = 0
        self._total = total
        self._shown = sys.stderr.isatty()

    def step(self, *, refused: bool) -> None:
        self._done += 1
        self.refused += refused
        if self._shown:
            print(f"\r{self._done} of {self._total} ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print(f"\r{self._done - self.refused} on record, {self.refused} quarantined", file=sys.stderr)


def _named(names: list[str]) -> Iterator[str]:
    """The files; those of a folder sorted by name."""
    for name in names:
        if Path(name).is_dir():
            inside = (file for file in Path(name).rglob("*") if file.is_file() and not file.name.startswith("."))
            yield from sorted(map(str, inside))
        else:
            yield name


def _start(name: str) -> bytes:
    """What a file holds, but no more than the door needs to see that it is too much."""
    if name == "-":
        return sys.stdin.buffer.read(MAX_STATEMENT_BYTES + 1)
    with Path(name).open("rb") as stream:
        return stream.read(MAX_STATEMENT_BYTES + 1)


def _line(outcome: Any) -> str:
    if outcome.reason is not None:
        return f"{outcome.file}: quarantined, {outcome.reason}: {outcome.detail}"
    return f"{outcome.file}: {outcome.kind} by {outcome.issuer} is entry {outcome.leaf} of the log, {outcome.digest}"


def _instant(text: str) -> int:
    from collector.catalogue.instants import to_seconds

    try:
        return to_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; {error}") from error
