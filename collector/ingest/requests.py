"""What the collector lacks, asked of the gateways: whole inventories, and numbers that never came.

A request is a reminder, never a need: whoever lost it is asked again after his next report. Numbers are asked for when
they have been missing for a while, since what is on its way closes most gaps by itself, and then from time to time.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.store import evidence
from collector.store.database import reading
from collector.transparency.log import Log
from evidence import receipt
from evidence.ids import topic
from evidence.limits import MAX_RANGES
from evidence.receipt import Request

WHOLE_EVERY_S: Final = 30.0
MISSING_AFTER_S: Final = 60.0
MISSING_EVERY_S: Final = 3600.0


class Requests:
    """The reminders of one process; what it forgets when it ends, the next report brings back.

    Args:
        engine: The register.
        log: Whose key signs.
        publish: Sends bytes to a topic.
        monotonic: Seconds that never jump.
        clock: Unix seconds.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        log: Log,
        publish: Callable[[str, bytes], None],
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._log = log
        self._publish = publish
        self._monotonic = monotonic
        self._clock = clock
        self._whole_after: dict[str, float] = {}
        self._missing_at: dict[str, float] = {}
        self._quiet_until: dict[str, float] = {}

    def whole(self, gateways: Iterable[str]) -> None:
        """Ask for whole inventories, each gateway once in a while."""
        now = self._monotonic()
        for gateway in gateways:
            if self._whole_after.get(gateway, now) <= now:
                self._whole_after[gateway] = now + WHOLE_EVERY_S
                self._send(gateway, whole=True)

    def missing(self, gateways: Iterable[str]) -> None:
        """Remember gateways of which numbers may be missing."""
        soon = self._monotonic() + MISSING_AFTER_S
        for gateway in gateways:
            self._missing_at.setdefault(gateway, max(soon, self._quiet_until.get(gateway, soon)))

    async def send_due(self) -> None:
        """Ask for the numbers that are still missing."""
        now = self._monotonic()
        for gateway in [gateway for gateway, at in self._missing_at.items() if at <= now]:
            del self._missing_at[gateway]
            async with reading(self._engine) as connection:
                gaps = await evidence.missing(connection, gateway, MAX_RANGES)
            if gaps:
                self._quiet_until[gateway] = now + MISSING_EVERY_S
                self._send(gateway, missing=tuple(gaps))
        for past in (self._whole_after, self._quiet_until):
            for gateway in [gateway for gateway, until in past.items() if until <= now]:
                del past[gateway]

    def _send(self, gateway: str, *, whole: bool = False, missing: tuple[tuple[int, int], ...] = ()) -> None:
        request = Request(log=self._log.id, gateway=gateway, requested_at=self._clock(), whole=whole, missing=missing)
        self._publish(topic(gateway, "request"), receipt.sign_request(request, self._log.key))
