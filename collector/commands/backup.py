"""`backup`: a copy of the register as it is, beside a running collector."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from collector.config import load


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("backup", help="copy the register, checked, while it is in use")
    parser.add_argument("file", metavar="FILE", help="where the copy goes; nothing is overwritten")
    parser.add_argument("--with-key", action="store_true", help="copy the key too, to FILE.key; keep it secret")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy, check, and say what the copy holds."""
    from collector.store.backup import copy
    from collector.transparency.key import copy_key

    config, target = load(args.config), Path(args.file)
    found = copy(config.register_path, target, progress)
    print(f"{target}: log {found.log}, {found.size} leaves, root {found.root}")
    if args.with_key:
        print(copy_key(config.key_path, target.with_name(f"{target.name}.key")))
    return os.EX_OK


def progress(done: int, pages: int) -> None:
    """Show how far a copy is."""
    if sys.stderr.isatty() or done == pages:
        print(f"\r{done} of {pages} pages", end="\n" if done == pages else "", file=sys.stderr, flush=True)
