"""`check-config`: says whether the configuration is understood, and what it means; reads no device."""

import argparse
import os
from pathlib import Path
from typing import Any

from agent import access, config, enrolment
from agent.config import Config


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
    _show_broker(found)
    print(f"  a round every {found.survey.interval_s} s, a report on change and every {found.survey.report_every_s} s")
    for source in found.sources:
        print(f"  {source.path}: {source.key}")
    for sale in found.sales:
        print(f"  sale: {sale.device} from {sale.seller}")
    return os.EX_OK


def _show_broker(found: Config) -> None:
    """Say how this gateway shows the collector's broker who it is; every file of it is read, and none is shown."""
    who, agreed = access.login(found.broker, "the gateway's id"), enrolment.load(found.state_dir)
    access.tls(found.broker)
    where = "no broker yet" if agreed is None else f"{agreed.host}:{agreed.port}, {'TLS' if agreed.tls else 'no TLS'}"
    shown = [f"user {who.username}"] if who.username else []
    shown += [f"certificate {found.broker.certificate}"] if found.broker.certificate else []
    print(f"  broker: {where}; authority {found.broker.ca_file or 'of the system'}; {', '.join(shown) or 'no login'}")
