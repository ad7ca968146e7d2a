"""The real Zigbee2MQTT on a real Mosquitto. Only the radio is replaced; the devices are in its own database.

Makers and addresses are invented, so Zigbee2MQTT knows no such model and describes it from its clusters.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import readers
from agent.readers import Reader, ReadFailure, Reading
from evidence.report import Offer, OfferResult
from tests.stacks.programs import SCRIPTS, STACKS, node
from tests.world.mosquitto import Mosquitto, broker

COORDINATOR, BULB, PLUG, SENSOR = (f"0x0c4314fffe00b10{number}" for number in range(4))
ON_OFF, OTA = 6, 25

CONFIGURATION = """
version: 5
mqtt: {{ server: "mqtt://127.0.0.1:{port}" }}
serial: {{ port: /dev/null, adapter: zstack }}
homeassistant: {{ enabled: true }}
frontend: {{ enabled: false }}
advanced: {{ log_output: [console], channel: 11 }}
devices:
  "{bulb}": {{ friendly_name: Hall/ceiling lamp, retain: true }}
  "{plug}": {{ friendly_name: Plug }}
  "{sensor}": {{ friendly_name: Cellar }}
groups:
  1: {{ friendly_name: Downstairs }}
"""


def entry(address: str, number: int, **stated: Any) -> dict[str, Any]:
    """A device as Zigbee2MQTT keeps it."""
    endpoint = {"profId": 260, "epId": 1, "devId": 256, "inClusterList": [0, 3, ON_OFF], "outClusterList": [OTA]}
    return {
        "id": number,
        "type": "Router",
        "ieeeAddr": address,
        "nwkAddr": 1000 + number,
        "manufId": 4660,
        "powerSource": "Mains (single phase)",
        "epList": [1],
        "endpoints": {"1": endpoint | {"clusters": {}, "binds": [], "configuredReportings": [], "meta": {}}},
        "interviewCompleted": True,
        "interviewState": "SUCCESSFUL",
        "meta": {},
        **stated,
    }


DATABASE = [
    entry(COORDINATOR, 1, type="Coordinator", nwkAddr=0),
    entry(BULB, 2, manufName="Lumenta", modelId="LB-980", swBuildId="2.3.087", dateCode="20230622"),
    entry(PLUG, 3, manufName="Lumenta", modelId="SP-1", swBuildId="V1.04.12\0", dateCode=""),
    entry(SENSOR, 4, manufName="Aquila", modelId="WS-2"),
    {"id": 5, "type": "Group", "groupID": 1, "members": [{"deviceIeeeAddr": PLUG, "endpointID": 1}], "meta": {}},
]
UPDATE = {"state": "available", "installed_version": 33816645, "latest_version": 33816700}


@asynccontextmanager
async def zigbee2mqtt(data: Path, port: int) -> AsyncIterator[None]:
    """Zigbee2MQTT, started and connected."""
    configuration = CONFIGURATION.format(port=port, bulb=BULB, plug=PLUG, sensor=SENSOR)
    (data / "configuration.yaml").write_text(configuration)
    (data / "database.db").write_text("\n".join(map(json.dumps, DATABASE)))
    (data / "state.json").write_text(json.dumps({BULB: {"state": "ON", "update": UPDATE}}))
    program = STACKS / "node_modules/zigbee2mqtt/index.js"
    # It would take our commit for its own, and build itself anew.
    environment: dict[str, str | Path] = {"ZIGBEE2MQTT_DATA": data, "COORDINATOR": COORDINATOR, "GIT_DIR": data}
    last = r"(homeassistant/switch/\d+_1/)"  # of what it tells Home Assistant: the group
    async with node(data / "log", last, "-r", SCRIPTS / "silent_radio.js", program, **environment):
        yield


def ieee(address: str) -> str:
    """The identity of a Zigbee device."""
    return f"ieee:{address.removeprefix('0x')}"


def known(address: str, name: str, **rest: Any) -> Reading:
    """What Zigbee2MQTT knows of a device."""
    return Reading(identity=ieee(address), name=name, distance=1, **rest)


BRIDGE = f"link:zigbee2mqtt/{COORDINATOR.removeprefix('0x')}"
INVENTORY = [
    known(COORDINATOR, "Coordinator", version_raw="20240710"),
    known(
        BULB,
        "Hall/ceiling lamp",
        ids=("zigbee:Lumenta/LB-980",),
        version_raw="2.3.087",
        version_alt="33816645",
        offer=Offer(result=OfferResult.OFFERED, version="33816700"),
        offer_state="available",
    ),
    known(PLUG, "Plug", ids=("zigbee:Lumenta/SP-1",), version_raw="V1.04.12"),
    known(SENSOR, "Cellar", ids=("zigbee:Aquila/WS-2",)),
    Reading(identity=BRIDGE, name="Zigbee2MQTT", version_raw="2.14.1"),
]


@pytest.fixture
async def mosquitto() -> AsyncIterator[Mosquitto]:
    """The house's broker."""
    async with broker() as running:
        yield running


async def read(name: str, mosquitto: Mosquitto) -> dict[str, Reading | ReadFailure]:
    """What one reader makes of the house, by identity."""
    reader: Reader = readers.load(name)
    outcomes = await reader.read(msgspec.convert({"host": "127.0.0.1", "port": mosquitto.port}, reader.Settings))
    return {outcome.identity: outcome for outcome in outcomes}


async def test_the_inventory_and_what_becomes_of_it_when_the_bridge_dies(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Devices, bridge, coordinator and an update on offer; then the broker publishes the bridge's last will."""
    async with zigbee2mqtt(tmp_path, mosquitto.port):
        assert await read("zigbee2mqtt", mosquitto) == {reading.identity: reading for reading in INVENTORY}
    left = await read("zigbee2mqtt", mosquitto)
    assert set(left) == {reading.identity for reading in INVENTORY}
    for failure in left.values():
        assert isinstance(failure, ReadFailure)
        assert failure.reason == "bridge_offline"


async def test_what_it_tells_home_assistant(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Its discovery messages lead to the same devices and versions; a group, which it also announces, is none."""
    async with zigbee2mqtt(tmp_path, mosquitto.port):
        outcomes = await read("home_assistant", mosquitto)
    told = {identity: outcome for identity, outcome in outcomes.items() if isinstance(outcome, Reading)}
    versions = {identity: reading.version_raw for identity, reading in told.items()}
    assert versions == {BRIDGE: "2.14.1", ieee(BULB): "2.3.087", ieee(PLUG): "V1.04.12", ieee(SENSOR): None}
    assert told[ieee(BULB)].ids == ("ha:Lumenta/LB-980",)
