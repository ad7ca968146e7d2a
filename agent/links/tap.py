"""What came over a link while somebody recorded: kept aside for `read --record`, and by nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

MAX_HEARD_BYTES = 64 * 1024  # of one answer; a telegram has 4 KiB


@dataclass
class Exchange:
    """What was sent over a line, and all that came until something was sent again.

    Attributes:
        asked: What was sent; empty for what comes unasked.
        heard: What came.
    """

    asked: bytes
    heard: bytes = b""


@dataclass
class Tap:
    """What came.

    Attributes:
        messages: Retained MQTT messages by topic.
        requests: What was asked over MQTT, topic and payload.
        answers: What was answered, topic and payload.
        services: What was told over mDNS: type, name and TXT record.
        exchanges: What was said on a serial line or a Modbus.
    """

    messages: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    services: list[tuple[str, str, dict[str, str | None]]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def sent(self, data: bytes) -> None:
        """Take note of what was sent over a line."""
        self.exchanges.append(Exchange(data))

    def heard(self, data: bytes) -> None:
        """Take note of what came over a line."""
        if not self.exchanges:
            self.exchanges.append(Exchange(b""))
        exchange = self.exchanges[-1]
        exchange.heard = (exchange.heard + data)[:MAX_HEARD_BYTES]


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
