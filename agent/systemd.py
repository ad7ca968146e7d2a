"""What the agent says to systemd: readiness, watchdog (sd_notify(3)) and the priority of log lines (sd-daemon(3)).

All of it is silent where systemd is not there.
"""

import contextlib
import logging
import os
import socket
import sys

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


def notify(message: str) -> None:
    """Send one state, such as `READY=1`, to whoever started this service."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with (
        contextlib.suppress(OSError),  # a manager that does not listen must not end the service
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.sendall(message.encode())


def watchdog_s() -> float | None:
    """Seconds after which systemd ends a silent service, None where it does not watch."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(usec) / 1e6 if usec.isdigit() and int(usec) and pid == str(os.getpid()) else None


def log_to_stderr(level: int) -> None:
    """Log lines to stderr: with priorities for the journal, with times for people."""
    handler = logging.StreamHandler(sys.stderr)
    for_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        _JournalFormatter() if for_journal else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        # Each line of a traceback is an entry of its own, and each needs its priority.
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
