"""One file per family of devices. A reader is found by its file name; there is no list to edit."""

import importlib
import pkgutil
from typing import cast

from agent.readers._contract import Reader, ReadFailure, Reading


def names() -> tuple[str, ...]:
    """The readers there are, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> Reader:
    """Import one reader and what it needs.

    Raises:
        KeyError: There is no reader of that name.
    """
    if name not in names():
        raise KeyError(name)
    return cast("Reader", importlib.import_module(f"{__name__}.{name}"))


__all__ = ["ReadFailure", "Reader", "Reading", "load", "names"]
