"""One file per family of devices. A reader is found by its file name; there is no list to edit."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from typing import cast

from agent.readers._contract import LineReader, Reader, ReadFailure, Reading


def names() -> tuple[str, ...]:
    """The readers there are, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def describe(name: str) -> dict[str, str]:
    """What a reader's docstring answers under each of its headings, without importing it."""
    docstring = ast.get_docstring(ast.parse((Path(__file__).parent / f"{name}.py").read_text())) or ""
    _, *parts = re.split(r"^([A-Z][a-z ]+): ", docstring.partition("\n\n")[2], flags=re.MULTILINE)
    return {heading: " ".join(answer.split()) for heading, answer in zip(parts[::2], parts[1::2], strict=True)}


def load(name: str) -> Reader:
    """Import one reader and what it needs.

    Raises:
        KeyError: There is no reader of that name.
    """
    if name not in names():
        raise KeyError(name)
    return cast("Reader", importlib.import_module(f"{__name__}.{name}"))


__all__ = ["LineReader", "ReadFailure", "Reader", "Reading", "describe", "load", "names"]
