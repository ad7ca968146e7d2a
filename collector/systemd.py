"""What the collector says to systemd (sd_notify(3)): that it is ready and that it ends. Silent where systemd is not."""

import contextlib
import os
import socket


def notify(message: str) -> None:
    """Send one state, such as `READY=1`, to whoever started this service."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with (
        contextlib.suppress(OSError),  # a manager that does not listen must not end the service
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
    ):
        sender.sendto(message.encode(), "\0" + address[1:] if address.startswith("@") else address)
