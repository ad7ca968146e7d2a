"""Findings on a living register are exactly those of the specification, and are made only when something changed."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.catalogue import key_terms
from collector.store import parties
from collector.store.database import writing
from tests.collector.fleets.street import CAMERA, MAKER, SHOP, Own, Street
from tests.collector.register import DAY, NOW, Register, key_of

IMAGE = b"\xab" * 32
SALES: list[dict[str, Any] | None] = [
    None,
    {"contract": "2026-01-20"},
    {"contract": "2026-02-10", "jurisdiction": "BE"},
    {"transfer": "lease", "contract": "2026-02-10"},
]
STATED: dict[str, dict[str, Any]] = {
    "a fix, out for long": {"by": MAKER, "kind": "release", "version": "1.1.0", "available_from": "2026-06-01"},
    "a fix of late": {"by": MAKER, "kind": "release", "version": "1.2.0", "available_from": "2026-11-19"},
    "a fix for Belgium": {
        "by": MAKER,
        "kind": "release",
        "version": "1.3.0",
        "available_from": "2026-06-01",
        "regions": ["BE"],
    },
    "a fix for newer hardware": {
        "by": MAKER,
        "kind": "release",
        "version": "1.4.0",
        "available_from": "2026-06-01",
        "hw_min": 2,
        "digests": [IMAGE.hex()],
    },
    "a hole": {"by": MAKER, "kind": "advisory", "advisory": "A-1", "severity": "high", "affected": [{"all": True}]},
    "a promise": {"by": MAKER, "kind": "window", "end": "2031-03-31"},
    "another promise": {"by": MAKER, "kind": "window", "end": "2029-03-31"},
    "the shop's promise": {"by": SHOP, "kind": "window", "end": {"months": 60, "from": "purchase"}},
    "that the model has another id": {
        "by": MAKER,
        "kind": "model",
        "ids": ["zigbee:ACME/CAM-10"],
        "manufacturer": "acme",
        "scheme": "multipart-numeric",
    },
}


@asynccontextmanager
async def fresh(settled: Path) -> AsyncIterator[Register]:
    """A settled register of one example's own."""
    with TemporaryDirectory() as folder:
        shutil.copytree(settled, folder, dirs_exist_ok=True)
        async with Register.opened(Path(folder)) as register:
            yield register


async def end_keys(register: Register, party: str, number: int) -> None:
    """Let a party have so many keys that ended after a day, without a word for the next."""
    for each in range(number):
        key = key_of(f"{party} {each}").public
        async with writing(register.engine) as connection:
            await parties.enrol(connection, party, key, at=NOW - 50 * DAY)
        async with writing(register.engine) as connection:
            await key_terms.end(connection, key.id.hex(), at=NOW - 49 * DAY)


owned = st.builds(
    Own,
    version=st.sampled_from(["1.0.0", "1.0.0", "1.1.0", "1.2.0", "0.9", "9.9", "odd", None]),
    revision=st.sampled_from([None, None, 1, 2]),
    ids=st.sampled_from([(CAMERA,), (CAMERA,), (CAMERA,), ("zigbee:ACME/CAM-2", CAMERA)]),
    digest=st.sampled_from([None, None, IMAGE]),
    days_ago=st.sampled_from([0, 1, 2, 20]),
    is_read=st.sampled_from([True, True, True, False]),
    sale=st.sampled_from(SALES),
    market=st.sampled_from([None, None, "BE", "GB"]),
    is_told=st.booleans(),
)
streets = st.lists(st.lists(owned, min_size=1, max_size=3), min_size=1, max_size=5)
stated = st.lists(st.sampled_from(sorted(STATED)), unique=True, max_size=5)


@given(homes=streets, said=stated, ended=st.integers(0, 3), waits=st.sampled_from([0, DAY, 6 * DAY, 40 * DAY]))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_what_is_counted_is_what_the_same_facts_say_as_a_case(
    settled: Path, homes: list[list[Own]], said: list[str], ended: int, waits: int
) -> None:
    """Every finding, count and boundary of the rules, whatever the homes have, bought and were told."""
    async with fresh(settled) as register:
        street = Street(register)
        await street.found()
        for name in said:
            await street.state(**STATED[name])
        for home in homes:
            await street.move_in(*home)
        await end_keys(register, SHOP, ended)
        await street.settle()
        assert await street.newest() == await street.written()
        street.now += waits
        await street.settle()
        assert await street.newest() == await street.written()
