"""The one network that all tests of a machine share."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def the_only_network() -> Iterator[None]:
    """The loopback, for the length of one test: else tests would hear each other's devices."""
    with (Path(tempfile.gettempdir()) / "updateplicht-mdns.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
