"""`status`: whether this gateway is enrolled, what waits, what was answered, and what was lost."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from agent import config, enrolment, keys, state
from agent.config import Config
from agent.spool import losses, waiting


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("status", help="enrolled or not, what waits, what was lost")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it."""
    found = status(config.load(Path(args.config)))
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _print(found)
    return os.EX_OK


def status(settings: Config) -> dict[str, Any]:
    """All that the state directory tells.

    Raises:
        StateError: It cannot be read.
    """
    identity = keys.load(settings.state_dir)
    agreed, asked = enrolment.load(settings.state_dir), enrolment.pending(settings.state_dir)
    found = state.load(settings.state_dir)
    entries = waiting(settings.state_dir)
    return {
        "gateway": None if identity is None else identity.gateway,
        "running": state.is_locked(settings.state_dir),
        "enrolment": None if agreed is None else msgspec.to_builtins(agreed),
        "pending_enrolment": None if asked is None else msgspec.to_builtins(asked),
        "trouble": None if found.trouble is None else msgspec.to_builtins(found.trouble),
        "last_report": {"sequence": found.sequence, "signed_at": found.reported_at} if found.sequence else None,
        "spool": {
            "messages": len(entries),
            "bytes": sum(entry.size for entry in entries),
            "max_bytes": settings.spool.max_bytes,
            "lost": losses(settings.state_dir),
        },
        "receipts": {"count": found.counts.get("receipts", 0), "last_at": found.receipted_at, "head": found.head},
        "refusals": {"counts": state.counted(found.counts, "refused_"), "last": found.refusal},
        "junk": found.counts.get("junk", 0),
        "forks": found.counts.get("forks", 0),
        "fork": None if found.fork is None else msgspec.to_builtins(found.fork),
        "doubt": found.doubt,
    }


def _print(found: dict[str, Any]) -> None:
    agreed, spool, last = found["enrolment"], found["spool"], found["last_report"]
    print(f"gateway        {found['gateway'] or 'none yet: `enrol` or `run` makes it'}")
    print(f"service        {'running' if found['running'] else 'not running'}")
    to = f"log {agreed['log']} through {agreed['host']}:{agreed['port']}" if agreed else "nobody; see `enrol`"
    print(f"reports to     {to}")
    if asked := found["pending_enrolment"]:
        print(f"enrolment      waits for log {asked['log']} through {asked['host']}:{asked['port']}")
    if trouble := found["trouble"]:
        print(f"broker         {trouble['code']}: {trouble['detail']}")
    print(f"last report    {last['sequence']}, signed {_at(last['signed_at'])}" if last else "last report    none yet")
    print(f"last receipt   {_at(found['receipts']['last_at'])}, {found['receipts']['count']} in all")
    print(f"waiting        {spool['messages']} messages, {spool['bytes']} of at most {spool['max_bytes']} bytes")
    for title, counts in (("lost", spool["lost"]), ("refused", found["refusals"]["counts"])):
        print(f"{title:14} " + (", ".join(f"{count} {why}" for why, count in counts.items()) or "none"))
    print(f"junk           {found['junk'] or 'none'}")
    if found["forks"]:
        print("WARNING        the collector has shown two histories of its log; keep `kept/` as evidence of it")
    if fork := found["fork"]:
        told = f"report {fork['sequence']} or one before told it" if fork["sequence"] else "the next report tells it"
        print(f"               at {_at(fork['noticed_at'])}: another head of {fork['size']} leaves; {told}")
    if found["doubt"]:
        print(f"log in doubt   {found['doubt']}; the next report asks the collector to show that it continues")


def _at(instant: int | None) -> str:
    return "never" if instant is None else time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(instant))
