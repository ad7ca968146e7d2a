"""`run`: the collector itself, until it is told to end."""

import argparse
import asyncio
import os
from typing import TYPE_CHECKING, Any

import msgspec

from collector import logs
from collector.config import load
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.running import Running


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("run", help="receive reports, judge, show the pages")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT; one line of JSON on stdout says when and where it answers."""
    from collector.appraisal import PolicyError, policies
    from collector.policy import in_force
    from collector.service import serve

    config = load(args.config)
    try:
        policy = in_force(config)
    except PolicyError as error:
        message = f"found {config.policy!r}; expected one of {', '.join(policies.names())}"
        raise ConfigError(args.config, "policy", message) from error
    logs.to_stderr()
    asyncio.run(serve(config, policy, _say))
    return os.EX_OK


def _say(where: "Running") -> None:
    print(msgspec.json.encode({"ready": True, **msgspec.structs.asdict(where)}).decode(), flush=True)
