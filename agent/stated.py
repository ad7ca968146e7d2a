"""What this household has stated: its signed statements, found again in what waits and in what was answered.

The messages themselves are the record, so no file of ours can disagree with them. A statement *stands* when the
collector did not refuse it and no later one corrects it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from agent.archive import answered, read
from agent.keys import Identity
from agent.spool import KEPT, REFUSED, Kind, waiting
from evidence import cose, statement
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.limits import MAX_STATEMENT_BYTES
from evidence.statement import Statement


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """A statement under this gateway's key; `digest` is its id, SHA-256 of its bytes in hex."""

    digest: str
    kind: str
    asserted_at: str
    fields: Mapping[str, Any]
    refused: bool

    @property
    def content(self) -> dict[str, Any]:
        """What it says, whatever it corrects."""
        return {name: value for name, value in self.fields.items() if name != "corrects"}


def sign(kind: str, fields: Mapping[str, Any], identity: Identity, now: int) -> bytes:
    """A statement under this gateway's key.

    Raises:
        EvidenceError: A field that no statement can hold.
    """
    asserted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return statement.sign(Statement(kind=kind, asserted_at=asserted_at, fields=fields), identity.key)


def stated(state_dir: Path, identity: Identity) -> list[Stated]:
    """All statements that this gateway has signed, in the order of their instants; looks and touches nothing."""
    # The spool first: a message moves from there to the answered ones, never back.
    found = {one.digest: one for one in (*_waiting(state_dir, identity), *_answered(state_dir, identity))}
    return sorted(found.values(), key=lambda one: (one.asserted_at, one.digest))


def standing(every: Sequence[Stated], kind: str, device: str) -> list[Stated]:
    """Those of one kind about one device that stand."""
    held = [one for one in every if not one.refused and one.kind == kind and one.fields.get("device") == device]
    corrected = {one.fields.get("corrects") for one in held}
    return [one for one in held if one.digest not in corrected]


def _waiting(state_dir: Path, identity: Identity) -> Iterator[Stated]:
    for entry in waiting(state_dir):
        data = read(entry.path, entry.digest) if entry.kind is Kind.STATEMENT else None
        if data is not None:
            yield from _opened(data, entry.digest, identity, refused=False)


def _answered(state_dir: Path, identity: Identity) -> Iterator[Stated]:
    for folder in (KEPT, REFUSED):
        for item in answered(state_dir / folder):
            data = read(item.path, item.digest) if item.leaf == "statement" else None
            if data is not None:
                yield from _opened(data, item.digest, identity, refused=folder == REFUSED)


def _opened(data: bytes, digest: str, identity: Identity, *, refused: bool) -> Iterator[Stated]:
    keys = {key.id: key for key in (identity.key.public, *(PublicKey(bytes.fromhex(e.key)) for e in identity.earlier))}
    try:
        envelope = cose.parse(data, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES)
        said = statement.decode(envelope.verify(keys[envelope.key_id]))
    except (EvidenceError, KeyError):
        return  # of another gateway, which was here before: what it stated cannot be corrected with our key
    yield Stated(digest=digest, kind=said.kind, asserted_at=said.asserted_at, fields=said.fields, refused=refused)
