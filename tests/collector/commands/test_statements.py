"""Signed statements by file: on record or in quarantine, each told, and the exit code of the whole."""

import asyncio
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from collector.catalogue.instants import to_seconds, to_text
from collector.config import load
from collector.register import opened
from evidence.enrolment import parse_code, sign_enrolment
from evidence.limits import MAX_STATEMENT_BYTES
from tests.collector.commands.conftest import Command
from tests.collector.register import HOME, Register, key_of, signed

AT = "2026-02-01T00:00:00Z"
SIGNED_AT = to_seconds("2026-01-31T00:00:00Z")
MODEL: dict[str, Any] = {"model": "acme/cam-2", "ids": ["zigbee:ACME/CAM-2"], "manufacturer": "acme"}
OPERATOR, MAKER = "operator:register", "manufacturer:acme"


@pytest.fixture
def register(command: Command, config: Path) -> Command:
    """A simulated register with an operator and a manufacturer."""
    config.write_text("simulated = true\n" + config.read_text())
    for party in (OPERATOR, MAKER):
        assert command("issuers", "enrol", party, key_of(party).public.data.hex())[0] == 0
    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a release comes before its model."""
    folder = tmp_path / "statements"
    (folder / "of-acme").mkdir(parents=True)
    release = signed(MAKER, "release", at=SIGNED_AT, model="acme/cam-2", version="1.0.0")
    (folder / "of-acme" / "release.cbor").write_bytes(release)
    (folder / "the-model.cbor").write_bytes(signed(OPERATOR, "model", at=SIGNED_AT, **MODEL))
    (folder / ".hidden").write_text("not a statement")
    return folder


def outcomes(out: str) -> dict[str, dict[str, Any]]:
    """The outcomes by file name."""
    return {Path(row["file"]).name: row for row in map(json.loads, out.splitlines())}


def test_files_in_any_order_go_on_record(register: Command, folder: Path) -> None:
    """A release waits for its model, whichever file is first; handed in again nothing changes."""
    code, out, _ = register("statements", "submit", "--recorded-at", AT, "--json", str(folder))
    first = outcomes(out)
    assert code == 0
    assert {name: (row["kind"], row["leaf"]) for name, row in first.items()} == {
        "the-model.cbor": ("model", 1),
        "release.cbor": ("release", 2),
    }
    code, out, _ = register("statements", "submit", "--json", str(folder))
    assert (code, outcomes(out)) == (0, first)


def test_what_is_refused_is_told_and_counted_after_the_rest_went_in(
    register: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refusal has its reason, no refusal keeps another file out, and the exit code tells that there was one."""
    (folder / "a-promise.cbor").write_bytes(signed(OPERATOR, "window", at=SIGNED_AT, model="acme/cam-2", end="tba"))
    (folder / "b-large.cbor").write_bytes(bytes(MAX_STATEMENT_BYTES + 10))
    other = signed(MAKER, "release", at=SIGNED_AT, model="acme/cam-9", version="1.0.0")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(other)))
    code, out, _ = register("statements", "submit", "--json", str(folder), "-")
    found = outcomes(out)
    assert code == 65
    assert {name: row.get("reason") for name, row in found.items()} == {
        "a-promise.cbor": "statement_issuer",
        "b-large.cbor": "too_large",
        "-": "statement_model",
        "the-model.cbor": None,
        "release.cbor": None,
    }
    _, out, _ = register("status", "--json")
    assert json.loads(out)["rejected"] == {"statement_issuer": 1, "statement_model": 1, "too_large": 1}


def test_the_text_for_people_says_the_same(register: Command, folder: Path) -> None:
    """A line a file, with the place in the log or the reason."""
    (folder / "broken.cbor").write_bytes(b"hello")
    _, out, _ = register("statements", "submit", str(folder))
    assert "the-model.cbor: model by operator:register is entry 1 of the log" in out
    assert "broken.cbor: quarantined, malformed: " in out


@pytest.mark.parametrize(
    ("simulated", "instant", "fault"),
    [
        pytest.param("false", AT, "the real one", id="in a real register"),
        pytest.param("true", "2026-01-31T23:59:59Z", "does not lie between", id="before the newest entry"),
        pytest.param("true", "2999-01-01T00:00:00Z", "does not lie between", id="in the future"),
    ],
)
def test_the_clock_is_set_forward_only_and_in_simulated_registers_only(
    command: Command, config: Path, folder: Path, simulated: str, instant: str, fault: str
) -> None:
    """Nobody dates a real record back, and no log goes backwards."""
    config.write_text(f"simulated = {simulated}\n" + config.read_text())
    command("issuers", "enrol", OPERATOR, key_of(OPERATOR).public.data.hex())
    if simulated == "true":
        assert command("statements", "submit", "--recorded-at", AT, str(folder / "the-model.cbor"))[0] == 0
    code, out, err = command("statements", "submit", "--recorded-at", instant, str(folder))
    assert (code, out) == (65, "")
    assert fault in err


def test_a_file_that_is_not_there_keeps_no_other_from_the_record(register: Command, folder: Path) -> None:
    """The others go in, and the message names the one to hand in again."""
    code, out, err = register("statements", "submit", str(folder / "nothing.cbor"), str(folder))
    assert code == 66
    assert err.splitlines() == [f"{folder / 'nothing.cbor'}: left out, No such file or directory; hand it in again"]
    assert len(out.splitlines()) == 2
    assert all("of the log" in line for line in out.splitlines())


def test_what_is_on_record_is_listed_in_order_and_by_choice(register: Command, folder: Path) -> None:
    """By kind, model and issuer; as text, or as facts."""
    register("statements", "submit", "--recorded-at", AT, str(folder))
    _, out, _ = register("statements", "list")
    assert [line.split()[2:5] for line in out.splitlines()] == [
        ["model", OPERATOR, "acme/cam-2"],
        ["release", MAKER, "acme/cam-2"],
    ]
    for choice in (("--kind", "release"), ("--issuer", MAKER)):
        _, out, _ = register("statements", "list", "--json", *choice)
        (fact,) = map(json.loads, out.splitlines())
        assert (fact["leaf"], fact["version"], fact["recorded_at"]) == (2, "1.0.0", AT)
    assert register("statements", "list", "--model", "acme/cam-9") == (0, "", "")


def test_a_gateways_enrolment_is_listed_among_them(register: Command, config: Path) -> None:
    """It is no fact, and has its place in the log like any other."""
    _, out, _ = register("gateways", "code", "--port", "1883")
    now = int(time.time())
    wish = sign_enrolment(
        gateway=HOME, key=key_of(f"gateway:{HOME}"), code=parse_code(out.split()[-1]), asserted_at=to_text(now)
    )

    async def arrive() -> None:
        async with opened(load(str(config)), now=now) as (engine, log):
            await Register(engine, log).receive(HOME, "statement", wish, at=now)

    asyncio.run(arrive())
    _, out, _ = register("statements", "list")
    assert out.split()[2:4] == ["enrolment", f"gateway:{HOME}"]
    _, out, _ = register("statements", "list", "--json")
    assert (json.loads(out)["kind"], json.loads(out)["recorded_at"]) == ("enrolment", to_text(now))
