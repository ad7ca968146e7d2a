"""What holds for all tests: a check takes the same examples in each of its processes, in whatever order tests run.

Hypothesis also tries the constants of those modules of this project that are loaded by then. Which these are would
depend on the tests that ran before in the same process; so all are loaded.
"""

import importlib
import pkgutil

import hypothesis

ROOMS = ("agent", "collector", "evidence", "firmware_fixtures")
ALEMBICS = "collector.store.migrations.env"  # runs within a migration only


def pytest_collection_finish() -> None:
    """Load them, where examples are not drawn anew each time."""
    if hypothesis.settings().derandomize:
        for room in ROOMS:
            for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
                if module.name != ALEMBICS:
                    importlib.import_module(module.name)
