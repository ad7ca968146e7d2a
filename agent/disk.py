"""Writing so that a power cut leaves the old or the new, never a half.

A file is there for good only once its bytes, its name and its directory's entry have each reached the disk: written
under another name, fsync, rename, fsync of the directory. `Disk` is a seam: tests put one under the spool that loses
power, or room, between any two of these steps.
"""

import contextlib
import errno
import os
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNFINISHED = ".new"


class Disk:
    """The four steps that everything the agent keeps is made of."""

    def create(self, path: Path, data: bytes) -> None:
        """Write a file, its bytes on the disk when this returns, its name perhaps not; only the owner may read it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, at once for every reader."""
        source.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        path.unlink(missing_ok=True)

    def sync(self, directory: Path) -> None:
        """Put the names in a directory on the disk."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, path: Path, data: bytes) -> None:
        """Put a file in the place of whatever is there, for good when this returns."""
        unfinished = path.with_name(path.name + _UNFINISHED)
        try:
            self.create(unfinished, data)
            self.rename(unfinished, path)
        except OSError:
            with contextlib.suppress(OSError):
                self.remove(unfinished)
            raise
        self.sync(path.parent)


def is_unfinished(path: Path) -> bool:
    """Whether a crash left this behind in the middle of `replace`."""
    return path.name.endswith(_UNFINISHED)


def make_private(directory: Path) -> None:
    """Make a directory that only its owner may enter, unless it is there.

    Raises:
        OSError: It cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
