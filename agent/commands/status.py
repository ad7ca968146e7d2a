"""`status`: whether this gateway is enrolled, what waits, what was answered, what was lost, and what is in trouble.

- *broker*: why there is no session, as the service last saw it.
- *clock*: the collector answered at an instant that this clock has not reached, or it refused a report as coming from
  the future. A clock alone cannot know that it is wrong.
- *disk*: whether the state directory takes anything more, asked now.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from agent import config, enrolment, keys, rotation, state
from agent.config import Config
from agent.spool import losses, waiting
from agent.state import State
from evidence.limits import MAX_MESSAGE_BYTES

_MAX_OFF_S = 300  # as far as the collector lets a report come from the future
_ROOM_BYTES = 2 * MAX_MESSAGE_BYTES  # a report, and its receipt with it
_CLOCK = {
    "ok": "agrees with the collector's",
    "behind": "BEHIND: the collector answered at an instant that it has not reached; set it",
    "ahead": "AHEAD: the collector refused a report as coming from the future; set it",
}
_DISK = {"ok": "has room", "full": "FULL: nothing can be signed or kept; free some room"}


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("status", help="enrolled or not, what waits, what was lost")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it."""
    settings = config.load(Path(args.config))
    found = status(settings, args.clock())
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _print(found, settings.state_dir)
    return os.EX_OK


def status(settings: Config, now: int) -> dict[str, Any]:
    """All that the state directory tells.

    Args:
        settings: Where it is.
        now: Unix seconds.

    Raises:
        StateError: It cannot be read.
    """
    identity = keys.load(settings.state_dir)
    agreed, asked = enrolment.load(settings.state_dir), enrolment.pending(settings.state_dir)
    found = state.load(settings.state_dir)
    entries = waiting(settings.state_dir)
    return {
        "gateway": None if identity is None else identity.gateway,
        "key": None if identity is None else identity.key.public.id.hex(),
        "key_refused": _is_last_word(found, "key"),
        "key_waits": rotation.is_under_way(settings.state_dir),
        "running": state.is_locked(settings.state_dir),
        "enrolment": None if agreed is None else msgspec.to_builtins(agreed),
        "pending_enrolment": None if asked is None else msgspec.to_builtins(asked),
        "trouble": None if found.trouble is None else msgspec.to_builtins(found.trouble),
        "clock": _clock(found, now),
        "disk": _disk(settings.state_dir),
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


def _clock(found: State, now: int) -> str:
    answered = found.receipted_at or 0
    if answered > now + _MAX_OFF_S:
        return "behind"
    return "ahead" if _is_last_word(found, "freshness") else "ok"


def _is_last_word(found: State, reason: str) -> bool:
    """Whether the collector refused something for this reason, and has accepted nothing since."""
    refusal = found.refusal
    return refusal is not None and refusal.reason == reason and refusal.refused_at >= (found.receipted_at or 0)


def _disk(state_dir: Path) -> str:
    try:
        free = os.statvfs(state_dir)
    except FileNotFoundError:
        return "ok"
    return "full" if free.f_bavail * free.f_frsize < _ROOM_BYTES else "ok"


def _print(found: dict[str, Any], state_dir: Path) -> None:
    agreed, spool, last = found["enrolment"], found["spool"], found["last_report"]
    print(f"gateway        {found['gateway'] or 'none yet: `enrol` or `run` makes it'}")
    waits = "; a new one waits for the collector's receipt" if found["key_waits"] else ""
    print(f"key            {found['key'] or 'none yet'}{waits}")
    if found["key_refused"]:
        print(
            "WARNING        the collector accepts nothing under this key: revoked, or replaced since this copy was made"
        )
        print(f"               if revoked, {enrolment.anew(state_dir)}")
    print(f"service        {'running' if found['running'] else 'not running'}")
    to = f"log {agreed['log']} through {agreed['host']}:{agreed['port']}" if agreed else "nobody; see `enrol`"
    print(f"reports to     {to}")
    if asked := found["pending_enrolment"]:
        print(f"enrolment      waits for log {asked['log']} through {asked['host']}:{asked['port']}")
    if trouble := found["trouble"]:
        print(f"broker         {trouble['code']}: {trouble['detail']}")
    print(f"clock          {_CLOCK[found['clock']]}")
    print(f"disk           {_DISK[found['disk']]}")
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
