"""How long to wait before trying again: twice as long each time up to a bound, and never all at the same moment."""

import random
from collections.abc import Iterator


def delays(first_s: float, last_s: float) -> Iterator[float]:
    """Seconds to wait, without end: each between half of the present limit and the whole."""
    limit = first_s
    while True:
        yield random.uniform(limit / 2, limit)  # noqa: S311  # no secret, only jitter
        limit = min(last_s, 2 * limit)
