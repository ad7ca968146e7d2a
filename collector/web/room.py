"""What every handler of this room has at hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.appraisal.policy import Policy
from collector.web.language import Language


@dataclass(frozen=True, kw_only=True)
class Room:
    """The register to read, and what is needed to show it.

    Attributes:
        clock: Unix seconds.
        health: What `/healthz` shows; healthy where its `ok` is true.
        policy: The one in force.
    """

    engine: AsyncEngine
    clock: Callable[[], int]
    health: Callable[[], dict[str, object]]
    policy: Policy
    languages: Mapping[str, Language]

    def now(self) -> datetime:
        """This instant."""
        return datetime.fromtimestamp(self.clock(), UTC)
