"""Spools for tests, and a disk that is as small as a test says."""

import contextlib
import errno
import os
from pathlib import Path

from agent.disk import Disk
from agent.spool import Spool

DAY_S = 86_400


class SmallDisk(Disk):
    """A disk with so much room for files, in bytes."""

    def __init__(self, directory: Path, room: int) -> None:
        self.room = room
        self._directory = directory

    def create(self, path: Path, data: bytes) -> None:
        """Write, if there is room."""
        used = sum(file.stat().st_size for file in self._directory.rglob("*") if file.is_file())
        if used + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        super().create(path, data)


def open_spool(directory: Path, *, blocks: int = 1000, days: int = 365, disk: Disk | None = None) -> Spool:
    """A spool of so many blocks and days."""
    return Spool(directory, max_bytes=blocks * 4096, max_age_s=days * DAY_S, disk=disk)


def fill_up(directory: Path) -> None:
    """Leave no room in the file system of this directory; `log` holds it."""
    with contextlib.suppress(OSError), (directory / "log").open("ab", buffering=0) as log:
        while True:
            log.write(bytes(4096))


def shrink(directory: Path, room: int) -> None:
    """Give so many bytes of it back."""
    log = directory / "log"
    os.truncate(log, max(0, log.stat().st_size - room))
