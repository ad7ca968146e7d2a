"""What the tests against other projects' stacks share."""

import pytest

from tests.required import missing
from tests.stacks.programs import STACKS
from tests.world.network import the_only_network

__all__ = ["the_only_network"]


@pytest.fixture(scope="session", autouse=True)
def _stacks() -> None:
    if not (STACKS / ".made").exists():
        missing("stacks", f"{STACKS} is missing; make it with `make setup-stacks`")
