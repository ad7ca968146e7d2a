"""`import`: put on record what foreign catalogues say, beside a live collector or without one."""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from collector.catalogue.importers import Draft, Imported, Reason, Skipped, load, names
from collector.config import Config
from collector.config import load as load_config

if TYPE_CHECKING:
    from collector.catalogue.importing.files import Source
    from collector.catalogue.importing.recording import Recorder
    from collector.store.imports import Skip

SHOWN: Final = 20
"""Listed parts that are printed for a person; all of them are kept and can be shown."""
_OF_MODELS: Final = "model_"  # one for each product of most files; the summary counts them
_PERIOD_S: Final = 5.0
# The file as a whole gave nothing: somebody should look.
_FAULTS: Final = {Reason.UNREADABLE, Reason.TOO_LARGE, Reason.ENCODING, Reason.MALFORMED, Reason.FORMAT}
# It was read, and says nothing of a model: so much is understood.
_READ: Final = {Reason.WITHHELD, Reason.MEANING, Reason.UNMAPPED, Reason.PRODUCT}


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "import", help="put on record what foreign catalogues say; 65 if some file could not be read at all"
    )
    parser.add_argument("format", choices=names(), metavar="FORMAT", help=", ".join(names()))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a file, or a folder of them")
    parser.add_argument("--dry-run", action="store_true", help="print what would be stated and listed; no register")
    parser.add_argument("--skipped", action="store_true", help="show what is kept of earlier imports, instead")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, the summary last")
    parser.add_argument("--map", type=Path, metavar="TOML", help="which models the products of a feed are")
    parser.add_argument("--key", type=Path, metavar="FILE", help="sign as the party of this key, not as the feed")
    parser.add_argument("--operator-key", type=Path, metavar="FILE", help="sign models, which a feed may not state")
    parser.add_argument("--as-of", type=_instant, metavar="INSTANT", help="when the feed said what it does not date")
    parser.add_argument(
        "--recorded-at", type=_instant, metavar="INSTANT", help="set the clock, in a register that is `simulated`"
    )
    parser.set_defaults(run=run, usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Import, or show what was left out of earlier imports."""
    if args.skipped:
        asyncio.run(_show(args, load_config(args.config)))
        return os.EX_OK
    if not args.files:
        args.usage("the following arguments are required: FILE")
    outcome = _Outcome(json=args.json)
    if args.dry_run:
        _try(args, outcome)
    else:
        asyncio.run(_import(args, load_config(args.config), outcome))
    return outcome.end()


def _try(args: argparse.Namespace, outcome: "_Outcome") -> None:
    for source, imported in _parsed(args, outcome):
        for draft in imported.drafts:
            outcome.draft(source, draft)
        for skipped in imported.skipped:
            outcome.listed(source.file, skipped)


async def _import(args: argparse.Namespace, config: Config, outcome: "_Outcome") -> None:
    from collector.catalogue.importing.recording import Recorder
    from collector.catalogue.importing.signers import Signers, private_key
    from collector.catalogue.submission import check_clock
    from collector.register import opened

    own, operator = (None if path is None else private_key(path) for path in (args.key, args.operator_key))
    signers = Signers(Path(config.state_dir) / "feeds", own, operator)
    set_to = None if args.recorded_at is None else _seconds(args.recorded_at)
    async with opened(config, now=args.clock()) as (engine, log):
        if set_to is not None:
            await check_clock(engine, set_to, now=args.clock(), simulated=config.simulated)
        clock = args.clock if set_to is None else lambda: set_to
        recorder = Recorder(engine, log, signers=signers, clock=clock, as_of=args.as_of)
        for source, imported in _parsed(args, outcome):
            outcome.recorded(recorder, await recorder.take(source, imported))
        outcome.recorded(recorder, await recorder.finish())


def _parsed(args: argparse.Namespace, outcome: "_Outcome") -> Iterator[tuple["Source", Imported]]:
    """What each file says, of the models that the map makes of its products."""
    from collector.catalogue.importing import files, models

    names_of = models.read(args.map) if args.map else models.ModelMap()
    found = list(files.found(args.files, load(args.format).SUFFIXES))
    for path in found:
        source, imported = files.parsed(args.format, path)
        outcome.file(imported, len(found))
        yield source, names_of.named(imported)


async def _show(args: argparse.Namespace, config: Config) -> None:
    from collector.register import opened
    from collector.store.database import reading
    from collector.store.imports import listed

    async with opened(config, now=args.clock()) as (engine, _), reading(engine) as connection:
        async for skip in listed(connection, args.format):
            print(msgspec.json.encode(skip).decode() if args.json else _line(skip.file, skip))


class _Outcome:
    """Counts, progress and what is printed."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._files = 0
        self._faulty = 0
        self._printed = 0
        self._showed = False
        self._reasons: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._known: Counter[str] = Counter()
        self._undescribed: set[str] = set()
        self._begun = self._told = time.monotonic()
        self._period = 0.2 if sys.stderr.isatty() else _PERIOD_S

    def file(self, imported: Imported, total: int) -> None:
        """One more file was parsed."""
        self._files += 1
        self._faulty += _is_faulty(imported)
        now = time.monotonic()
        if now - self._told >= self._period:
            self._told = now
            rate = self._files / (now - self._begun)
            end = "\r" if sys.stderr.isatty() else "\n"
            self._showed = sys.stderr.isatty()
            text = f"{self._files} of {total} files, {self._new.total()} new statements, {rate:.0f} files/s"
            print(text, end=end, file=sys.stderr, flush=True)

    def draft(self, source: "Source", draft: Draft) -> None:
        """A statement would be made."""
        self._new[draft.kind] += 1
        if self._json:
            print(msgspec.json.encode({"file": source.file, **msgspec.structs.asdict(draft)}).decode())
        else:
            print(f"{source.file}:{draft.place}: {draft.kind} {msgspec.json.encode(draft.fields).decode()}")

    def listed(self, file: str, skipped: "Skipped | Skip") -> None:
        """Something could not be mapped or recorded."""
        self._reasons[skipped.reason] += 1
        if self._json:
            print(msgspec.json.encode({"file": file, **_shown(skipped)}).decode())
        elif not skipped.reason.startswith(_OF_MODELS) and self._printed < SHOWN:
            self._printed += 1
            print(_line(file, skipped))

    def recorded(self, recorder: "Recorder", skips: Iterable["Skip"]) -> None:
        """A transaction is through."""
        self._new, self._known, self._undescribed = recorder.new, recorder.known, recorder.undescribed
        for skip in skips:
            self.listed(skip.file, skip)

    def end(self) -> int:
        """Print the summary; the exit code."""
        summary = {
            "files": self._files,
            "faulty": self._faulty,
            "new": dict(sorted(self._new.items())),
            "known": dict(sorted(self._known.items())),
            "skipped": dict(sorted(self._reasons.items())),
            "undescribed_models": sorted(self._undescribed),
        }
        if self._showed:
            print(file=sys.stderr)  # the line of progress stays as it is
        print(msgspec.json.encode(summary).decode() if self._json else _summary(summary))
        if not self._files:
            return os.EX_NOINPUT
        return os.EX_DATAERR if self._faulty else os.EX_OK


def _is_faulty(imported: Imported) -> bool:
    reasons = {skipped.reason for skipped in imported.skipped}
    return bool(not imported.drafts and reasons and (reasons & _FAULTS or not reasons & _READ))


def _shown(skipped: "Skipped | Skip") -> dict[str, str]:
    return {name: getattr(skipped, name) for name in ("place", "reason", "detail", "snippet")}


def _line(file: str, skipped: "Skipped | Skip") -> str:
    place = f"{file}:{skipped.place}" if skipped.place else file
    return f"{place}: {skipped.reason}: {skipped.detail}" + (f" | {skipped.snippet}" if skipped.snippet else "")


def _summary(found: dict[str, Any]) -> str:
    def counted(counts: dict[str, int]) -> str:
        return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"

    lines = [
        f"{found['files']} files, {found['faulty']} of them not understood",
        f"new:     {counted(found['new'])}",
        f"known:   {counted(found['known'])}",
        f"listed:  {counted(found['skipped'])}",
    ]
    if found["undescribed_models"]:
        count = len(found["undescribed_models"])
        lines.append(f"{count} models are spoken of that nobody has described; state them, or name them with --map")
    if found["skipped"]:
        lines.append("`import FORMAT --skipped` shows all that is listed")
    return "\n".join(lines)


def _instant(text: str) -> str:
    try:
        _seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; {error}") from error
    return text


def _seconds(text: str) -> int:
    from collector.catalogue.instants import to_seconds

    return to_seconds(text)
