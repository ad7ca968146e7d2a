"""Log lines on stderr: with priorities for the journal (sd-daemon(3)), with instants for people."""

import logging
import os
import sys
from typing import Final

from collector.catalogue.instants import to_text

_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
_CHATTY: Final = ("alembic", "uvicorn")


def to_stderr() -> None:
    """From now on, for this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Journal() if "JOURNAL_STREAM" in os.environ else _ForPeople())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class _ForPeople(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  # logging's
        return to_text(int(record.created))


class _Journal(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        # Each line of a traceback is an entry of its own, and each needs its priority.
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
