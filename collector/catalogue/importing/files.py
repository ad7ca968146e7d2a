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
_PACKED: Final = {
    b"\x1f\x8b": "gz",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zst",
}


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
        if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for a name that is too long
            yield from _below(path, suffixes)
        else:
            yield path


def _below(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    closed: list[Path] = []
    for folder, folders, files in os.walk(path, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if _may_be(name, suffixes))
    yield from closed  # folders that cannot be read are listed like files


def _may_be(name: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a file of a folder is one of the format, or was before somebody packed it."""
    lowered = name.casefold()
    stem, _, last = lowered.rpartition(".")
    return (stem if last in _PACKED.values() else lowered).endswith(suffixes) and not name.startswith(".")


def parsed(format_: str, path: Path) -> tuple[Source, Imported]:
    """What a file says; one that cannot be read says nothing and is listed."""
    try:
        data = _read(path)
    except _UnreadableError as fault:
        return _source(format_, path, b""), _nothing(format_, fault.reason, str(fault))
    source = _source(format_, path, data)
    for magic, suffix in _PACKED.items():
        if data.startswith(magic):
            return source, _nothing(format_, Reason.FORMAT, f"packed as {suffix}: unpack it first")
    return source, load(format_).parse(data, path.name)


def _nothing(format_: str, reason: Reason, detail: str) -> Imported:
    skipped = Skipped(place="", reason=reason, detail=detail, snippet="")
    return Imported(feed=format_, drafts=(), skipped=(skipped,))


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
