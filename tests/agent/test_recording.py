"""`read --record`: what comes out is a fixture that reads the same, and tells nothing of the house."""

import json
from pathlib import Path

import pytest

from agent import readers
from agent.config import Source
from agent.links import mdns, mqtt
from agent.recording import record
from agent.redaction import Redactor
from firmware_fixtures.fixture import load
from firmware_fixtures.simulator import mdns as simulated
from firmware_fixtures.simulator import mqtt_house
from tests.agent.readers.expected import DEVICES, expected, outcome
from tests.shared import ROOT
from tests.world.gateway import Gateway
from tests.world.mosquitto import Mosquitto, broker

NOW = 1_800_000_000
HOUSES = {
    "zigbee2mqtt": ROOT / "firmware_fixtures/house",
    "home_assistant": ROOT / "firmware_fixtures/house",
    "tasmota": DEVICES / "tasmota/zonneveld_pump1_13.4.0",
    "esphome": DEVICES / "esphome/aquila_air1_1.3.0",
    "shelly": DEVICES / "shelly/bolder_relay2_1.4.2",
}
TELLING = ("0c4314fffe00a1", "024b55", "Bedroom air", "bedroom-air", "Pump", "Porch", "Hall", "192.0.2")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "QUIET_S", 0.2)
    monkeypatch.setattr(mqtt, "ANSWER_S", 2.0)


@pytest.mark.parametrize("name", HOUSES)
async def test_a_recording_is_a_fixture_that_reads_the_same(name: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Versions, models and who is who are as they were; no address and no name of the house is in any file."""
    fixture, reader = load(HOUSES[name]), readers.load(name)
    settings = reader.Settings(host="127.0.0.1", port=mosquitto.port)
    async with mqtt_house.playing("127.0.0.1", mosquitto.port, fixture):
        (done,) = await record([Source(path="read[0]", name=name, reader=reader, settings=settings)], tmp_path, NOW)
        read = await outcome(reader, {"host": "127.0.0.1", "port": mosquitto.port})
    assert done.folder is not None
    recorded, told = load(done.folder), expected(done.folder)
    assert recorded.provenance.startswith("Recorded on 2027-01-15")
    async with broker() as other, mqtt_house.playing("127.0.0.1", other.port, recorded):
        assert await outcome(reader, {"host": "127.0.0.1", "port": other.port}) == told
    assert sorted(str(item.version_raw) for item in told.reading) == sorted(
        str(item.version_raw) for item in read.reading
    )
    assert sorted(item.ids for item in told.reading) == sorted(item.ids for item in read.reading)
    assert len(told.failure) == len(read.failure)
    written = "".join(f"{file}\n{file.read_text()}" for file in done.folder.rglob("*") if file.is_file()).lower()
    assert [word for word in TELLING if word.lower() in written] == []


@pytest.mark.usefixtures("the_only_network")
async def test_a_recording_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told over mDNS, half an address and the printer's name too."""
    monkeypatch.setattr(mdns, "BROWSE_S", 3.0)
    reader, settings = readers.load("mdns"), {"interfaces": ("127.0.0.1",)}
    source = Source(path="read[0]", name="mdns", reader=reader, settings=reader.Settings(**settings))
    async with simulated.playing(load(DEVICES / "mdns/bolder_relay2_1.4.2").services):
        (done,) = await record([source], tmp_path, NOW)
    assert done.folder is not None
    recorded, told = load(done.folder), expected(done.folder)
    assert len(told.reading) == 4
    async with simulated.playing(recorded.services):
        assert await outcome(reader, settings) == told
    written = "".join(file.read_text() for file in done.folder.iterdir())
    assert [word for word in (*TELLING, "030001", "kust-printer") if word in written] == []
    assert '"network" = "wifi"' in written


async def test_a_source_of_which_nothing_can_be_recorded_is_said(gateway: Gateway) -> None:
    """No folder is made."""
    code, out, _ = await gateway.command("read", "--record", str(gateway.directory / "made"))
    assert code == 69
    assert "read[0] (scripted): nothing came that can be recorded" in out
    assert not (gateway.directory / "made").exists()


def test_one_address_is_one_however_it_is_written() -> None:
    """Also where a name holds half of it; a version that looks like one stays."""
    redactor = Redactor(kept=["a4cf12345679"])
    redactor.learn('{"mac": "A4:CF:12:34:56:78", "id": "shelly1-345678", "name": "Attic fan", "ver": "a4cf12345679"}')
    dashed, bare = redactor.text("a4-cf-12-34-56-78"), redactor.text("mac:a4cf12345678")
    assert dashed.replace("-", "") == bare.removeprefix("mac:") != "a4cf12345678"
    assert bare.startswith("mac:02")
    told = json.loads(redactor.payload('{"id": "shelly1-345678", "where": "the Attic fan", "ver": "a4cf12345679"}'))
    assert told["id"] == f"shelly1-{bare[-6:]}"
    assert told["where"] == "the name-1"
    assert told["ver"] == "a4cf12345679"


def test_whole_configurations_go() -> None:
    """They hold whatever people filled in."""
    redactor = Redactor()
    assert json.loads(redactor.payload('{"version": "2.14.1", "config": {"mqtt": {"user": "x"}}}')) == {
        "version": "2.14.1",
        "config": {},
    }
