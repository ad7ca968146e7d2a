"""The household's word: signed once for each content, corrected when it changes."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from agent import keys
from agent.config import Sale
from agent.sales import spool_sales
from agent.spool import Kind
from agent.stated import sign
from evidence import cose, statement
from evidence.ids import device_id
from evidence.statement import Statement
from tests.world.disks import open_spool

NOW = 1_772_000_000
BULB = "ieee:00158d0001e29ff0"
SALE = Sale(device=BULB, seller="noordlicht", contract="2026-03-10")


class Drawer:
    """Where the sales go."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.identity = keys.load_or_create(directory)
        self.spool = open_spool(directory)

    def state(self, *sales: Sale, seen: tuple[str, ...] = (BULB,), now: int = NOW) -> int:
        """State them, as one round of a newly started agent does."""
        return spool_sales(sales, seen, self.identity, self.spool, now)

    def statements(self) -> list[Statement]:
        """What waits, opened."""
        held = [self.spool.read(entry) or b"" for entry in self.spool.entries()]
        key = self.identity.key.public
        return [statement.decode(cose.parse(data, statement.MESSAGE_TYPE).verify(key)) for data in held]

    def answer_all(self) -> None:
        """The collector gives receipts."""
        for entry in self.spool.entries():
            self.spool.keep(entry, b"receipt")


@pytest.fixture
def drawer(tmp_path: Path) -> Drawer:
    """An empty one."""
    return Drawer(tmp_path)


def fields(drawer: Drawer, **more: Any) -> dict[str, Any]:
    device = device_id(drawer.identity.secret, BULB)
    return {"device": device, "seller": "noordlicht", "contract": "2026-03-10", **more}


def test_a_sale_is_stated_in_the_words_of_the_appraisal(drawer: Drawer) -> None:
    """Under the device id; the identity stays in the house."""
    assert drawer.state(SALE) == 0
    (stated,) = drawer.statements()
    assert (stated.kind, stated.asserted_at) == ("sale", "2026-02-25T06:13:20Z")
    assert stated.fields == fields(drawer)


def test_a_sale_is_stated_once(drawer: Drawer) -> None:
    """Also over restarts, and after its receipt."""
    for _ in range(3):
        drawer.state(SALE, now=NOW + 5)
    assert len(drawer.statements()) == 1
    drawer.answer_all()
    drawer.state(SALE, now=NOW + 10)
    assert drawer.statements() == []


def test_a_changed_sale_corrects_the_earlier_one(drawer: Drawer) -> None:
    """By the digest of its signed bytes."""
    drawer.state(SALE)
    earlier = drawer.spool.entries()[0].digest
    drawer.state(Sale(device=BULB, seller="noordlicht", contract="2026-03-11"), now=NOW + 60)
    _, corrected = drawer.statements()
    assert corrected.fields == fields(drawer, contract="2026-03-11", corrects=earlier)


def test_a_sale_changed_back_corrects_the_correction(drawer: Drawer) -> None:
    """The last word is what the file says."""
    drawer.state(SALE)
    drawer.state(Sale(device=BULB, seller="ander"), now=NOW + 60)
    second = drawer.spool.entries()[1].digest
    drawer.state(SALE, now=NOW + 120)
    assert drawer.statements()[2].fields == fields(drawer, corrects=second)


def test_two_sales_of_one_device_leave_each_other_alone(drawer: Drawer) -> None:
    """A device that was sold on: the one that did not change is not corrected."""
    later = Sale(device=BULB, seller="tweedehands", condition="used")
    drawer.state(SALE, later)
    second = drawer.spool.entries()[1].digest
    drawer.state(Sale(device=BULB, seller="tweedehands", condition="used", jurisdiction="NL"), SALE, now=NOW + 60)
    assert [stated.fields.get("corrects") for stated in drawer.statements()] == [None, None, second]


def test_a_sale_waits_for_its_device(drawer: Drawer) -> None:
    """An identity that nobody read may be a slip of the pen."""
    assert drawer.state(SALE, seen=("mac:1",)) == 1
    assert drawer.statements() == []
    assert drawer.state(SALE) == 0
    assert len(drawer.statements()) == 1


def test_what_was_refused_is_not_said_again(drawer: Drawer) -> None:
    """Nor corrected, since it is not on record; a changed entry is a new statement."""
    drawer.state(SALE)
    drawer.spool.refuse(drawer.spool.entries()[0], b"refusal")
    drawer.state(SALE, now=NOW + 60)
    assert drawer.statements() == []
    drawer.state(Sale(device=BULB, seller="ander"), now=NOW + 120)
    (stated,) = drawer.statements()
    assert stated.fields.keys() == {"device", "seller"}


def test_a_sale_stated_otherwise_is_corrected_too(drawer: Drawer) -> None:
    """What the household said by command is on record like the rest."""
    by_hand = sign("sale", fields(drawer, contract="2026-03-09"), drawer.identity, NOW)
    drawer.spool.put(Kind.STATEMENT, by_hand, now=NOW)
    drawer.state(SALE, now=NOW + 60)
    assert drawer.statements()[1].fields["corrects"] == hashlib.sha256(by_hand).hexdigest()


def test_a_lost_state_file_repeats_nothing(drawer: Drawer) -> None:
    """The messages themselves are the record."""
    drawer.state(SALE)
    drawer.answer_all()
    (drawer.directory / "state.json").unlink(missing_ok=True)
    drawer.state(SALE, now=NOW + 60)
    assert drawer.statements() == []
