"""`parse`: what one source's parser makes of recorded payloads and transcripts. Needs no device and no configuration.

One JSON object a line for each file, in their order: `{"file", "readings": [...]}`; `{"file", "not_a_reading": true}`
for requests, echoes and catalogues; `{"file", "error"}` for a file that cannot be read, which ends with 65.
"""

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

MAX_BYTES = 16 * 2**20  # of one file; a thousand Zigbee devices have four million


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("parse", help="show what is read from recorded payloads and transcripts")
    parser.add_argument("source", metavar="SOURCE", help="whose parser; a wrong one lists those there are")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Parse each file."""
    from agent.readers import _sample  # noqa: PLC0415  # loads every reader and its library

    known = sorted(_sample.sources())
    if args.source not in known:
        print(f"updateplicht-agent: no source {args.source!r}; expected one of {', '.join(known)}", file=sys.stderr)
        return os.EX_USAGE
    code = os.EX_OK
    for file in args.files:
        shown: dict[str, Any] = {"file": os.fsencode(file).decode(errors="replace")}
        try:
            readings = _sample.parse(args.source, _read(file))
            shown |= {"not_a_reading": True} if readings is None else {"readings": readings}
        except OSError as error:
            shown["error"] = error.strerror
            code = os.EX_DATAERR
        print(msgspec.json.encode(shown).decode(), flush=True)
    return code


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"more than {MAX_BYTES} bytes")
    return data
