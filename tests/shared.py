"""Where the tests find the reference data that is read in place and not shipped with the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(part: str) -> Path:
    """The path of one part of the reference data; skips the test, visibly, where the folder is absent."""
    path = Path(os.environ.get("UPDATEPLICHT_SHARED", ROOT.parent / "shared")) / part
    if not path.exists():
        pytest.skip(f"reference data {part} is not beside this checkout", allow_module_level=True)
    return path
