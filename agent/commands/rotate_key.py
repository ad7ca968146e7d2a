"""`rotate-key`: let another key take over; the present one signs it, and signs on until the collector said yes."""

import argparse
import os
from pathlib import Path
from typing import Any

from agent import rotation
from agent.consent import agrees
from agent.household import Household, declined
from evidence.diagnostic import diagnose


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("rotate-key", help="let a new key take over from the present one")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sign the new key and let it go on its way."""
    household, now = Household(Path(args.config)), args.clock()
    state_dir, identity = household.config.state_dir, household.identity
    new, data = rotation.draw(state_dir, identity, now)
    print(f"Key {new.public.id.hex()} would take over from key {identity.key.public.id.hex()}.")
    print("The gateway, its id and all that it has stated stay what they are.")
    print(f"Exactly these {len(data)} bytes would be signed with the present key and sent:\n")
    print(diagnose(data), end="\n\n")
    if not (args.yes or agrees("Replace the key? [y/N]")):
        return declined()
    digest = rotation.begin(state_dir, household.spool, new, data, now)
    print(f"Signed: statement {digest}.")
    print(
        "`updateplicht-agent run` delivers it. The present key signs until the collector's receipt has come, then the"
    )
    print(f"new one. Back up {state_dir / 'agent.key'} again after that; `status` shows when.")
    return os.EX_OK
