"""`acknowledge NOTICE DEVICE`: say that a notice about a device reached the household.

Nobody else can prove that (appraisal.md V7), and the household need not say so. It counts from the day on which the
register receives it.
"""

import argparse
import re
from pathlib import Path
from typing import Any

from agent.consent import agrees
from agent.household import Household, declined

_KIND = "acknowledgement"


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("acknowledge", help="say that a notice about a device reached you; asks")
    parser.add_argument("notice", type=_digest, metavar="NOTICE", help="its id, as the device's page shows it")
    parser.add_argument("device", metavar="DEVICE", help="identity, name, or the beginning of a device id")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say so."""
    now, household = args.clock(), Household(Path(args.config))
    owned = household.find(args.device, now)
    words = [
        f"You would say that the notice {args.notice}",
        f"about {owned} has reached you.",
        "From then on the time runs in which you are expected to install the update that it tells of; if you let that",
        "pass, the seller may no longer answer for what comes of it. You need not say so, and not saying so is never",
        "held against you. Read the notice on the device's page first, and say no if you do not know it.",
    ]
    data = household.show(_KIND, {"device": owned.device, "notice": args.notice}, words, now)
    if not (args.yes or agrees("Has this notice reached you? [y/N]")):
        return declined()
    return household.put(data, now)


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r}; expected the 64 hex digits that the page shows")
    return text.lower()
