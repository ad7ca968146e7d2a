"""What a reader is: a module in this folder with `Settings`, `LIMIT_S` and `read`.

    class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True): ...
    LIMIT_S = 10.0                                      # seconds one call of read may take
    async def read(settings: Settings) -> Sequence[Reading | ReadFailure]: ...

    LISTS = False                                       # only where it hears who speaks, and has no list of devices
    DISTANCE = 1                                        # only where others tell it: `Reading.distance`
    def redacted(settings: Settings, asked: bytes, heard: bytes) -> bytes: ...      # only of lines: `LineReader`

A reader returns a reading or a failure for each device it knows of. It raises LinkError only where it cannot tell which
devices it would have read: the survey then puts a failure on those that it read before, as it does on each one that a
reader which lists nobody does not hear again: silence is not absence. Libraries that only one reader
needs are imported by that reader's link, so that they load only when the reader was chosen. Parsing is a pure function
apart from the link, so that a recorded payload can be parsed without a device.

What is here stays in the house: identities and names are for the household's eyes. The reporter turns identities into
device ids and drops the names.
"""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import msgspec

from agent.errors import LinkError
from evidence.report import Offer, Result


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One device, as one source shows it.

    Attributes:
        identity: Normalised hardware identity, equal for one device whatever source shows it: `ieee:` 16 hex digits,
            `mac:` 12 hex digits, `serial:maker/number`, `machine:part` for the gateway itself, else `link:name/unit`.
        name: What the household calls it; never sent.
        distance: How far the source is from the device: 0 the device itself, 1 the bridge that speaks its protocol,
            2 somebody who was told. The nearest wins where several show one device.
        ids: Model ids (`evidence.ids.model_id`).
        version_raw: As read, NULs and outer blanks off; None where the device states none.
        version_alt: A second version, where the wire has one.
        scheme: Only where the wire itself defines how versions compare.
        image_digest: Digest of the running image.
        hardware: Hardware identity behind the address (a serial number), hashed before it is sent.
        hardware_revision: As a number.
        offer: An update on offer, newer or not.
        offer_state: The source's own word for what has become of the offer; never sent.
    """

    identity: str
    name: str | None = None
    distance: int = 0
    ids: tuple[str, ...] = ()
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: str | None = None
    image_digest: bytes | None = None
    hardware: str | None = None
    hardware_revision: int | None = None
    offer: Offer | None = None
    offer_state: str | None = None


class ReadFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A device that gave no reading.

    Attributes:
        identity: As in a reading.
        distance: As in a reading: the nearest failure counts, and it counts for more than a reading that is hearsay.
        result: `unreachable` (silence), `refused` (it said no), `parse_failed` (it spoke, and made no sense).
        reason: A stable word for why: `timeout`, `busy`, `closed`, `no_such_port`, `crc`, `exception_1`, `garbled`, ...
        detail: What happened, for the household; never sent.
        name: What the household calls it; never sent.
        hides: A list of devices is what could not be read: those that were known and are not heard share the failure.
    """

    identity: str
    distance: int = 0
    result: Result
    reason: str
    detail: str = ""
    name: str | None = None
    hides: bool = False

    @classmethod
    def of(cls, identity: str, error: LinkError, **more: Any) -> Self:
        """The failure of a device that a link error tells of; `more` are the other attributes."""
        return cls(identity=identity, result=error.result, reason=error.reason, detail=str(error), **more)


class Reader(Protocol):
    """The module of a reader."""

    Settings: type[Any]
    LIMIT_S: float

    async def read(self, settings: Any) -> Sequence[Reading | ReadFailure]:
        """Read every device that these settings lead to."""


class LineReader(Reader, Protocol):
    """The module of a reader of lines."""

    def redacted(self, settings: Any, asked: bytes, heard: bytes) -> bytes:
        """What was heard after a request, of which only what `read` needs is left.

        Raises:
            LinkError: It is not understood.
        """


__all__ = ["LineReader", "ReadFailure", "Reader", "Reading"]
