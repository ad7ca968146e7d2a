"""What a running collector leaves in its state directory, so that commands beside it find it.

The lock says that one runs, and is the kernel's: it goes with the process, however that ends. The file says where.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from collector.errors import RunningError


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Where a collector answers: the page's address, and the broker's as `host:port`."""

    web: str
    broker: str


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the one collector on a state directory, which is made where it is missing.

    Raises:
        RunningError: There is another one.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunningError(f"another collector runs on {path.parent}; end that one first") from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def tell(path: Path, where: Running) -> None:
    """Say where this process answers."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(where))
    draft.replace(path)


def find(path: Path) -> Running | None:
    """Where the running collector answers, None where none runs."""
    try:
        with path.with_suffix(".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return msgspec.json.decode(path.read_bytes(), type=Running) if path.exists() else None
    except FileNotFoundError:
        pass
    return None
