"""`waiver FILE`: deposit the household's side of a waiver, with the fields of the seller's deposit exactly as they are.

Giving up the update duty counts only when both sides deposit the same (appraisal.md W5) and the household accepted it
expressly and separately (Directive (EU) 2019/771 article 7(5); in the Netherlands BW 7:18). So this asks on its own, in
words that say what is given up, takes no `--yes`, and wants the whole word.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agent.consent import YES_IN_FULL, agrees, printable
from agent.errors import StatementError
from agent.household import Household, declined
from evidence import cose, statement
from evidence.cose import SIGN1_TAG
from evidence.errors import EvidenceError
from evidence.limits import MAX_STATEMENT_BYTES
from evidence.statement import Statement
from evidence.written import read_statements

_KIND: Final = "waiver"
_REQUIRED: Final = ("seller", "model", "document_digest", "accepted_at")
_CONFIRMED: Final = {
    "accepted_at": "you accepted it at",
    "document_digest": "the document has the SHA-256",
    "shown_digest": "the document that you were shown has",
    "shown_at": "it was shown to you at",
    "signed_digest": "the document that you signed has",
    "separate": "you accepted it apart from everything else",
    "signer": "who accepted it",
    "preticked": "the box was ticked before you saw it",
    "excludes": "it also excludes",
    "subject": "what it is about",
}


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "waiver", help="deposit your side of a waiver; shows what you would give up and asks"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="as the seller gave it: TOML, or its signed deposit")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Deposit it."""
    now, household = args.clock(), Household(Path(args.config))
    fields = _fields(args.file, now)
    data = household.show(_KIND, fields, _in_words(fields), now)
    if not agrees("Do you give this up? Type yes in full to sign; anything else signs nothing:", YES_IN_FULL):
        return declined()
    return household.put(data, now)


def _fields(file: Path, now: int) -> Mapping[str, Any]:
    """What the seller wrote, unchanged; the envelope is our own."""
    try:
        with file.open("rb") as opened:
            found = _read(opened.read(MAX_STATEMENT_BYTES + 1), now)
    except OSError as error:
        raise StatementError(f"{file} cannot be read: {error.strerror}") from error
    except (EvidenceError, UnicodeDecodeError) as error:
        raise StatementError(f"{file}: {error}") from error
    if found.kind != _KIND:
        raise StatementError(f"{file} is a {printable(found.kind)}, not a waiver")
    if lacking := [name for name in _REQUIRED if not isinstance(found.fields.get(name), str)]:
        raise StatementError(f"{file} lacks {', '.join(lacking)}; a waiver without them never counts")
    return found.fields


def _read(data: bytes, now: int) -> Statement:
    if data[:1] == bytes([SIGN1_TAG]):
        # Nobody here knows the seller's key, and it does not matter: the register compares its deposit with ours.
        envelope = cose.parse(data, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES)
        return statement.decode(envelope.unverified_payload or b"")
    (only, *more) = read_statements(data.decode(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))
    if more:
        raise StatementError("the file holds several statements; a waiver is signed alone")
    return only


def _in_words(fields: Mapping[str, Any]) -> list[str]:
    seller, model = printable(fields["seller"]), printable(fields["model"])
    until = fields.get("until")
    after = "at all" if until is None else f"after {printable(until)}"
    said = [f"  {words:42} {printable(fields[name])}" for name, words in _CONFIRMED.items() if name in fields]
    other = [name for name in fields if name not in {*_CONFIRMED, *_REQUIRED, "until"}]
    return [
        "A WAIVER GIVES UP A RIGHT.",
        f"By law {seller}, who sold you {model}, must keep it secure with updates for a certain time.",
        f"With this waiver you agree that {seller} need not do so {after}. What was promised to you stays promised.",
        "",
        "You would confirm that:",
        *said,
        *(f"  {printable(name):42} {printable(fields[name])}" for name in other),
        "",
        "You need not sign. If you do not, the waiver does not count in this register, and the duty stays as it is.",
        "Do not sign what is not true, or what you did not mean to accept. A waiver on record cannot be taken back.",
    ]
