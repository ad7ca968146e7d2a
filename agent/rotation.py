"""Replacing the gateway's key: the old one signs the new one, and signs on until the collector has said yes.

- The new key lies beside the old one as `agent.key.next` until the receipt of the succession is on the disk; then one
  rename makes it `agent.key`. Whatever dies in between, one of the two is there and valid.
- What states something under the old key is answered first: a statement has no number that shows when it was signed.
- Refused, the new key is removed, and the old one goes on as if nothing had been.
"""

import contextlib
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec

from agent.credentials import credential
from agent.disk import Disk
from agent.enrolment import Enrolment
from agent.errors import SpoolError, StateError
from agent.keys import EARLIER_FILE, KEY_FILE, EarlierKey, Identity
from agent.publisher import Connect, Session
from agent.spool import Kind, Spool
from agent.stated import Stated, stated
from evidence.errors import EvidenceError
from evidence.keys import SEED_BYTES, SigningKey
from evidence.succession import KIND, sign_succession

NEXT_FILE = "agent.key.next"
log = logging.getLogger(__name__)


def draw(state_dir: Path, identity: Identity, now: int) -> tuple[SigningKey, bytes]:
    """The next key, in memory only, and the succession that the present one signs.

    Raises:
        StateError: The key is not ours to replace, or a succession is on its way.
    """
    if credential(KEY_FILE) is not None:
        raise StateError(
            f"the key is a credential of systemd, which this agent cannot write: put it into {state_dir / KEY_FILE} "
            "(mode 600), take it out of the unit, rotate, and hand over the new one"
        )
    new = _next(state_dir)  # of a command that was cut off before it had signed
    if new is not None and _signed(state_dir, identity, new):
        raise StateError("a succession is on its way already; `updateplicht-agent status` shows it")
    new = new or SigningKey(secrets.token_bytes(SEED_BYTES))
    asserted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return new, sign_succession(gateway=identity.gateway, old=identity.key, new=new, asserted_at=asserted_at)


def begin(state_dir: Path, spool: Spool, new: SigningKey, data: bytes, now: int) -> str:
    """Keep the next key, then let the succession go on its way; its digest.

    Raises:
        StateError: The key cannot be kept.
        SpoolError: There is no room.
    """
    path = state_dir / NEXT_FILE
    try:
        Disk().replace(path, new.seed)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error
    spool.put(Kind.STATEMENT, data, now=now)
    return hashlib.sha256(data).hexdigest()


def is_under_way(state_dir: Path) -> bool:
    """Whether a new key waits for the collector's word."""
    return (state_dir / NEXT_FILE).exists()


def settle(state_dir: Path, spool: Spool, identity: Identity) -> bool:
    """Sign with the new key from now on if the collector has accepted it; forget it if it was refused.

    Returns:
        Whether the key has changed.

    Raises:
        StateError: The files cannot be read or changed.
        SpoolError: The spool cannot be read.
    """
    new = _next(state_dir)
    signed = _signed(state_dir, identity, new) if new is not None else []
    if not signed or any(entry.leaf == "statement" for entry in spool.entries()):
        return False
    accepted = [one for one in signed if not one.refused]
    disk, path = Disk(), state_dir / NEXT_FILE
    try:
        if accepted:
            last = EarlierKey(key=identity.key.public.data.hex(), succession=accepted[-1].digest)
            before = [one for one in identity.earlier if one != last]
            disk.replace(state_dir / EARLIER_FILE, msgspec.json.encode([*before, last]))
            disk.rename(path, state_dir / KEY_FILE)
        else:
            disk.remove(path)
        disk.sync(state_dir)
    except OSError as error:
        raise StateError(f"{error.filename or path} cannot be changed: {error.strerror}") from error
    log.log(logging.INFO if accepted else logging.WARNING, "key_replaced accepted=%s", bool(accepted))
    return bool(accepted)


def introduced(connect: Connect, spool: Spool, identity: Identity, clock: Callable[[], int]) -> Connect:
    """A way to connect that says again in each session how this gateway came to its key.

    A collector that was put back to before a succession answers nothing under a key that it does not know, so it could
    not be found out either. To any other it is a message that it has. It goes through the spool, since who must hear it
    may come back to the broker after us.
    """

    @contextlib.asynccontextmanager
    async def open_session(enrolment: Enrolment, gateway: str) -> AsyncIterator[Session]:
        async with connect(enrolment, gateway) as session:
            with contextlib.suppress(SpoolError):  # no room: the next session says it
                for data in _successions(spool, identity):
                    spool.put(Kind.STATEMENT, data, now=clock())
            yield session

    return open_session


def _successions(spool: Spool, identity: Identity) -> Iterator[bytes]:
    """Those that were answered and do not wait."""
    if not identity.earlier:
        return
    waiting = {entry.digest for entry in spool.entries()}
    kept = {item.digest: item for item in spool.kept.answered() if item.leaf == "statement"}
    for digest in (earlier.succession for earlier in identity.earlier):
        data = spool.kept.read(kept[digest]) if digest in kept and digest not in waiting else None
        if data is not None:
            yield data


def _next(state_dir: Path) -> SigningKey | None:
    path = state_dir / NEXT_FILE
    try:
        return SigningKey(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, EvidenceError) as error:
        raise StateError(f"{path} is damaged ({error}); remove it: the present key goes on") from error


def _signed(state_dir: Path, identity: Identity, new: SigningKey) -> list[Stated]:
    """The successions that name this key, waiting or answered."""
    named = new.public.data.hex()
    return [one for one in stated(state_dir, identity) if one.kind == KIND and one.fields.get("key") == named]
