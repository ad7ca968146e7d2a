"""A register into which files are imported at instants that a test chooses."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.catalogue.importing import files
from collector.catalogue.importing.models import ModelMap
from collector.catalogue.importing.recording import Recorder
from collector.catalogue.importing.signers import Signers
from collector.store.imports import Skip
from collector.store.schema import statements
from evidence.keys import SigningKey
from tests.collector.register import NOW, Register


class Importing:
    """Imports files into one register."""

    def __init__(self, register: Register, folder: Path) -> None:
        self.register = register
        self.folder = folder
        self.now = NOW
        self.listed: list[Skip] = []

    def recorder(
        self,
        *,
        own: SigningKey | None = None,
        operator: SigningKey | None = None,
        as_of: str | None = None,
    ) -> Recorder:
        """What records, as the command has it."""
        return Recorder(
            self.register.engine,
            self.register.log,
            signers=Signers(self.folder / "feeds", own, operator),
            clock=lambda: self.now,
            as_of=as_of,
        )

    async def take(self, format_: str, *paths: Path, models: ModelMap | None = None, **options: Any) -> Recorder:
        """Import files in one go; what is listed is in `listed`."""
        recorder = self.recorder(**options)
        self.listed = []
        for path in paths:
            source, imported = files.parsed(format_, path)
            self.listed += await recorder.take(source, (models or ModelMap()).named(imported))
        self.listed += await recorder.finish()
        return recorder

    async def text(self, format_: str, name: str, text: str, **options: Any) -> Recorder:
        """Write a file and import it."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return await self.take(format_, path, **options)

    async def facts(self, kind: str | None = None) -> list[Mapping[str, Any]]:
        """What importing put on record, in the order of the log."""
        query = sa.select(statements.c.fact).order_by(statements.c.leaf)
        found = [row["fact"] for row in await self.register.rows(query) if "source" in row["fact"]]
        return [fact for fact in found if kind in (None, fact["kind"])]

    def reasons(self) -> list[tuple[str, str]]:
        """What was listed of the last files: place and reason."""
        return [(skip.place, skip.reason) for skip in self.listed]


@pytest.fixture
async def importing(tmp_path: Path) -> AsyncIterator[Importing]:
    """An empty register."""
    async with Register.opened(tmp_path) as register:
        yield Importing(register, tmp_path)
