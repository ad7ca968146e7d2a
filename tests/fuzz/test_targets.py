"""A short run of every target: damaged, doubled and heavy input is read or refused, and nothing else comes out."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.heavy import inputs
from tests.fuzz.targets import TARGETS

SEEDS = {name: [path.read_bytes() for path in target.seeds()] for name, target in TARGETS.items()}


@pytest.mark.parametrize("name", TARGETS)
def test_there_is_a_beginning(name: str) -> None:
    """A target without good input finds nothing behind its first check."""
    assert SEEDS[name]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(chance=st.randoms(use_true_random=False), junk=st.binary(max_size=20), cuts=st.integers(0, 5))
def test_damaged_input(name: str, chance: random.Random, junk: bytes, cuts: int) -> None:
    """Good input with pieces taken out, doubled, or put in."""
    data = bytearray(chance.choice(SEEDS[name]))
    for _ in range(cuts):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randrange(16))
        data[start:end] = chance.choice([b"", junk, bytes(data[start:end]) * 2])
    TARGETS[name](bytes(data))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes(name: str, data: bytes) -> None:
    """Bytes of no form."""
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_heavy_input(name: str) -> None:
    """A part of the most that can come, so that the suite stays quick; `make fuzz` measures it whole."""
    for _, data in inputs(TARGETS[name], share=16):
        TARGETS[name](data)
