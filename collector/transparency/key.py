"""The collector's signing key: a file of 32 secret bytes that only its owner may read, or a credential of systemd."""

import os
import secrets
from pathlib import Path

from collector.credentials import private_file
from collector.errors import ConfigError
from evidence.keys import SEED_BYTES, SigningKey


def load_or_make(path: Path) -> SigningKey:
    """The key in this file; made where there is none, by whichever of several starting processes is first.

    Raises:
        ConfigError: The file is no key, or others may read it.
        OSError: The state directory cannot be written or read.
    """
    if not path.exists():
        _write(path, secrets.token_bytes(SEED_BYTES))
    return load_key(path)


def load_key(path: Path) -> SigningKey:
    """The key in this file.

    Raises:
        ConfigError: The file is no key, or others may read it.
        OSError: It cannot be read.
    """
    seed = private_file(path).read_bytes()
    if len(seed) != SEED_BYTES:
        raise ConfigError(str(path), "", f"{len(seed)} bytes; expected a key of {SEED_BYTES}; put the right file back")
    return SigningKey(seed)


def copy_key(path: Path, target: Path) -> Path:
    """Copy a key to where none is; what is there stays.

    Raises:
        ConfigError: The file is no key, or another one is there already.
        OSError: It cannot be read or written.
    """
    key = load_key(path)
    _write(target, path.read_bytes())
    if load_key(target) != key:
        raise ConfigError(str(target), "", "another key is there already; it is not overwritten")
    return target


def _write(path: Path, seed: bytes) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(seed)
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
