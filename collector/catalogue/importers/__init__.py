"""One file per foreign catalogue format. An importer is found by its file name; there is no list to edit."""

import importlib
import pkgutil
from typing import cast

from collector.catalogue.importers._contract import Draft, Imported, Importer, Reason, Skipped, Subject, subject
from collector.catalogue.importers._sheet import printable, snippet


def names() -> tuple[str, ...]:
    """The formats there are, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> Importer:
    """Import one importer and what it needs.

    Raises:
        KeyError: There is no importer of that name.
    """
    if name not in names():
        raise KeyError(name)
    return cast("Importer", importlib.import_module(f"{__name__}.{name}"))


__all__ = [
    "Draft",
    "Imported",
    "Importer",
    "Reason",
    "Skipped",
    "Subject",
    "load",
    "names",
    "printable",
    "snippet",
    "subject",
]
