"""`check-config`: says whether the configuration is understood, and what it means; reads no device."""

import argparse
import os
from pathlib import Path
from typing import Any

from agent import config


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("check-config", help="check the configuration and say what it means")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check it; a fault ends with 78."""
    file = Path(args.config)
    found = config.load(file)
    print(f"{file}: {'understood' if file.exists() else 'not there, so the defaults hold'}")
    print(f"  state in {found.state_dir}")
    print(f"  a round every {found.survey.interval_s} s, a report on change and every {found.survey.report_every_s} s")
    for source in found.sources:
        print(f"  {source.path}: {source.key}")
    for sale in found.sales:
        print(f"  sale: {sale.device} from {sale.seller}")
    return os.EX_OK
