"""What is answered after the commit: receipts and refusals, each to its gateway's receipt topic."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from collector.ingest import enrolment
from collector.ingest.settle import Settled
from evidence.ids import topic
from evidence.keys import SigningKey
from evidence.receipt import sign_refusal

STRANGERS_PER_MINUTE: Final = 60

logger = logging.getLogger(__name__)


class Answers:
    """Makes answers; one per message, but to strangers no more than so many a minute.

    Whoever enrols brings a key of his own, so anybody can make well signed enrolments that must be refused.

    Args:
        key: The collector's.
        monotonic: Seconds that never jump.
    """

    def __init__(self, key: SigningKey, monotonic: Callable[[], float]) -> None:
        self._key = key
        self._monotonic = monotonic
        self._minute = monotonic()
        self._strangers = 0

    def of(self, settled: Settled) -> list[tuple[str, bytes]]:
        """Topic and bytes of each answer to a batch that is committed."""
        answers: list[tuple[str, bytes]] = []
        for gateway, make in self._due(settled):
            try:
                answers.append((topic(gateway, "receipt"), make()))
            except Exception:
                # Our own fault: the message is stored, its sender asks again, and the others get their answers.
                logger.exception("an answer to gateway %s could not be made", gateway)
        return answers

    def _due(self, settled: Settled) -> Iterator[tuple[str, Callable[[], bytes]]]:
        for gateway, digest in settled.receipts:
            yield gateway, partial(settled.batch.receipt, digest)
        for refusal in settled.refusals:
            if refusal.reason != enrolment.REASON or self._has_room():
                yield refusal.gateway, partial(sign_refusal, refusal, self._key)

    def _has_room(self) -> bool:
        now = self._monotonic()
        if now - self._minute >= 60:
            self._minute, self._strangers = now, 0
        self._strangers += 1
        return self._strangers <= STRANGERS_PER_MINUTE
