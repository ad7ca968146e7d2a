"""npm's bonjour-service as the devices' mDNS: it shares no line with the zeroconf under our link."""

from pathlib import Path

import msgspec
import pytest

from agent import readers
from firmware_fixtures.fixture import Fixture
from tests.agent.readers.expected import expected, outcome
from tests.agent.readers.test_fixtures import NETWORKS, names, settings_of
from tests.stacks.programs import SCRIPTS, node


@pytest.mark.usefixtures("the_only_network")
@pytest.mark.parametrize("fixture", **names(NETWORKS))
async def test_a_network_over_real_multicast(fixture: Fixture, tmp_path: Path) -> None:
    """What it tells comes out as what our own simulator tells."""
    [entry] = fixture.read
    services = msgspec.json.encode(fixture.services).decode()
    async with node(tmp_path / "log", "(ready)", SCRIPTS / "bonjour.js", services):
        found = await outcome(readers.load(entry["reader"]), settings_of(entry))
    assert found == expected(fixture.folder)
