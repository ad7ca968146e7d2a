"""The collector's signing key: a file of 32 secret bytes that only its owner may read."""

import os
import secrets
from pathlib import Path

from collector.errors import ConfigError
from evidence.keys import SEED_BYTES, SigningKey


def load_or_make(path: Path) -> SigningKey:
    """The key in this file; made where there is none, by whichever of several starting processes is first.

    Raises:
        ConfigError: The file is no key, or others may read it.
        OSError: The state directory cannot be written or read.
    """
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise ConfigError(str(path), "", "others may read this key; chmod 600, and think about who has read it")
    seed = path.read_bytes()
    if len(seed) != SEED_BYTES:
        raise ConfigError(str(path), "", f"{len(seed)} bytes; expected a key of {SEED_BYTES}; put the right file back")
    return SigningKey(seed)


def _make(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SEED_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)  # fails where another process was first, so that there is never half a key
        except FileExistsError:
            return
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
