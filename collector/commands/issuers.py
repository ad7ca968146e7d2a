"""`issuers`: who may make statements beside the households: sellers, manufacturers, operators and feeds."""

import argparse
import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from collector.appraisal.values import When
from collector.config import load
from evidence.ids import is_model_id
from evidence.keys import KEY_ID_BYTES, PUBLIC_KEY_BYTES, PublicKey
from evidence.limits import MAX_STATEMENT_BYTES

ROLES: Final = ("seller", "manufacturer", "operator", "third_party")
_PARTY = re.compile(rf"({'|'.join(ROLES)}):\S(.*\S)?")


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("issuers", help="enrol who may make statements")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    enrol = actions.add_parser("enrol", help="let a party make statements under a key")
    enrol.add_argument("party", type=_party, metavar="PARTY", help=f"role:name; the role is {', '.join(ROLES)}")
    enrol.add_argument("key", type=_hex(PUBLIC_KEY_BYTES), metavar="PUBLIC_KEY", help="Ed25519, 64 hex digits")
    enrol.add_argument(
        "--register-number",
        type=_register_number,
        metavar="NUMBER",
        help="KvK (8 digits) or VAT (with its country), so that a new name is no new party",
    )
    enrol.add_argument(
        "--grant",
        type=_grant,
        action="append",
        default=[],
        metavar="MODEL_ID",
        help="a model id that a manufacturer may claim for its models; with * at its end, all that begin so",
    )
    enrol.set_defaults(run=run, action=_enrol)

    listing = actions.add_parser("list", help="show the parties, their keys and what they were granted")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    listing.set_defaults(run=run, action=_list)

    replace = actions.add_parser("replace", help="let a party go on under a key that its old key has signed")
    replace.add_argument("party", type=_party, metavar="PARTY")
    replace.add_argument("key", type=_hex(PUBLIC_KEY_BYTES), metavar="NEW_KEY", help="Ed25519, 64 hex digits")
    replace.add_argument(
        "--signed-by",
        type=Path,
        required=True,
        metavar="FILE",
        help="a statement of kind key_succession with the fields party and key, signed with the old key",
    )
    replace.set_defaults(run=run, action=_replace)

    end = actions.add_parser("end", help="let nothing count that is recorded under a key from now on")
    end.add_argument("key_id", type=_hex(KEY_ID_BYTES), metavar="KEY_ID", help="16 hex digits, as `list` shows them")
    end.set_defaults(run=run, action=_end)

    cease = actions.add_parser("cease", help="put on record that a seller or manufacturer is no more")
    cease.add_argument("party", type=_party, metavar="PARTY")
    cease.add_argument("last_day", type=_day, metavar="DAY", help="its last day or month, such as 2026-08-14")
    cease.set_defaults(run=run, action=_cease)


def run(args: argparse.Namespace) -> int:
    """Do one of the actions."""
    asyncio.run(args.action(args))
    return os.EX_OK


async def _enrol(args: argparse.Namespace) -> None:
    from collector.register import opened
    from collector.store import parties
    from collector.store.database import writing

    now, key = args.clock(), PublicKey(bytes.fromhex(args.key))
    async with opened(load(args.config), now=now) as (engine, _), writing(engine) as connection:
        await parties.enrol(
            connection, args.party, key, at=now, register_number=args.register_number, granted=args.grant
        )
    print(f"{args.party} makes statements under key {key.id.hex()}")


async def _list(args: argparse.Namespace) -> None:
    from collector.register import opened
    from collector.store import parties
    from collector.store.database import reading

    async with opened(load(args.config), now=args.clock()) as (engine, _), reading(engine) as connection:
        found = await parties.listed(connection)
    for party in found:
        if args.json:
            print(msgspec.json.encode(party).decode())
            continue
        number = f" ({party.register_number})" if party.register_number else ""
        print(f"{party.party}{number}{f', ceased {party.ceased}' if party.ceased else ''}")
        for key_id, ended_at in party.keys.items():
            print(f"  key {key_id}{' ended' if ended_at is not None else ''}")
        for name in party.grants:
            print(f"  may claim {name}")


async def _replace(args: argparse.Namespace) -> None:
    from collector.catalogue import key_terms
    from collector.register import opened
    from collector.store.database import writing

    now, new = args.clock(), PublicKey(bytes.fromhex(args.key))
    with args.signed_by.open("rb") as file:
        data = file.read(MAX_STATEMENT_BYTES + 1)
    async with opened(load(args.config), now=now) as (engine, log), writing(engine) as connection:
        old = await key_terms.replace(connection, log, args.party, new, data, at=now)
    print(f"{args.party} makes statements under key {new.id.hex()}; key {old} has ended and signed it")


async def _end(args: argparse.Namespace) -> None:
    from collector.catalogue import key_terms
    from collector.register import opened
    from collector.store.database import writing

    now = args.clock()
    async with opened(load(args.config), now=now) as (engine, _), writing(engine) as connection:
        await key_terms.end(connection, args.key_id, at=now)
    print(f"key {args.key_id} has ended")
    print(
        "If it ended before its term, that counts against the party; `issuers replace` lets the old key sign the new."
    )


async def _cease(args: argparse.Namespace) -> None:
    from collector.catalogue import record
    from collector.register import opened
    from collector.store.database import writing

    now = args.clock()
    async with opened(load(args.config), now=now) as (engine, _), writing(engine) as connection:
        await record.cease(connection, args.party, args.last_day, at=now)
    print(f"{args.party} ceased on {args.last_day}")


def _party(text: str) -> str:
    if not _PARTY.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}; expected role:name, the role one of {', '.join(ROLES)}")
    return text


def _register_number(text: str) -> str:
    """One spelling for each number: what differs in blanks, dots or capitals is no other party."""
    plain = re.sub(r"[\s.\-]", "", text).upper()
    if match := re.fullmatch(r"(?:KVK)?([0-9]{8})", plain):
        return f"KvK {match[1]}"
    if re.fullmatch(r"(?!KVK)[A-Z]{2}(?=[0-9A-Z]*[0-9])[0-9A-Z]{2,12}", plain):
        return f"VAT {plain}"
    raise argparse.ArgumentTypeError(f"{text!r}; expected a KvK number of 8 digits, or a VAT number such as NL…B01")


def _hex(size: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(rf"[0-9a-f]{{{2 * size}}}", text.lower()):
            raise argparse.ArgumentTypeError(f"{text!r}; expected {2 * size} hex digits")
        return text.lower()

    return read


def _grant(text: str) -> str:
    if not is_model_id(text):
        raise argparse.ArgumentTypeError(f"{text!r}; expected namespace:value, such as zigbee:ACME/*")
    return text


def _day(text: str) -> str:
    try:
        When.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; {error}") from error
    return text
