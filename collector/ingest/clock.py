"""The collector's clock, and when it is not to be believed.

What goes on record under a wrong clock is wrong for good, and a report that seems to come from the future is refused.
So nothing is recorded or judged while the clock is evidently wrong: broker and agents keep what comes meanwhile.

- `behind`: at the start it says an instant before the newest entry of the log. A machine whose clock has no battery
  wakes up in the past, until it has asked somebody.
- `set`: it was set by more than five minutes while the collector ran; CLOCK_BOOTTIME, which nobody sets, tells. Who
  starts afterwards knows from `clock.json`, which holds for one boot of the machine: else a worker that is started
  again would believe what its neighbours doubt.

It is believed as soon as it agrees again, or when it has stayed as it is for ten minutes: then it was put right.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from collector.errors import ClockError, ClockFault
from collector.store.database import reading
from collector.store.statements import newest_recorded_at

STEP_S: Final = 300
"""How far the clock may be moved at once; also how far ahead a report may be issued."""
SETTLED_S: Final = 600
"""How long a clock has to stay as it is to be believed."""


RETOLD_S: Final = 60
"""How far the clock may drift from what `clock.json` says before that is written anew."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Believed(msgspec.Struct, frozen=True, kw_only=True):
    """What was believed last in one boot of the machine: the clock less the seconds since it."""

    boot: str
    offset: float


class Memory:
    """The file in which the processes of one collector tell each other what they believe.

    Args:
        path: Where it is. Nothing is remembered where it cannot be written, or nobody says which boot this is.
        boot_id: Where the machine says which boot this is.
    """

    def __init__(self, path: Path, boot_id: Path = _BOOT_ID) -> None:
        self._path = path
        try:
            self._boot = boot_id.read_text().strip()
        except OSError:
            self._boot = ""

    def load(self) -> float | None:
        """What was believed last since the machine was started, None where nobody knows."""
        try:
            told = msgspec.json.decode(self._path.read_bytes(), type=Believed)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return told.offset if told.boot == self._boot else None

    def save(self, offset: float) -> None:
        """Tell whoever starts after us."""
        if not self._boot:
            return
        draft = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # on a full disk the next start knows less
            draft.write_bytes(msgspec.json.encode(Believed(boot=self._boot, offset=offset)))
            draft.replace(self._path)


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """Gives Unix seconds, as long as they can be believed.

    Args:
        newest: When the newest entry of the log was recorded, Unix seconds.
        memory: What other processes believe.
        wall: The clock.
        steady: Seconds that pass, whatever the clock is set to.
    """

    def __init__(
        self,
        newest: int | None,
        memory: Memory | None = None,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = _since_boot,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._memory = memory
        self._told = memory.load() if memory else None
        self._believed = self._told  # wall less steady, when it was last believed
        self._least = newest or 0
        self._doubted: tuple[float, float] | None = None  # wall less steady, and since when, steady

    @classmethod
    async def of_register(cls, engine: AsyncEngine) -> "Clock":
        """The clock of this machine, which must not be behind the register.

        Raises:
            StoreError: The database does not give what it must.
        """
        async with reading(engine) as connection:
            newest = await newest_recorded_at(connection)
        return cls(newest, Memory(Path(str(engine.url.database)).with_name("clock.json")))

    def __call__(self) -> int:
        """Now.

        Raises:
            ClockError: The clock cannot be believed.
        """
        wall, steady = self._wall(), self._steady()
        offset = wall - steady
        fault = self._fault(wall, offset)
        if fault is not None and not self._has_settled(offset, steady):
            raise fault
        self._believed, self._doubted = offset, None
        if self._memory and (self._told is None or abs(offset - self._told) > RETOLD_S):
            self._memory.save(offset)
            self._told = offset
        return int(wall)

    def _fault(self, wall: float, offset: float) -> ClockError | None:
        if self._believed is None:
            if wall >= self._least - STEP_S:
                return None
            by = f"the clock is {self._least - wall:.0f} s behind the newest entry of the log"
            return ClockError(f"{by}; set it: nothing is recorded before", ClockFault.BEHIND)
        step = offset - self._believed
        if abs(step) <= STEP_S:
            return None
        by = f"the clock was set by {step:+.0f} s while the collector ran"
        return ClockError(
            f"{by}; nothing is recorded until it is back, or has stayed so for ten minutes", ClockFault.SET
        )

    def _has_settled(self, offset: float, steady: float) -> bool:
        if self._doubted is None or abs(offset - self._doubted[0]) > STEP_S:
            self._doubted = offset, steady
        return steady - self._doubted[1] >= SETTLED_S
