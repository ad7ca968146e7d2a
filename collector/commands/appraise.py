"""`appraise`: judge case files, one JSON object a line for each, in the order given. Reads no register."""

import argparse
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from collector.appraisal import AppraisalError, CaseError, Policy, policies
from collector.appraisal.cases import answer, read


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("appraise", help="judge case files and print the verdicts")
    parser.add_argument("--policies", type=Path, metavar="DIR", help="look policies up here first, as NAME.json")
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a case: facts or a fleet, at, known, policy"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print an answer for every file; 65 (EX_DATAERR) if one of them is no case."""
    policy_named = _lookup(args.policies)
    outcome = os.EX_OK
    for file in args.files:
        try:
            line = answer(_read(file), policy_named)
        except AppraisalError as fault:
            line = {"path": os.fsencode(file).decode(errors="backslashreplace"), "error": str(fault)}
            outcome = os.EX_DATAERR
        print(msgspec.json.encode(line).decode())
    return outcome


def _lookup(directory: Path | None) -> Callable[[str], Policy]:
    """Policies by name: in the directory, else among those that ship."""

    @cache
    def policy_named(name: str) -> Policy:
        file = directory / f"{name}.json" if directory and Path(name).name == name else None
        return policies.read(file.read_bytes()) if file and file.is_file() else policies.shipped(name)

    return policy_named


def _read(file: Path) -> object:
    try:
        return read(file.read_bytes())
    except OSError as fault:
        raise CaseError(f"cannot be read: {fault.strerror}") from fault
