"""Telling the operator's log of rejections: the first at once, then what came in each minute, in one line.

All of them are kept and counted in the register; a flood of junk must not become a flood of log lines.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

PERIOD_S: Final = 60.0

logger = logging.getLogger(__name__)


class Tally:
    """Counts reasons until they are told.

    Args:
        monotonic: Seconds of a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._reasons: Counter[str] = Counter()
        self._again_at = 0.0

    def add(self, reasons: Iterable[str]) -> None:
        """Count rejections."""
        self._reasons.update(reasons)

    def tell(self) -> None:
        """Write a line where there is something to tell and the last one is old enough."""
        now = self._monotonic()
        if not self._reasons or now < self._again_at:
            return
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(self._reasons.items()))
        logger.warning("rejected: %s; /rejected shows them", counts)
        self._reasons.clear()
        self._again_at = now + PERIOD_S
