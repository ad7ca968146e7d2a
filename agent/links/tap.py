"""What came over a link while somebody recorded: kept aside for `read --record`, and by nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Tap:
    """What came.

    Attributes:
        messages: Retained MQTT messages by topic.
        requests: What was asked over MQTT, topic and payload.
        answers: What was answered, topic and payload.
        services: What was told over mDNS: type, name and TXT record.
    """

    messages: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    services: list[tuple[str, str, dict[str, str | None]]] = field(default_factory=list)


_tap: ContextVar[Tap | None] = ContextVar("tap", default=None)


@contextmanager
def tapped() -> Iterator[Tap]:
    """Keep what comes for the length of a block."""
    tap = Tap()
    token = _tap.set(tap)
    try:
        yield tap
    finally:
        _tap.reset(token)


def current() -> Tap:
    """Where to put what comes; what nobody records is forgotten with the caller."""
    return _tap.get() or Tap()
