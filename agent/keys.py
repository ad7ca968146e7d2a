"""Who this gateway is: three files in the state directory, made once, readable by their owner only.

- `device.secret`: 32 bytes that turn hardware identities into device ids; never sent.
- `gateway.id`: 32 hex digits, kept for life.
- `agent.key`: the 32 byte seed of the Ed25519 key, written last.
- `agent.keys.json`: the public keys before it, once it was replaced (`rotation.py`), and what ended each.

The key may be a credential of systemd instead (`LoadCredential=agent.key:…`); then it is never written here.

Nothing can be signed before `agent.key` is there, so one that is missing beside the other two is a first start that was
cut off, and is finished. Once anything was signed, a missing or damaged file is an error: a new identity would be a new
gateway, whose past nobody could prove.
"""

import fcntl
import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agent.credentials import credential, private_file
from agent.disk import Disk, make_private
from agent.errors import StateError
from evidence.ids import ID_BYTES, is_id
from evidence.keys import SEED_BYTES, SigningKey

KEY_FILE, SECRET_FILE, GATEWAY_FILE = "agent.key", "device.secret", "gateway.id"
EARLIER_FILE = "agent.keys.json"
_SIGNED = ("state.json", "enrolment.json", "enrolment.pending.json")
_SECRET_BYTES = 32


class EarlierKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that this gateway signed with before; `succession` is the digest of the statement that ended it, hex."""

    key: str
    succession: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What makes this gateway itself.

    Attributes:
        gateway: Gateway id, 32 hex digits.
        key: Signs everything that leaves.
        secret: Turns hardware identities into device ids.
        earlier: The keys before this one, the first one first.
    """

    gateway: str
    key: SigningKey
    secret: bytes
    earlier: tuple[EarlierKey, ...] = ()

    def __repr__(self) -> str:
        """The gateway id, never the secrets."""
        return f"Identity({self.gateway})"


def draw() -> Identity:
    """A new identity, in memory only."""
    return Identity(
        gateway=secrets.token_hex(ID_BYTES),
        key=SigningKey(secrets.token_bytes(SEED_BYTES)),
        secret=secrets.token_bytes(_SECRET_BYTES),
    )


def load(state_dir: Path) -> Identity | None:
    """The identity that was made here, or None where none was.

    Raises:
        StateError: A file of it is missing, damaged or not ours to read.
        CredentialError: Others may read a secret.
    """
    try:
        last = state_dir / (KEY_FILE if credential(KEY_FILE) is None else GATEWAY_FILE)
        if not last.exists():
            _check_nothing_signed(last)
            return None
        return Identity(
            gateway=_gateway(state_dir / GATEWAY_FILE),
            key=SigningKey(_exactly(_key_file(state_dir), SEED_BYTES)),
            secret=_exactly(state_dir / SECRET_FILE, _SECRET_BYTES),
            earlier=earlier(state_dir),
        )
    except PermissionError as error:
        raise StateError(f"{error.filename}: not readable for this user; run as the owner of {state_dir}") from error
    except FileNotFoundError as error:
        raise StateError(f"{error.filename} is missing; {_ADVICE.format(state_dir)}") from error


def earlier(state_dir: Path) -> tuple[EarlierKey, ...]:
    """The keys that this gateway signed with before, the first one first.

    Raises:
        StateError: The file is damaged.
    """
    path = state_dir / EARLIER_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[EarlierKey, ...])
    except FileNotFoundError:
        return ()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is damaged ({error}); {_ADVICE.format(state_dir)}") from error


def load_or_create(state_dir: Path) -> Identity:
    """The identity of this gateway, made now if this is the first start.

    Raises:
        StateError: As `load`, or the directory cannot be written or belongs to another user.
    """
    try:
        make_private(state_dir)
        _check_owner(state_dir)
        with _alone(state_dir):
            identity = load(state_dir)
            if identity is not None:
                return identity
            _create(state_dir)
    except OSError as error:
        raise StateError(f"{error.filename or state_dir}: {error.strerror}; state_dir must be writable") from error
    return load_or_create(state_dir)


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """So that a service and a command that start at once make one gateway and not two."""
    descriptor = os.open(state_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create(state_dir: Path) -> None:
    disk, new = Disk(), draw()
    for name, data in ((SECRET_FILE, new.secret), (GATEWAY_FILE, new.gateway.encode() + b"\n")):
        if not (state_dir / name).exists():
            disk.replace(state_dir / name, data)
    if credential(KEY_FILE) is None:
        disk.replace(state_dir / KEY_FILE, new.key.seed)


_ADVICE = (
    "restore it from a backup, or empty {} to begin as a new gateway "
    "(the old one's evidence stays valid, but nothing can be added to it)"
)


def _check_nothing_signed(missing: Path) -> None:
    if any((missing.parent / name).exists() for name in _SIGNED):
        raise StateError(
            f"{missing} is missing; {_ADVICE.format(missing.parent)}. "
            f"Where the service has it as a credential, run this with CREDENTIALS_DIRECTORY too"
        )


def _key_file(state_dir: Path) -> Path:
    given, own = credential(KEY_FILE), state_dir / KEY_FILE
    if given is not None and own.exists() and own.read_bytes() != given.read_bytes():
        raise StateError(f"{own} and the credential {KEY_FILE} are two keys; remove the one that is not this gateway's")
    return given or own


def _check_owner(state_dir: Path) -> None:
    owner = state_dir.stat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    raise StateError(
        f"{state_dir} belongs to user {name}; run this as that user: sudo -u {name} updateplicht-agent ..."
    )


def _exactly(path: Path, size: int) -> bytes:
    data = path.read_bytes()
    private_file(path)
    if len(data) != size:
        raise StateError(f"{path} is damaged: {len(data)} bytes, not {size}; {_ADVICE.format(path.parent)}")
    return data


def _gateway(path: Path) -> str:
    text = path.read_bytes().decode("ascii", errors="replace").strip()
    if not is_id(text):
        raise StateError(f"{path} is damaged: no 32 hex digits; {_ADVICE.format(path.parent)}")
    return text
