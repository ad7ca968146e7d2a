"""How the ingest fares: one visible state each for broker, store and clock, and since when."""

from collections.abc import Callable
from typing import Final

import msgspec

from collector.catalogue.instants import to_text

OK: Final = "ok"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one part: `ok`, or a stable word for what is wrong with it."""

    state: str
    since: int
    detail: str | None = None


class Health:
    """What works and what does not, for whoever asks; made when the store is open and the broker not yet found.

    Args:
        clock: Unix seconds.
        tell: Called with part, state and detail of what is news.
    """

    def __init__(
        self, clock: Callable[[], int], tell: Callable[[str, str, str | None], None] = lambda *_: None
    ) -> None:
        self._clock = clock
        self._tell = tell
        now = clock()
        well = State(state=OK, since=now)
        self._parts = {"broker": State(state="starting", since=now), "store": well, "clock": well}

    def set(self, part: str, state: str, detail: str | None = None) -> bool:
        """Say how a part fares; True where that is news."""
        old = self._parts[part]
        if (old.state, old.detail) == (state, detail):
            return False
        since = old.since if old.state == state else self._clock()
        self._parts[part] = State(state=state, since=since, detail=detail)
        self._tell(part, state, detail)
        return True

    def report(self) -> dict[str, object]:
        """Every part, and whether all are well."""
        parts: dict[str, object] = {
            name: {**msgspec.to_builtins(state), "since": to_text(state.since)} for name, state in self._parts.items()
        }
        return {"ok": all(state.state == OK for state in self._parts.values()), **parts}
