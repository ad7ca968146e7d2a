"""A longer search for bad input than the daily one: `pytest tests/evidence --hypothesis-profile=soak`."""

from hypothesis import settings

settings.register_profile("soak", max_examples=20_000, deadline=None)
