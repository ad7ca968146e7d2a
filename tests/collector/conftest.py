"""A register settled once, and copied for each test that asks for one."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.collector.register import Register


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register in which every role is enrolled, a model is on record and two households report a device of it."""

    async def settle(folder: Path) -> None:
        async with Register.opened(folder) as register:
            await register.settle()

    folder = tmp_path_factory.mktemp("settled")
    asyncio.run(settle(folder))
    return folder


@pytest.fixture
async def register(settled: Path, tmp_path: Path) -> AsyncIterator[Register]:
    """A settled register of this test's own."""
    shutil.copytree(settled, tmp_path, dirs_exist_ok=True)
    async with Register.opened(tmp_path) as register:
        yield register
