"""The audit says nothing of a register that is what was signed, and names whatever was changed in one that is not."""

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from collector.transparency import audit
from evidence.report import Report, SeenHead, inventory_digest, sign
from tests.collector.commands.conftest import Command
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NOW, Register, key_of, seen

REPORTS = 9


def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A register of two gateways, one of which lost number 3; the file of the database."""
    state(tmp_path).mkdir()

    async def make() -> None:
        async with Register.opened(state(tmp_path)) as register:
            await register.enrol("operator:register")
            await register.state("operator:register", "model", model="a/b", ids=["zigbee:A/B"], manufacturer="a")
            for gateway in (HOME, NEIGHBOUR):
                await register.enrol_gateway(gateway)
                previous = None
                for number in range(1, REPORTS + 1):
                    if (gateway, number) != (HOME, 3):
                        previous = await chained(register, gateway, number, previous)

    asyncio.run(make())
    return state(tmp_path) / "register.sqlite"


async def chained(register: Register, gateway: str, number: int, previous: str | None, **more: Any) -> str:
    """A report that names the one before."""
    devices = (seen(DEVICE, f"1.{number}"),)
    claims = Report(
        gateway=gateway,
        sequence=number,
        issued_at=NOW,
        previous=None if previous is None else bytes.fromhex(previous),
        inventory=inventory_digest(devices),
        devices=devices,
        **more,
    )
    return await register.receive(gateway, "report", sign(claims, key_of(f"gateway:{gateway}")), at=NOW)


def change(file: Path, *statements: str) -> None:
    """Do to the database what nobody should."""
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def audited(command: Command) -> tuple[int, dict[str, Any]]:
    code, out, _ = command("audit", "--json")
    return code, json.loads(out)


def test_a_register_that_is_what_was_signed(command: Command, history: Path) -> None:
    """Every leaf, head and body is compared; gaps are told and are no findings."""
    assert history.exists()
    code, found = audited(command)
    assert (code, found["ok"], found["findings"]) == (0, True, 0)
    assert (found["size"], found["heads"], found["bodies"]) == (2 * REPORTS + 1, 2 * REPORTS + 1, 2 * REPORTS)
    assert (found["gateways"], found["gaps"], found["breaks"]) == (2, 1, 0)
    assert found["incomplete"] == [{"gateway": HOME, "reports": 8, "last_sequence": 9, "gaps": 1, "breaks": 0}]
    code, out, _ = command("audit")
    assert code == 0
    assert out.splitlines()[-1] == "the log is what was signed"


def test_pages_give_the_same_as_the_whole(command: Command, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their size, the tree is the same."""
    assert history.exists()
    whole = audited(command)
    for page in (1, 2, 3, 7):
        monkeypatch.setattr(audit, "PAGE", page)
        assert audited(command) == whole


def test_what_was_erased_keeps_its_leaf(command: Command, history: Path) -> None:
    """Erasing is lawful: it is counted."""
    change(history, "UPDATE reports SET body = NULL WHERE sequence < 3")
    code, found = audited(command)
    assert (code, found["erased"], found["findings"]) == (0, 4, 0)


CHANGES = {
    "a body was changed": ("UPDATE reports SET body = zeroblob(9) WHERE leaf = 5", {"body"}),
    "a report was taken away": ("DELETE FROM reports WHERE leaf = 5", {"missing"}),
    "a statement was taken away": ("DELETE FROM statements WHERE leaf = 1", {"missing"}),
    "a leaf was taken away": ('DELETE FROM leaves WHERE "index" = 5', {"leaf", "row"}),
    "the newest leaf was taken away": ('DELETE FROM leaves WHERE "index" = 18', {"head", "row"}),
    "a leaf was changed": (
        'UPDATE leaves SET digest = zeroblob(32) WHERE "index" = 5',
        {"node", "head", "body"},
    ),
    "a node was changed": ('UPDATE nodes SET hash = zeroblob(32) WHERE level = 4 AND "index" = 0', {"node"}),
    "a node was taken away": ('DELETE FROM nodes WHERE level = 4 AND "index" = 0', {"node"}),
    "a root was changed": ("UPDATE heads SET root = zeroblob(32) WHERE size = 6", {"head"}),
    "a signature was changed": ("UPDATE heads SET signature = zeroblob(64) WHERE size = 6", {"head"}),
    "a head was dated back": ("UPDATE heads SET signed_at = 7 WHERE size = 6", {"head"}),
    "the newest head was taken away": ("DELETE FROM heads WHERE size = 19", {"head"}),
    "a row names another leaf": ("UPDATE reports SET leaf = 99 WHERE leaf = 5", {"missing", "row"}),
    "a report was given to another number": ("UPDATE reports SET sequence = 3 WHERE leaf = 5", {"row"}),
    "the log got another name": ("UPDATE logs SET log = zeroblob(16)", {"genesis", "head"}),
}


@pytest.mark.parametrize(("statement", "kinds"), CHANGES.values(), ids=CHANGES)
def test_what_was_changed_is_found(command: Command, history: Path, statement: str, kinds: set[str]) -> None:
    """And named for what it is; the program ends with 65."""
    change(history, statement)
    code, found = audited(command)
    assert (code, found["ok"]) == (65, False)
    assert {finding["kind"] for finding in found["listed"]} == kinds
    assert "FINDING" in command("audit")[1]


def test_another_history_that_a_gateway_saw_is_found(command: Command, history: Path, tmp_path: Path) -> None:
    """A report that names a head which this log never had stays as the evidence of a fork."""
    assert history.exists()

    async def report() -> None:
        async with Register.opened(state(tmp_path)) as register:
            for number, size in ((20, 7), (21, 4711)):
                head = SeenHead(log=register.log.id, size=size, root=bytes(32))
                await chained(register, NEIGHBOUR, number, None, head=head)
            stranger = SeenHead(log="5" * 32, size=3, root=bytes(32))
            await chained(register, NEIGHBOUR, 22, None, head=stranger)

    asyncio.run(report())
    code, found = audited(command)
    assert code == 65
    assert [(finding["kind"], finding["leaf"]) for finding in found["listed"]] == [("fork", 19), ("fork", 20)]


def test_a_break_in_a_gateways_chain_is_told(command: Command, history: Path, tmp_path: Path) -> None:
    """Its own history: it signed something under the number before that is not on record."""
    assert history.exists()

    async def report() -> None:
        async with Register.opened(state(tmp_path)) as register:
            await chained(register, NEIGHBOUR, REPORTS + 1, hashlib.sha256(b"another").hexdigest())

    asyncio.run(report())
    code, found = audited(command)
    assert (code, found["breaks"]) == (0, 1)


def test_a_directory_without_a_register(command: Command) -> None:
    """It is not made by looking: exit 66."""
    code, out, err = command("audit")
    assert (code, out) == (66, "")
    assert "no register" in err
