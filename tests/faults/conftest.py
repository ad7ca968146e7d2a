"""Wires spoil what passes for a time; it does not run while the machine keeps everybody waiting."""

from tests.world.clock import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
