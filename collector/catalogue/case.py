"""A case: all that counts of the devices that are judged as one, in a form that is kept and makes their facts again.

It holds what was read and stated of a device and nothing of the catalogue, so it stays while statements about models
come and go. In its facts every run of equal readings is one report of the first day, the last good reading is of the
judged instant, and so are those that missed it since. What that leaves out, no rule can tell (appraisal/alike.py);
whoever uses a case asks himself when the device was last read, and takes the stale one in time (E1).
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from collector.catalogue.instants import to_text
from collector.catalogue.testimony import fields

Fact = dict[str, Any]
_ENVELOPE: Final = {"kind": "report", "issuer": "gateway:own", "device": "own"}


class Offer(msgspec.Struct, frozen=True):
    """An update that the device or its bridge offered."""

    result: str
    version: str | None = None


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What counts of a reading; of hardware identities it is only which of them are the same."""

    result: str
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: str | None = None
    image_digest: str | None = None
    hardware_revision: int | None = None
    offer: Offer | None = None
    hardware: str | None = None


class Case(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What devices have in common that are judged as one.

    Attributes:
        first: The earliest instant on the local day of the first report, Unix seconds.
        seen: The readings, one for each run in which the device was present, oldest first.
        good: Which of them is the last in which it was read.
        ids: What it called itself there.
        missed: How many reports could not read it since; counted no further than F-silent does.
        stale: Whether it was last read too long ago (E1).
        stated: What was stated of it.
    """

    first: int
    seen: tuple[Seen, ...]
    good: int
    ids: tuple[str, ...]
    missed: int = 0
    stale: bool = False
    stated: tuple[Fact, ...] = ()

    def key(self, policy_digest: str) -> str:
        """What names the case under one policy, in hex."""
        return hashlib.sha256(policy_digest.encode() + encode(self)).hexdigest()

    def facts(self, now: int) -> list[Fact]:
        """The devices' own facts, as of a judged instant, Unix seconds."""
        return [*self._reports(now), *self.stated]

    def _reports(self, now: int) -> Iterator[Fact]:
        read = self.seen[: self.good + 1]
        first, last = to_text(self.first), to_text(self.first if self.stale else now)
        told = [(first, each) for each in read] + [(last, read[-1])]
        since = self.seen[self.good + 1 :]
        told += [(to_text(now), each) for each in (*since, *[since[-1]] * (self.missed - len(since)))] if since else []
        for number, (at, seen) in enumerate(told):
            ids = self.ids if seen.result == "ok" else ()
            said = {**fields(msgspec.to_builtins(seen)), "ids": ids}
            yield {**_ENVELOPE, "id": f"report:{number}", "seq": number, "recorded_at": at, **said}


encode: Final = msgspec.json.Encoder(order="deterministic").encode
decode: Final = msgspec.json.Decoder(Case).decode
