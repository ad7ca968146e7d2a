"""A furnished town, made once and copied for each test that looks at it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.collector.fleets.town import furnish
from tests.collector.register import Register


@pytest.fixture(scope="session")
def furnished_town(tmp_path_factory: pytest.TempPathFactory, settled: Path) -> Path:
    """The folder of a register in which thirty homes were counted."""
    folder = tmp_path_factory.mktemp("town")
    shutil.copytree(settled, folder, dirs_exist_ok=True)

    async def make() -> None:
        async with Register.opened(folder) as register:
            await furnish(register)

    asyncio.run(make())
    return folder
