"""Which model a product of a feed is: the operator's map, and who may put a model on record."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.appraisal import policies
from collector.catalogue.importers import Draft
from collector.catalogue.importing import models
from collector.catalogue.importing.models import Entry, ModelMap
from collector.errors import ConfigError, NotFoundError
from collector.judge import Judge
from collector.store.schema import cases, device_model_ids, devices
from tests.collector.importers.conftest import Importing
from tests.collector.register import DEVICE, HOME, NOW, Register, key_of, seen

OPERATOR = "operator:register"


def index(*entries: dict[str, Any]) -> str:
    """A Zigbee OTA index."""
    return json.dumps([{"manufacturerCode": 65001, "imageType": 17, "fileVersion": 1, **entry} for entry in entries])


MAP = ModelMap(
    manufacturers={"zigbee-65001": "kust"},
    models={
        "zigbee-65001/18": Entry(
            model="kust/plug", ids=("zigbee:Kust/KP 1",), manufacturer="kust", device_class="plug", scheme="uint32"
        )
    },
)


@pytest.fixture
async def enrolled(importing: Importing) -> Importing:
    """A register with an operator."""
    await importing.register.enrol(OPERATOR)
    return importing


async def test_without_an_operator_a_model_is_listed(enrolled: Importing) -> None:
    """A feed does not say which models there are; its releases go in all the same."""
    done = await enrolled.text("zigbee_ota", "a.json", index({}), models=MAP)
    assert (done.new, done.undescribed) == ({"release": 1}, {"kust/17"})
    assert enrolled.reasons() == [("/0", "model_needs_operator")]


async def test_the_operators_key_puts_a_model_on_record(enrolled: Importing) -> None:
    """With its maker from the map and its ids from the feed."""
    done = await enrolled.text("zigbee_ota", "a.json", index({}), models=MAP, operator=key_of(OPERATOR))
    assert (done.new, done.undescribed) == ({"model": 1, "release": 1}, set())
    model, release = await enrolled.facts()
    assert (model["issuer"], release["issuer"]) == (OPERATOR, "third_party:zigbee-ota")
    assert {name: model[name] for name in ("model", "ids", "manufacturer", "scheme")} == {
        "model": "kust/17",
        "ids": ["zigbee-ota:65001-17"],
        "manufacturer": "kust",
        "scheme": "uint32",
    }
    assert release["model"] == "kust/17"


async def test_two_feeds_meet_in_one_model(enrolled: Importing) -> None:
    """The map gives both products the same name, and the ids of both."""
    entry = Entry(model="kust/plug", manufacturer="kust", ids=("zigbee:Kust/KP 1",))
    both = ModelMap(models={"zigbee-65001/17": entry, "zigbee-65001/17/kp-1": entry})
    feed = {
        "versions": [{"modelId": "KP 1", "version": "1", "imageType": 17, "manufacturerId": 65001, "fileVersion": 2}]
    }
    await enrolled.text("zigbee_ota", "a.json", index({}), models=both, operator=key_of(OPERATOR))
    await enrolled.text("thirdreality", "b.json", json.dumps(feed), models=both, operator=key_of(OPERATOR))
    facts = await enrolled.facts()
    assert {fact["model"] for fact in facts} == {"kust/plug"}
    assert [fact["version"] for fact in facts if fact["kind"] == "release"] == ["1", "2"]
    assert [fact["ids"] for fact in facts if fact["kind"] == "model"] == [["zigbee-ota:65001-17", "zigbee:Kust/KP 1"]]


async def test_a_model_without_a_maker_is_listed(enrolled: Importing) -> None:
    """A number is not a name; the operator decides once who makes it."""
    await enrolled.text("zigbee_ota", "a.json", index({}), operator=key_of(OPERATOR))
    assert enrolled.reasons() == [("/0", "model_incomplete")]


async def test_a_model_on_record_is_left_as_it_is(enrolled: Importing) -> None:
    """What somebody wrote with care does not give way to what a feed believes."""
    written: dict[str, Any] = {
        "model": "kust/plug",
        "manufacturer": "kust",
        "ids": ["zigbee:Kust/KP 1"],
        "class": "plug",
    }
    await enrolled.register.state(OPERATOR, "model", **written)
    done = await enrolled.text("zigbee_ota", "a.json", index({"imageType": 18}), models=MAP, operator=key_of(OPERATOR))
    assert done.new == {"release": 1}
    assert enrolled.reasons() == [("/0", "model_on_record")]


async def test_no_id_is_taken_from_another_model(enrolled: Importing) -> None:
    """Else devices that were matched would be ambiguous all at once."""
    other: dict[str, Any] = {"model": "kust/lamp", "manufacturer": "kust", "ids": ["zigbee-ota:65001-17"]}
    await enrolled.register.state(OPERATOR, "model", **other)
    await enrolled.text("zigbee_ota", "a.json", index({}), models=MAP, operator=key_of(OPERATOR))
    assert enrolled.reasons() == [("/0", "model_claimed")]


async def test_a_key_that_nobody_was_enrolled_with_is_no_operators(importing: Importing) -> None:
    """Nothing is recorded under it, or beside it."""
    with pytest.raises(NotFoundError):
        await importing.text("zigbee_ota", "a.json", index({}), models=MAP, operator=key_of(OPERATOR))
    assert await importing.facts() == []


async def test_a_device_is_judged_again_when_its_model_gets_a_release(enrolled: Importing) -> None:
    """What an import touches is queued for a collector that runs beside it."""
    register: Register = enrolled.register
    await register.enrol_gateway(HOME)
    await register.report(HOME, 1, NOW, seen(DEVICE, ids=("zigbee-ota:65001-17",)))
    judge = Judge(register.engine, policies.shipped("2026-11-a"), lambda: NOW)
    while await judge.round():
        pass
    await enrolled.text("zigbee_ota", "a.json", index({}), models=MAP, operator=key_of(OPERATOR))
    waits = (
        sa.select(devices.c.device).join(cases, cases.c.id == devices.c.case_id).where(cases.c.queued_at.is_not(None))
    )
    assert [row["device"] for row in await register.rows(waits)] == [DEVICE]
    assert await register.rows(sa.select(devices.c.device)) == [{"device": DEVICE}]
    assert await register.rows(sa.select(device_model_ids.c.model_id)) == [{"model_id": "zigbee-ota:65001-17"}]


NAMED: dict[str, tuple[str, str]] = {
    "a product without an entry keeps its name": ("matter-1/2", "matter-1/2"),
    "a maker's products get his name": ("zigbee-65001/17", "kust/17"),
    "an entry goes before its maker's": ("zigbee-65001/18", "kust/plug"),
}


@pytest.mark.parametrize(("product", "model"), NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("kind", ["model", "release"])
def test_the_map_names_models(product: str, model: str, kind: str) -> None:
    """A model and what is said of it are called the same."""
    draft = Draft(kind=kind, fields={"model": product, "ids": []}, place="")
    assert MAP.apply(draft).fields["model"] == model


def test_the_map_adds_what_the_operator_knows() -> None:
    """Ids join those of the feed; what it does not say stays as the feed has it."""
    fields = {"model": "zigbee-65001/18", "ids": ["zigbee-ota:65001-18"], "scheme": "opaque", "power": "battery"}
    assert MAP.apply(Draft(kind="model", fields=fields, place="")).fields == {
        "model": "kust/plug",
        "manufacturer": "kust",
        "ids": ["zigbee-ota:65001-18", "zigbee:Kust/KP 1"],
        "class": "plug",
        "scheme": "uint32",
        "power": "battery",
    }


def test_a_map_is_toml_that_a_person_can_write(tmp_path: Path) -> None:
    """As the room's page shows it."""
    file = tmp_path / "map.toml"
    file.write_text('[manufacturers]\nzigbee-4476 = "ikea"\n[models."zigbee-4476/4557"]\nmodel = "ikea/rodret"\n')
    assert models.read(file) == ModelMap(
        manufacturers={"zigbee-4476": "ikea"}, models={"zigbee-4476/4557": Entry(model="ikea/rodret")}
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[models."a/b"]\nmodle = "x"\n', id="a field that there is not"),
        pytest.param("[manufacturers]\na = 1\n", id="a name that is a number"),
        pytest.param("[manufacturers\n", id="no TOML"),
    ],
)
def test_a_map_with_a_fault_is_refused_whole(tmp_path: Path, text: str) -> None:
    """A typing error must not send an import elsewhere."""
    file = tmp_path / "map.toml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        models.read(file)
    with pytest.raises(ConfigError):
        models.read(tmp_path / "nowhere.toml")
