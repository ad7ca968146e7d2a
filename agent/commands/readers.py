"""`readers`: the table of what can be read, made from the docstrings of the readers; README.md has it as it stands."""

import argparse
import os
from typing import Any

from agent import readers

_COLUMNS = ("Devices", "Access needed", "Not tested on")


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("readers", help="show what can be read, and which access that needs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:  # noqa: ARG001  # every command is called with them
    """Print the table."""
    print(table())
    return os.EX_OK


def table() -> str:
    """All readers as a table in Markdown."""
    rows = [("`reader`", *(column.lower() for column in _COLUMNS)), ("---",) * (1 + len(_COLUMNS))]
    for name in readers.names():
        answers = readers.describe(name)
        rows.append((f"`{name}`", *(answers.get(column, "").replace("|", "\\|") for column in _COLUMNS)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
