"""`updateplicht-evidence`: make keys, sign statements, verify and show messages.

The edge of this room: files are read and written here, the clock is read here, and errors become one line and an exit
code of sysexits(3).
"""

import argparse
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from evidence import cose, diagnostic, receipt, report, statement
from evidence.errors import EvidenceError, ProfileError
from evidence.keys import PUBLIC_KEY_BYTES, SEED_BYTES, PublicKey, SigningKey
from evidence.limits import MAX_MESSAGE_BYTES, MAX_STATEMENT_BYTES
from evidence.statement import Statement
from evidence.written import read_statements

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CANTCREAT = 64, 65, 66, 73

# What a message is called, and how it is checked, by the type in its protected header.
_KINDS: dict[str | None, tuple[str, Callable[[bytes, PublicKey], object]]] = {
    report.MESSAGE_TYPE: (
        "report",
        lambda data, key: report.decode(cose.parse(data, report.MESSAGE_TYPE).verify(key)),
    ),
    statement.MESSAGE_TYPE: (
        "statement",
        lambda data, key: statement.decode(cose.parse(data, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES).verify(key)),
    ),
    receipt.REFUSAL_TYPE: ("refusal", receipt.open_refusal),
    receipt.REQUEST_TYPE: ("request", receipt.open_request),
    None: ("receipt", receipt.open_receipt),
}


class CommandError(Exception):
    """What the user has to know, in one line, and the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EX_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is what it returns."""
    parser = _Parser(prog="updateplicht-evidence", description="Make keys, sign statements, verify and show messages.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for add in (_add_keygen, _add_sign, _add_verify, _add_show):
        add(commands)
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except CommandError as error:
        print(f"updateplicht-evidence: {error}", file=sys.stderr)
        return error.code


def _add_keygen(commands: Any) -> None:
    parser = commands.add_parser("keygen", help="make a private key in a new file that only you can read")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_keygen)


def _keygen(args: argparse.Namespace) -> int:
    key = SigningKey(secrets.token_bytes(SEED_BYTES))
    try:
        with os.fdopen(os.open(args.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.seed)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise CommandError(EX_CANTCREAT, f"{args.file} is there already; a key is never overwritten") from error
    except OSError as error:
        raise CommandError(EX_CANTCREAT, f"{args.file} cannot be written: {error.strerror}") from error
    made = {"key_id": key.public.id.hex(), "public_key": key.public.data.hex()}
    print(json.dumps(made) if args.json else f"key id      {made['key_id']}\npublic key  {made['public_key']}")
    return 0


def _add_sign(commands: Any) -> None:
    parser = commands.add_parser("sign", help="sign the statements of a TOML file")
    parser.add_argument("file", type=Path, metavar="STATEMENT.toml")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="private key, as keygen made it")
    parser.add_argument("--asserted-at", metavar="INSTANT", help="YYYY-MM-DDTHH:MM:SSZ; default: in the file, else now")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="file, or folder for [[statement]] entries")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each statement")
    parser.set_defaults(run=_sign)


def _sign(args: argparse.Namespace) -> int:
    key = _private_key(args.key)
    asserted_at = args.asserted_at or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    try:
        stated = read_statements(_read(args.file).decode(), asserted_at)
    except (EvidenceError, UnicodeDecodeError) as error:
        raise CommandError(EX_DATAERR, f"{args.file}: {error}") from error
    signed = [(one.kind, _sign_one(one, key, f"{args.file}, statement {n}")) for n, one in enumerate(stated, 1)]
    for path, (kind, data) in zip(_outputs(args.file, args.output, signed), signed, strict=True):
        _write(path, data)
        made = {"file": str(path), "kind": kind, "sha256": hashlib.sha256(data).hexdigest()}
        print(json.dumps(made) if args.json else "  ".join(made.values()))
    return 0


def _sign_one(stated: Statement, key: SigningKey, place: str) -> bytes:
    try:
        return statement.sign(stated, key)
    except EvidenceError as error:
        raise CommandError(EX_DATAERR, f"{place}: {error}") from error


def _outputs(source: Path, output: Path | None, signed: Sequence[tuple[str, bytes]]) -> list[Path]:
    """One file beside the source, or a folder of numbered ones."""
    if len(signed) == 1:
        return [output or source.with_suffix(".cbor")]
    folder = output or source.with_suffix("")
    return [folder / f"{number:03}-{kind}.cbor" for number, (kind, _) in enumerate(signed, 1)]


def _add_verify(commands: Any) -> None:
    parser = commands.add_parser("verify", help="check form, signature, claims and proof of messages")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--key", required=True, metavar="PUBLIC", help="public key: 64 hex digits, or a file of them")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each file")
    parser.set_defaults(run=_verify)


def _verify(args: argparse.Namespace) -> int:
    key = _public_key(args.key)
    results = [(path, *_verify_one(_read(path), key)) for path in args.files]
    for path, found, error in results:
        if args.json:
            print(json.dumps({"file": str(path), "valid": error is None} | found))
        elif error is None:
            print(f"{path}: valid {found['type']}, key {key.id.hex()}, sha256 {found['sha256']}")
        else:
            print(f"{path}: {error.code}: {error}", file=sys.stderr)
    return EX_DATAERR if any(error for _, _, error in results) else 0


def _verify_one(data: bytes, key: PublicKey) -> tuple[dict[str, str], EvidenceError | None]:
    found = {"sha256": hashlib.sha256(data).hexdigest()}
    try:
        kind = cose.message_type(data)
        if kind not in _KINDS:
            raise ProfileError(f"message type {kind}; none of this format")
        name, check = _KINDS[kind]
        check(data, key)
    except EvidenceError as error:
        return found | {"code": error.code, "error": str(error)}, error
    return found | {"type": name}, None


def _add_show(commands: Any) -> None:
    parser = commands.add_parser("show", help="print a message in diagnostic notation, without checking its signature")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON, with byte strings in hex")
    parser.set_defaults(run=_show)


def _show(args: argparse.Namespace) -> int:
    data = _read(args.file)
    try:
        print(json.dumps(diagnostic.named(data)) if args.json else diagnostic.diagnose(data))
    except EvidenceError as error:
        raise CommandError(EX_DATAERR, f"{args.file}: {error.code}: {error}") from error
    return 0


def _private_key(path: Path) -> SigningKey:
    try:
        return SigningKey(_read(path))
    except EvidenceError as error:
        raise CommandError(EX_DATAERR, f"{path}: {error}; make one with keygen") from error


def _public_key(written: str) -> PublicKey:
    text = written if len(written) == 2 * PUBLIC_KEY_BYTES else _read(Path(written)).decode(errors="replace")
    try:
        return PublicKey(bytes.fromhex(text.split()[-1]))  # alone, or as the last word of what keygen prints
    except (EvidenceError, ValueError, IndexError) as error:
        raise CommandError(
            EX_DATAERR, f"--key {written}: no public key of {2 * PUBLIC_KEY_BYTES} hex digits"
        ) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_MESSAGE_BYTES + 1)  # one more, so that too much is seen as such
    except OSError as error:
        raise CommandError(EX_NOINPUT, f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(EX_CANTCREAT, f"{path} cannot be written: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
