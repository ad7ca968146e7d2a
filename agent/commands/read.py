"""`read`: one round over all sources, shown to the household. Sends nothing, signs nothing, keeps nothing.

With `--record` what came is written as fixtures instead, without what tells the house.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from agent import config, keys, recording, state, survey
from agent.config import Source
from agent.consent import printable
from agent.errors import StateError
from agent.keys import Identity
from agent.readers import ReadFailure
from agent.survey import Observation, Round
from evidence.ids import device_id


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("read", help="read all devices once and show them; sends nothing")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--record", type=Path, metavar="DIR", help="write fixtures of what is read, without addresses")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read once."""
    settings = config.load(Path(args.config))
    if args.record:
        return _record(settings.sources, args.record, args.clock())
    identity = _identity(settings.state_dir)
    known = _known(settings.state_dir)
    found = asyncio.run(survey.survey(settings.sources, known, args.clock))
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(_as_json(found, identity)), indent=2).decode())
    else:
        _print_table(found)
    return os.EX_OK


def _record(sources: Sequence[Source], folder: Path, now: int) -> int:
    done = asyncio.run(recording.record(sources, folder, now))
    for item in done:
        print(f"{item.source} ({item.reader}): {item.folder or 'nothing came that can be recorded'}")
    print("Look it through before you hand it on: names in unusual places are not found.")
    return os.EX_OK if any(item.folder for item in done) else os.EX_UNAVAILABLE


def _identity(state_dir: Path) -> Identity | None:
    try:
        return keys.load(state_dir)
    except StateError as error:
        print(f"updateplicht-agent: no device ids are shown: {error}", file=sys.stderr)
        return None


def _known(state_dir: Path) -> dict[str, tuple[str, ...]]:
    try:
        return state.load(state_dir).known
    except StateError:
        return {}  # said already


def _as_json(found: Round, identity: Identity | None) -> dict[str, Any]:
    return {
        "devices": [_device(item, identity) for item in found.devices],
        "sources": [msgspec.to_builtins(failure) for failure in found.failures],
    }


def _device(item: Observation, identity: Identity | None) -> dict[str, Any]:
    outcome = item.outcome
    shown: dict[str, Any] = {
        # Ids exist once the gateway has a secret of its own, which `enrol` and `run` make.
        "device": None if identity is None else device_id(identity.secret, outcome.identity),
        "identity": outcome.identity,
        "name": outcome.name,
        "reader": item.reader,
        "result": "ok",
        "reason": None,
        "detail": None,  # for the household: it may name a port or an address, and leaves with no report
    }
    if isinstance(outcome, ReadFailure):
        failed = {"result": outcome.result, "reason": outcome.reason, "detail": outcome.detail or None}
        nothing = dict.fromkeys(("version_raw", "version_alt", "scheme", "image_digest", "hardware_revision", "offer"))
        return {**shown, **failed, **nothing, "ids": []}
    return {
        **shown,
        "version_raw": outcome.version_raw,
        "version_alt": outcome.version_alt,
        "scheme": outcome.scheme,
        "image_digest": None if outcome.image_digest is None else outcome.image_digest.hex(),
        "hardware_revision": outcome.hardware_revision,
        "offer": msgspec.to_builtins(outcome.offer),
        "ids": outcome.ids,
    }


def _print_table(found: Round) -> None:
    rows = [["IDENTITY", "NAME", "VERSION", "OFFERED", "READ BY"], *map(_row, found.devices)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for failure in found.failures:
        print(f"{failure.source} ({failure.reader}) failed: {failure.reason}: {failure.detail}")


def _row(item: Observation) -> list[str]:
    outcome = item.outcome
    if isinstance(outcome, ReadFailure):
        why = ": ".join(text for text in (outcome.result, outcome.reason, outcome.detail) if text)
        version, offered = f"({why})", ""
    else:
        version = " / ".join(text for text in (outcome.version_raw, outcome.version_alt) if text) or "(states none)"
        offered = (outcome.offer.version or str(outcome.offer.result)) if outcome.offer else ""
    cells = (outcome.identity, outcome.name or "", version, offered, item.reader)
    return [printable(cell) for cell in cells]
