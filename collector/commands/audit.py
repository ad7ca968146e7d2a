"""`audit`: make the log anew from what is stored, and compare; beside a running collector."""

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from collector.catalogue.instants import to_text
from collector.config import Config, load
from collector.errors import NotFoundError

if TYPE_CHECKING:
    from collector.transparency.audit import Audit, GatewayHistory

SHOWN_GATEWAYS = 1000  # with gaps or breaks; all are counted


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("audit", help="rebuild the log from what is stored, and compare")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what came out; 65 (EX_DATAERR) where something contradicts what was signed."""
    found, gateways = asyncio.run(_audit(load(args.config)))
    result = {**msgspec.to_builtins(found), "ok": not found.findings, **gateways}
    print(msgspec.json.encode(result).decode() if args.json else _text(found, result))
    return os.EX_DATAERR if found.findings else os.EX_OK


async def _audit(config: Config) -> "tuple[Audit, dict[str, Any]]":
    from collector.store import log as rows
    from collector.store.database import open_engine, reading
    from collector.transparency.audit import audit, histories

    if not config.register_path.exists():
        raise NotFoundError(f"{config.register_path}: there is no register here")
    engine = await open_engine(config.register_path)
    try:
        async with reading(engine) as connection:
            row = await rows.find(connection)
        if row is None:
            raise NotFoundError(f"{config.register_path}: this register has no log yet")
        found = await audit(engine, row, _progress)
        return found, await _summary(histories(engine))
    finally:
        await engine.dispose()


async def _summary(gateways: Any) -> dict[str, Any]:
    count, shown = 0, list["GatewayHistory"]()
    totals = {"gaps": 0, "breaks": 0}
    async for gateway in gateways:
        count += 1
        totals["gaps"] += gateway.gaps
        totals["breaks"] += gateway.breaks
        if (gateway.gaps or gateway.breaks) and len(shown) < SHOWN_GATEWAYS:
            shown.append(gateway)
    return {"gateways": count, **totals, "incomplete": msgspec.to_builtins(shown)}


def _progress(done: int, size: int) -> None:
    if sys.stderr.isatty() or done == size:
        print(f"\r{done} of {size} leaves", end="\n" if done == size else "", file=sys.stderr, flush=True)


def _text(found: "Audit", result: dict[str, Any]) -> str:
    lines = [
        f"log        {found.log}, {found.size} leaves, root {found.root}",
        f"heads      {found.heads} signed",
        f"bodies     {found.bodies} have the digest of their leaf, {found.erased} were erased",
        f"gateways   {result['gateways']}, {result['gaps']} numbers that are not on record, {result['breaks']} breaks",
        *(f"restored   {to_text(at)}: what came after the backup may be gone" for at in found.restored_at),
    ]
    lines += [f"  {one['gateway']}  {one['gaps']} gaps, {one['breaks']} breaks" for one in result["incomplete"]]
    lines += [f"FINDING    {one.kind} at leaf {one.leaf}: {one.detail}" for one in found.listed]
    lines.append(f"{found.findings} findings" if found.findings else "the log is what was signed")
    return "\n".join(lines)
