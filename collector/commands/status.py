"""`status`: how the register stands, and whether a collector runs on it and is well."""

import argparse
import asyncio
import os
import urllib.error
import urllib.request
from typing import Any, Final

import msgspec

from collector.catalogue.instants import to_text
from collector.config import Config, load

ANSWER_WITHIN_S: Final = 5.0


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("status", help="show counts, and the health of a running collector")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print it; 69 (EX_UNAVAILABLE) where a collector runs and is not well."""
    config = load(args.config)
    health = _health(config)
    status = {"register": str(config.register_path), "health": health, **asyncio.run(_counts(args, config))}
    print(msgspec.json.encode(status).decode() if args.json else _text(status))
    return os.EX_OK if health is None or health.get("ok") else os.EX_UNAVAILABLE


async def _counts(args: argparse.Namespace, config: Config) -> dict[str, Any]:
    from collector.register import opened
    from collector.store import log as rows
    from collector.store.counts import counts
    from collector.store.database import reading

    async with opened(config, now=args.clock()) as (engine, log), reading(engine) as connection:
        restored = [to_text(one.restored_at) for one in await rows.all_restorations(connection)]
        counted = msgspec.structs.asdict(await counts(connection))
        last = counted["last_report_at"]
        return {"log": log.id, "restored_at": restored, **counted, "last_report_at": last and to_text(last)}


def _health(config: Config) -> dict[str, Any] | None:
    from collector import running

    where = running.find(config.running_path)
    if where is None:
        return None
    try:
        with urllib.request.urlopen(f"{where.web}healthz", timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310  # our own
            return dict(msgspec.json.decode(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return dict(msgspec.json.decode(error.read()))
    except (OSError, msgspec.DecodeError) as error:
        return {"ok": False, "web": f"does not answer: {error}"}


def _text(status: dict[str, Any]) -> str:
    lines = []
    for name, value in status.items():
        shown = value
        if name == "health":
            shown = "no collector runs here" if value is None else _parts(value)
        elif name in ("rejected", "conflicting"):
            shown = ", ".join(f"{what} {count}" for what, count in value.items()) or "none"
        elif name == "restored_at":
            shown = ", ".join(value) or "never"
        elif name == "last_report_at":
            shown = value or "never"
        lines.append(f"{name.replace('_', ' '):16} {shown}")
    return "\n".join(lines)


def _parts(health: dict[str, Any]) -> str:
    said = [f"{name} {part['state']}" for name, part in health.items() if isinstance(part, dict) and "state" in part]
    return ", ".join([("ok" if health.get("ok") else "not well"), *said])
