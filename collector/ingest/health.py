"""How the ingest fares: one visible state each for the broker and the store, and since when."""

from collections.abc import Callable
from typing import Final

import msgspec

OK: Final = "ok"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one part: `ok`, or a stable word for what is wrong with it."""

    state: str
    since: int
    detail: str | None = None


class Health:
    """What works and what does not, for whoever asks.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        start = State(state="starting", since=clock())
        self._parts: dict[str, State] = {"broker": start, "store": start}

    def set(self, part: str, state: str, detail: str | None = None) -> bool:
        """Say how a part fares; True where that is news."""
        old = self._parts[part]
        if old.state == state:
            return False
        self._parts[part] = State(state=state, since=self._clock(), detail=detail)
        return True

    def report(self) -> dict[str, object]:
        """Every part, and whether all are well."""
        parts: dict[str, object] = {name: msgspec.to_builtins(state) for name, state in self._parts.items()}
        return {"ok": all(state.state == OK for state in self._parts.values()), **parts}
