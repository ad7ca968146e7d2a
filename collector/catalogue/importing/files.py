"""The files of an import: found below folders in a fixed order, read whole within a bound, never waited for."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from collector.catalogue.importers import Imported, Reason, Skipped, load, printable

MAX_BYTES: Final = 64 * 1024 * 1024
"""The largest index of all LVFS firmware has a quarter of it."""


_MAX_NAME: Final = 120  # characters of it go into each statement


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where drafts come from.

    Attributes:
        format: The importer.
        file: The path as it was found.
        name: Its last part, as text.
        digest: SHA-256 of its bytes, in hex; of no bytes where it cannot be read.
    """

    format: str
    file: str
    name: str
    digest: str


def found(paths: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files themselves, and of each folder those below it that may be of the format, hidden ones left out."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                if name.endswith(suffixes) and not name.startswith("."):
                    yield Path(folder, name)


def parsed(format_: str, path: Path) -> tuple[Source, Imported]:
    """What a file says; one that cannot be read says nothing and is listed."""
    try:
        data = _read(path)
    except _UnreadableError as fault:
        skipped = Skipped(place="", reason=fault.reason, detail=str(fault), snippet="")
        return _source(format_, path, b""), Imported(feed=format_, drafts=(), skipped=(skipped,))
    return _source(format_, path, data), load(format_).parse(data, path.name)


class _UnreadableError(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _read(path: Path) -> bytes:
    try:
        # Opening a pipe without this would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # it is a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _UnreadableError(Reason.UNREADABLE, "no regular file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _UnreadableError(Reason.UNREADABLE, error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise _UnreadableError(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes")
    return data


def _source(format_: str, path: Path, data: bytes) -> Source:
    """What names a file in the register; a name that is no text has its bytes shown."""
    parts = (os.fsencode(part).decode(errors="backslashreplace") for part in (path.absolute(), path.name))
    file, name = map(printable, parts)
    return Source(format=format_, file=file, name=name[:_MAX_NAME], digest=hashlib.sha256(data).hexdigest())
