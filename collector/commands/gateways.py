"""`gateways`: who may send reports. Works beside a running collector."""

import argparse
import asyncio
import os
import re
import secrets
from typing import Any, Final

import msgspec

from collector.catalogue.instants import to_seconds, to_text
from collector.config import Config, load
from collector.errors import ConflictError, NotFoundError
from evidence.enrolment import SECRET_BYTES, EnrolmentCode, format_code
from evidence.ids import is_id
from evidence.keys import PUBLIC_KEY_BYTES, PublicKey

VALID_HOURS: Final = 24.0


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("gateways", help="enrol, list and revoke gateways")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    code = actions.add_parser("code", help="print a code with which one gateway can enrol itself")
    code.add_argument("--host", help="the broker's name as the gateway reaches it; default: as configured")
    code.add_argument("--port", type=int, help="the broker's port as the gateway reaches it; default: as it is")
    code.add_argument("--tls", action="store_true", help="the broker speaks TLS there")
    code.add_argument("--valid-hours", type=_hours, default=VALID_HOURS, metavar="HOURS", help="default: %(default)g")
    code.set_defaults(run=run, action=_code)

    listing = actions.add_parser("list", help="show the gateways and when they last reported")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    listing.set_defaults(run=run, action=_list)

    enrol = actions.add_parser("enrol", help="make a gateway known by hand, without a code")
    enrol.add_argument("gateway", type=_gateway, metavar="GATEWAY", help="its id, 32 hex digits")
    enrol.add_argument("key", type=_key, metavar="PUBLIC_KEY", help="Ed25519, 64 hex digits")
    enrol.set_defaults(run=run, action=_enrol)

    revoke = actions.add_parser("revoke", help="let nothing count that comes from a gateway from some instant on")
    revoke.add_argument("gateway", type=_gateway, metavar="GATEWAY", help="its id, 32 hex digits")
    revoke.add_argument("--at", type=_instant, metavar="INSTANT", help="YYYY-MM-DDTHH:MM:SSZ; default: now")
    revoke.set_defaults(run=run, action=_revoke)


def run(args: argparse.Namespace) -> int:
    """Do one of the actions."""
    asyncio.run(args.action(args, load(args.config)))
    return os.EX_OK


async def _code(args: argparse.Namespace, config: Config) -> None:
    from collector.register import opened
    from collector.store import gateways
    from collector.store.database import writing
    from collector.store.gateways import OpenCode

    now = args.clock()
    host, port = _broker(args, config)
    async with opened(config, now=now) as (engine, log), writing(engine) as connection:
        code = EnrolmentCode(
            host=host,
            port=port,
            tls=args.tls,
            log=log.id,
            collector=log.key.public.data,
            secret=secrets.token_bytes(SECRET_BYTES),
        )
        expires_at = now + int(args.valid_hours * 3600)
        await gateways.add_code(connection, OpenCode(code=code.id, secret=code.secret), now=now, expires_at=expires_at)
    print(f"On the gateway, until {to_text(expires_at)}, once: updateplicht-agent enrol CODE, where CODE is")
    print(format_code(code))


async def _list(args: argparse.Namespace, config: Config) -> None:
    from collector.register import opened
    from collector.store import gateways
    from collector.store.database import reading

    async with opened(config, now=args.clock()) as (engine, _), reading(engine) as connection:
        found = await gateways.listed(connection)
    for row in found:
        if args.json:
            print(msgspec.json.encode(_instants_as_text(row)).decode())
        else:
            print(_line(row))


async def _enrol(args: argparse.Namespace, config: Config) -> None:
    from collector.register import opened
    from collector.store import gateways
    from collector.store.database import writing

    now = args.clock()
    async with opened(config, now=now) as (engine, _), writing(engine) as connection:
        known = await gateways.key_of(connection, args.gateway)
        if known is not None:
            raise ConflictError(f"gateway {args.gateway} is enrolled already, with key {known}")
        if await gateways.enrolled_keys(connection, [args.key.id.hex()]):
            raise ConflictError("this key is somebody else's already; a gateway has a key of its own")
        await gateways.enrol(connection, args.gateway, args.key, now=now)
    print(f"gateway {args.gateway} is enrolled with key {args.key.id.hex()}")


async def _revoke(args: argparse.Namespace, config: Config) -> None:
    from collector.ingest.revocation import revoke
    from collector.register import opened
    from collector.store.database import writing

    now = args.clock()
    at = now if args.at is None else args.at
    async with opened(config, now=now) as (engine, _), writing(engine) as connection:
        taken_back = await revoke(connection, args.gateway, at=at, now=now)
    print(f"nothing counts that comes from gateway {args.gateway} from {to_text(at)} on; what came before stays")
    print("its home can go on as a new gateway: with a new code (`gateways code`), and a new state directory there")
    if taken_back:
        print(
            f"{taken_back} reports that came since then count no more; they stay in the log, and verdicts are made anew"
        )


def _broker(args: argparse.Namespace, config: Config) -> tuple[str, int]:
    from collector import running

    host, port = config.broker.host, config.broker.port
    if (where := running.find(config.running_path)) is not None:
        host, _, text = where.broker.rpartition(":")
        port = int(text)
    port = args.port or port
    if port == 0:
        raise NotFoundError("the embedded broker has no port before the collector runs; start it, or give --port")
    return args.host or host, port


def _instants_as_text(row: Any) -> dict[str, Any]:
    return {
        name: to_text(value) if name.endswith("_at") and value is not None else value for name, value in row.items()
    }


def _line(row: Any) -> str:
    reported = "never" if row["last_report_at"] is None else to_text(row["last_report_at"])
    missing = row["last_sequence"] - row["report_count"]
    parts = [row["gateway"], f"{row['devices']} devices", f"last report {reported}, number {row['last_sequence']}"]
    parts += [f"{missing} missing"] if missing else []
    parts += [f"{row['conflicts']} under used numbers: a copy, or an old backup"] if row["conflicts"] else []
    parts += [_revocation(row)] if row["revoked_at"] is not None else []
    return "  ".join(parts)


def _revocation(row: Any) -> str:
    recorded_at = row["revocation_recorded_at"]
    said = f"revoked {to_text(row['revoked_at'])}"
    return said if recorded_at is None else f"{said}, recorded {to_text(recorded_at)}"


def _gateway(text: str) -> str:
    if not is_id(text):
        raise argparse.ArgumentTypeError("expected 32 lower-case hex digits")
    return text


def _key(text: str) -> PublicKey:
    if not re.fullmatch(rf"[0-9a-f]{{{2 * PUBLIC_KEY_BYTES}}}", text):
        raise argparse.ArgumentTypeError(f"expected {2 * PUBLIC_KEY_BYTES} lower-case hex digits")
    return PublicKey(bytes.fromhex(text))


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= 24 * 365:
        raise argparse.ArgumentTypeError("expected more than 0 hours, and no more than a year")
    return hours


def _instant(text: str) -> int:
    return to_seconds(text)
