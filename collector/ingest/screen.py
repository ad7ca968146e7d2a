"""What can be found out about messages beside the database: their form, their signer, what a report claims.

This is where the time goes, so it works on many messages at a time, in a thread: libsodium lets the others run. A
message on which our own code fails is set aside as `internal` and disturbs no other.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from collector.errors import RejectedError
from collector.ingest import enrolment, verify
from collector.ingest.inbox import Arrival
from collector.ingest.verify import REPORT, Message
from collector.store.bodies import signature_of
from collector.store.gateways import EnrolledKey
from evidence.enrolment import Enrolment
from evidence.report import Outline

INTERNAL: Final = "internal"
log = logging.getLogger(__name__)


class Screened(msgspec.Struct, frozen=True):
    """A message and what was found out about it.

    Attributes:
        arrival: As it came.
        message: Where its form is right.
        claims: A report's, after its signature was checked; an enrolment's.
        signature: A report's, where its row can say all the rest.
        ends: The key that its key replaces from this report on.
        held: Nobody knows its key yet.
        fault: Why it is not accepted.
    """

    arrival: Arrival
    message: Message | None = None
    claims: Outline | Enrolment | None = None
    signature: bytes | None = None
    ends: str | None = None
    held: bool = False
    fault: RejectedError | None = None


def open_all(arrivals: Sequence[Arrival]) -> list[Screened]:
    """Steps 0 to 2 of the verification."""
    return [_guarded(_open, Screened(arrival)) for arrival in arrivals]


def authenticate_all(opened: Sequence[Screened], keys: Mapping[str, EnrolledKey], now: int) -> list[Screened]:
    """Steps 3 to 5 for reports and enrolments. Other statements under a known key are for the catalogue's door."""

    def authenticate(item: Screened) -> Screened:
        return item if item.message is None else _authenticate(item, item.message, keys, now)

    return [_guarded(authenticate, item) for item in opened]


def internal(error: Exception, item: Screened) -> Screened:
    """Set aside a message on which our own code failed, with the traceback in the log."""
    log.error("a message on %.200r could not be handled; it is kept as internal", item.arrival.topic, exc_info=error)
    return replace(item, fault=RejectedError(INTERNAL, f"{type(error).__name__}; see the collector's log"))


def _guarded(step: Callable[[Screened], Screened], item: Screened) -> Screened:
    try:
        return step(item)
    except RejectedError as error:
        return replace(item, fault=error)
    except Exception as error:  # noqa: BLE001  # whatever a poisoned message does to us, the next one is not to feel it
        return internal(error, item)


def _open(item: Screened) -> Screened:
    return replace(item, message=verify.open_message(item.arrival.topic, item.arrival.payload))


def _authenticate(item: Screened, message: Message, keys: Mapping[str, EnrolledKey], now: int) -> Screened:
    if message.leaf_topic == REPORT:
        claims = verify.authenticate(message, keys, now)
        if claims is None:
            return replace(item, held=True)
        short = signature_of(message.body, message.envelope, claims)
        return replace(item, claims=claims, signature=short, ends=keys[message.key_id].replaces)
    if enrolment.is_enrolment(message):
        return replace(item, claims=enrolment.open_enrolment(message))
    return replace(item, held=message.key_id not in keys)
