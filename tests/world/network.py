"""The one network that all tests of a machine share."""

import fcntl
import os
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def the_only_network() -> Iterator[None]:
    """The loopback, for the length of one test: else tests would hear each other's devices.

    The lock is on the folder for temporary files itself, which all users share: a file in it would belong to the first.
    """
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
