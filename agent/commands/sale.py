"""`sale`: state how the household came by a device, from options or from a draft that a page wrote down.

A draft binds nobody: it is only a form that somebody filled in, shown here in words before anything is signed. What was
stated of the device before is corrected.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent.config import Sale
from agent.consent import agrees, printable
from agent.errors import StatementError
from agent.household import Household, Owned, declined
from agent.sales import KIND, sale_fields
from agent.stated import Stated, standing, stated
from evidence import checked
from evidence.checked import CheckError
from evidence.draft import parse_draft

_WORDS: Final = {
    "seller": "bought from",
    "contract": "agreed on",
    "delivered": "delivered on",
    "jurisdiction": "country of the purchase",
    "seller_type": "the seller is a",
    "buyer_type": "you bought it as a",
    "supply": "updates come with it as a supply that is",
    "supply_end": "the agreed supply ends on",
    "transfer": "it came to you by",
    "condition": "when you got it, it was",
    "liability_months": "agreed months of liability (used goods)",
    "repaired_at": "repaired on",
}


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("sale", help="state how you came by a device; shows all of it and asks")
    parser.add_argument("device", nargs="?", metavar="DEVICE", help="identity, name, or the beginning of a device id")
    parser.add_argument("--draft", metavar="CODE", help="a draft from the collector's page; nothing in it binds you")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")
    for name, words in _WORDS.items():
        kind = int if name == "liability_months" else str
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=name.upper(), help=words)
    parser.epilog = "A day is 2026-03-10, a month 2026-03, an interval 2026-03-01..2026-03-10."
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """State it."""
    now, household = args.clock(), Household(Path(args.config))
    owned, given = _from_draft(args, household, now) if args.draft else _from_options(args, household, now)
    fields = sale_fields(_sale(owned, given), household.identity)
    if any(sale.device == owned.identity for sale in household.config.sales):
        raise StatementError(f"{args.config} states the sale of {owned}; change it there")
    before = standing(stated(household.config.state_dir, household.identity), KIND, owned.device)
    if any(one.content == fields for one in before):
        print(f"You have stated exactly this about {owned} already; there is nothing to sign.")
        return os.EX_OK
    if before:
        fields["corrects"] = before[-1].digest
    data = household.show(KIND, fields, _in_words(owned, fields, before, is_draft=bool(args.draft)), now)
    if not (args.yes or agrees("Is all of this true, and do you want to sign it? [y/N]")):
        return declined()
    return household.put(data, now)


def _from_draft(args: argparse.Namespace, household: Household, now: int) -> tuple[Owned, Mapping[str, Any]]:
    if args.device or any(getattr(args, name) is not None for name in _WORDS):
        raise StatementError("a draft says everything itself; give it alone, or change it on the page")
    draft = parse_draft(args.draft)
    if draft.kind != KIND:
        raise StatementError(f"this is a draft of a {printable(draft.kind)}, not of a sale")
    return household.find(draft.device, now), draft.fields


def _from_options(args: argparse.Namespace, household: Household, now: int) -> tuple[Owned, Mapping[str, Any]]:
    if args.device is None:
        raise StatementError("which device? give its identity, as `updateplicht-agent read` shows it, or a draft")
    given = {name: value for name in _WORDS if (value := getattr(args, name)) is not None}
    return household.find(args.device, now), {name: _interval(value) for name, value in given.items()}


def _interval(value: Any) -> Any:
    first, dots, last = value.partition("..") if isinstance(value, str) else ("", "", "")
    return {"from": first, "to": last} if dots else value


def _sale(owned: Owned, given: Mapping[str, Any]) -> Sale:
    try:
        return checked.convert({**given, "device": owned.identity}, Sale)
    except CheckError as error:
        raise StatementError(f"the sale cannot be stated: {printable(error)}") from error


def _in_words(owned: Owned, fields: Mapping[str, Any], before: Sequence[Stated], *, is_draft: bool) -> list[str]:
    said = [f"  {words:42} {_value(fields[name])}" for name, words in _WORDS.items() if name in fields]
    silent = [name for name in _WORDS if name not in fields]
    lines = ["This is a draft: somebody filled in a form, and nothing in it binds you."] if is_draft else []
    lines += [f"You would state about {owned}:", *said]
    if silent:
        lines.append(f"You would not state: {', '.join(silent)}.")
    lines += [f"It corrects what you stated at {one.asserted_at}." for one in before[-1:]]
    return [*lines, "What you sign stays on record. It can be corrected later, but not taken back."]


def _value(value: Any) -> str:
    return printable(f"between {value['from']} and {value['to']}" if isinstance(value, dict) else value)
