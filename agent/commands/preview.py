"""`preview`: exactly the bytes that would leave next. Sends nothing and changes nothing.

What waits in the spool leaves first, so that is shown; else one round is read and what follows from it is made: the
report, which `run` would send if it were due, and the sales of the configuration that are not on record yet. Before
the first start there is no key: a throwaway one stands in, and the ids, key id and signature will be others.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from agent import config, keys, reporter, spool, state, survey
from agent.config import Config
from agent.sales import sign_unsaid
from agent.stated import stated
from evidence.diagnostic import diagnose
from evidence.ids import topic


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would leave next.

    Attributes:
        messages: Topic and bytes of each.
        more: How many messages wait behind them.
        throwaway: Whether the key is not this gateway's.
    """

    messages: tuple[tuple[str, bytes], ...]
    more: int
    throwaway: bool


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("preview", help="show exactly the bytes that would leave next; sends nothing")
    parser.add_argument("--whole", action="store_true", help="show all devices, even if nothing has changed")
    parser.add_argument("--hex", action="store_true", help="only the bytes, in hex")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show it."""
    settings = config.load(Path(args.config))
    shown = asyncio.run(preview(settings, now=args.clock(), whole=args.whole))
    if args.hex:
        print("\n".join(data.hex() for _, data in shown.messages))
        return os.EX_OK
    if shown.throwaway:
        print("No key yet: ids, key id and signature are a throwaway's, and will be others.", file=sys.stderr)
    behind = f", {shown.more} more behind it" if shown.more else ""
    for name, data in shown.messages:
        print(f"/ {len(data)} bytes to {name}{behind}; nothing was sent /")
        print(diagnose(data))
    return os.EX_OK


async def preview(settings: Config, *, now: int, whole: bool = False) -> Preview:
    """The bytes that would leave next.

    Args:
        settings: The configuration.
        now: Unix seconds: when it is read and signed.
        whole: Pass over what waits, and carry all devices.

    Raises:
        StateError: The state directory cannot be read.
    """
    own = keys.load(settings.state_dir)
    identity = own or keys.draw()
    entries = spool.waiting(settings.state_dir)
    if entries and not whole:
        entry = entries[0]
        data = entry.path.read_bytes()
        waiting = (topic(identity.gateway, entry.leaf), data)
        return Preview(messages=(waiting,), more=len(entries) - 1, throwaway=False)
    remembered = state.load(settings.state_dir)
    found = await survey.survey(settings.sources, remembered.known, lambda: now)
    devices = reporter.device_reports(found.devices, identity.secret)
    if whole:
        remembered = msgspec.structs.replace(remembered, inventory=None)
    signed = reporter.sign_next(devices, remembered, identity, now)
    seen = {item.outcome.identity for item in found.devices}
    ready = [sale for sale in settings.sales if sale.device in seen]
    sales = sign_unsaid(ready, identity, stated(settings.state_dir, identity), now)
    report_topic, statement_topic = (topic(identity.gateway, leaf) for leaf in ("report", "statement"))
    messages = ((report_topic, signed.evidence), *((statement_topic, data) for data in sales))
    return Preview(messages=messages, more=len(entries), throwaway=own is None)
