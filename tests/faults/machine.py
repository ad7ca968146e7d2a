"""What a process takes for given, and a test can take away: the time of day, and room on the disk.

- The clock is libfaketime's, read anew at each look from a file of ours. The monotonic clock is left alone, else
  whatever waits on a thread with a time limit would wait for ever. The library's repair of such waits is switched off:
  it makes Python's threads spin for the interpreter's lock. File times are not touched.
- The disk is a tmpfs of its own under one directory. It is full when a file of ours takes what is left. Mounting needs
  a mount namespace of ours: as root, or as the root of a user namespace where the machine allows one. Whatever becomes
  of us, the mounts go with the last process of the namespace.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_ATTEMPTS = 20


class Clock:
    """The time of day of some processes, as far as it is wrong."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self._library = library
        self.jump(0)

    def environment(self) -> dict[str, str]:
        """What a process must be started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }

    def jump(self, years: int) -> None:
        """Be so many years ahead of the true time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{years:+d}y\n")
        new.replace(self._file)


def find_libfaketime() -> Path | None:
    """The library, None where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return found[0] if found else None


class Disk:
    """A small disk mounted over a directory."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self._filler = directory / "filler"
        directory.mkdir(parents=True, mode=0o700)
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(directory))

    def fill(self, room: int) -> None:
        """Let so many bytes of room be left."""
        for _ in range(_ATTEMPTS):
            found = os.statvfs(self.directory)
            try:
                with self._filler.open("wb") as file:
                    return os.posix_fallocate(file.fileno(), 0, max(1, found.f_bavail * found.f_frsize - room))
            except OSError:
                continue  # somebody has written since we looked
        raise OSError(f"{self.directory} cannot be filled")

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Leave what it holds in the directory, where it outlives us."""
        copy = self.directory.with_suffix(".copy")
        shutil.copytree(self.directory, copy)
        _run("umount", "--lazy", str(self.directory))
        self.directory.rmdir()
        copy.rename(self.directory)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def namespace() -> list[str] | None:
    """The command that starts a program where it may mount disks; None where this machine allows that to nobody."""
    if shutil.which("unshare") is None:
        return None
    for flags in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        command = ["unshare", *flags, "--propagation", "private"]
        with tempfile.TemporaryDirectory() as directory:
            probe = [*command, "mount", "-t", "tmpfs", "tmpfs", directory]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return command
    return None
