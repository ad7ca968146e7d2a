"""`run`: the service. Reads, signs, sends, until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
from pathlib import Path
from typing import Any

from agent import config, service, systemd


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("run", help="the service: read, sign and send until told to stop")
    parser.add_argument("--verbose", action="store_true", help="log each step")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until a signal comes."""
    settings = config.load(Path(args.config))
    systemd.log_to_stderr(logging.DEBUG if args.verbose else logging.INFO)
    service.run(settings)
    return os.EX_OK
