"""What a test needs that may not be there: without it the test skips, unless UPDATEPLICHT_REQUIRE names it."""

import os
from typing import NoReturn

import pytest


def missing(what: str, why: str) -> NoReturn:
    """Skip visibly; fail where the Makefile has installed it, so that nothing goes untested there.

    Args:
        what: As UPDATEPLICHT_REQUIRE names it.
        why: What is missing and how to get it.
    """
    if what in os.environ.get("UPDATEPLICHT_REQUIRE", "").split():
        pytest.fail(why, pytrace=False)
    pytest.skip(why, allow_module_level=True)
