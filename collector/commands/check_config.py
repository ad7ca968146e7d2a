"""`check-config`: says whether the configuration is understood, and what it means; opens no register."""

import argparse
import os
from typing import Any

from collector.config import Broker, load


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("check-config", help="check the configuration, the broker's files included")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check it; a fault ends with 78."""
    from collector.ingest.access import access

    config = load(args.config)
    access(config.broker)
    print(f"{args.config}: understood")
    print(f"  state in {config.state_dir}, key in {config.key_path}")
    print(f"  broker: {_broker(config.broker)}")
    print(f"  pages: {config.web.host}:{config.web.port}")
    return os.EX_OK


def _broker(broker: Broker) -> str:
    if broker.embedded:
        return f"in this process, {broker.host}:{broker.port}"
    shown = [f"TLS, authority {broker.ca_file or 'of the system'}" if broker.tls else "no TLS"]
    shown += [f"user {broker.username}"] if broker.username else []
    shown += [f"certificate {broker.certificate}"] if broker.certificate else []
    return f"{broker.host}:{broker.port}, {', '.join(shown)}"
