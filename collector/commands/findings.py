"""`findings`: what many homes show of products, their makers and their sellers; today, or on any other day."""

import argparse
import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import msgspec

from collector.appraisal.values import parse_instant
from collector.config import load
from collector.errors import NotFoundError

_PAGE = 500


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("findings", help="show what many homes show of products, makers and sellers")
    parser.add_argument("--model", metavar="MODEL", help="of one model only")
    parser.add_argument(
        "--all", action="store_true", help="also those that would point at a few homes; not to be published"
    )
    parser.add_argument("--at", type=_instant, metavar="INSTANT", help="of one model on another day, made anew")
    parser.add_argument("--known", type=_instant, metavar="INSTANT", help="with what had been recorded by then")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Print them, what weighs most first."""
    if (args.at or args.known) and not args.model:
        args.parser.error("--at and --known are about one model; name it with --model")
    found = asyncio.run(_replayed(args) if args.at or args.known else _standing(args))
    for each in found:
        print(msgspec.json.encode(each).decode() if args.json else _line(each))
    if not found and not args.json:
        print("no findings")
    return os.EX_OK


async def _standing(args: argparse.Namespace) -> list[dict[str, Any]]:
    from collector.register import opened
    from collector.store import found
    from collector.store.database import reading
    from collector.store.rows import FindingFilter

    async with opened(load(args.config), now=args.clock()) as (engine, _), reading(engine) as connection:
        wanted, items, after, more = FindingFilter(model=args.model), list[dict[str, Any]](), None, True
        while more:
            page = await found.findings(connection, wanted, withheld=args.all, after=after, limit=_PAGE)
            items += map(msgspec.structs.asdict, page.items)
            after, more = page.next, page.next is not None
    return items


async def _replayed(args: argparse.Namespace) -> list[dict[str, Any]]:
    from collector.appraisal import appraise_fleet
    from collector.catalogue import fleet
    from collector.policy import in_force
    from collector.register import opened
    from collector.store.database import reading
    from collector.store.fleets import pairs

    config, now = load(args.config), args.clock()
    today = datetime.fromtimestamp(now, UTC)
    at, known, policy = args.at or today, args.known or today, in_force(config)
    async with opened(config, now=now) as (engine, _), reading(engine) as connection:
        if not await pairs(connection, args.model, limit=1):
            raise NotFoundError(f"no home has a model {args.model}")
        case = await fleet.case(connection, args.model, policy, known=int(known.timestamp()))
    verdict = appraise_fleet(case, at, known, policy)
    return [
        {"model": args.model, **msgspec.structs.asdict(each), "track": each.track or ""}
        for each in verdict.findings
        if args.all or each.publishable or each.rule == "G0"
    ]


def _line(found: dict[str, Any]) -> str:
    homes = "" if found["of"] is None else f"{found['count']} of {found['of']} homes"
    said = (found["level"], found["code"], found["track"] or "-", found["model"], homes, ", ".join(found["about"]))
    withheld = "" if found["publishable"] or found["rule"] == "G0" else "not to be published"
    return "  ".join(part for part in (*said, withheld) if part)


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; expected an instant, such as 2026-11-21T12:00:00Z") from error
