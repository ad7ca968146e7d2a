"""Who speaks when a file is imported: its feed, under a key that this register keeps for it, or whoever has a key.

A feed is made a party, `third_party:<feed>`, the first time that a file of it is imported. Its key lies beside the
register and proves only that the statement was made here: what proves where it came from is the digest of the file.
"""

from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.errors import ConfigError, NotFoundError
from collector.store import parties, statements
from collector.transparency.key import load_or_make
from evidence.keys import SigningKey


def private_key(path: Path) -> SigningKey:
    """The key in a file, as `updateplicht-evidence keygen` makes it.

    Raises:
        ConfigError: There is no file, it is no key, or others may read it.
    """
    if not path.is_file():
        raise ConfigError(str(path), "", "no such key; `updateplicht-evidence keygen` makes one")
    return load_or_make(path)


class Signer(msgspec.Struct, frozen=True):
    """A party and its key."""

    party: str
    key: SigningKey


class Signers:
    """The signers of one import.

    Args:
        folder: Where the keys of feeds are kept.
        own: Signs everything in place of the feeds.
        operator: Signs what a feed may not say: which models there are.
    """

    def __init__(self, folder: Path, own: SigningKey | None = None, operator: SigningKey | None = None) -> None:
        self._folder = folder
        self._own = own
        self._operator = operator or own
        self._known: dict[str, Signer] = {}

    async def of_feed(self, connection: AsyncConnection, feed: str, *, now: int) -> Signer:
        """Who speaks for a feed.

        Raises:
            ConfigError: The feed's key is no key, or others may read it.
            ConflictError: The feed's key is another party's.
            NotFoundError: Nobody was enrolled with the key that was given.
        """
        if self._own is not None:
            return await self._enrolled(connection, self._own)
        if feed not in self._known:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            signer = Signer(f"third_party:{feed}", load_or_make(self._folder / f"{feed}.key"))
            await parties.enrol(connection, signer.party, signer.key.public, at=now)
            self._known[feed] = signer
        return self._known[feed]

    async def of_models(self, connection: AsyncConnection) -> Signer | None:
        """Who says which models there are; None where nobody who may is here.

        Raises:
            NotFoundError: Nobody was enrolled with the key that was given.
        """
        return None if self._operator is None else await self._enrolled(connection, self._operator)

    async def _enrolled(self, connection: AsyncConnection, key: SigningKey) -> Signer:
        key_id = key.public.id.hex()
        if key_id not in self._known:
            found = await statements.issuer_key(connection, key_id)
            if found is None:
                raise NotFoundError(f"nobody was enrolled with key {key_id}; `issuers enrol` does that")
            self._known[key_id] = Signer(found.issuer, key)
        return self._known[key_id]
