"""An operator enrols who may make statements, and lets a party go on under another key."""

import json
from pathlib import Path

import pytest

from evidence import statement
from evidence.statement import Statement
from tests.collector.commands.conftest import Command
from tests.collector.register import key_of

SHOP = "seller:noordlicht"
OLD, NEW = key_of(SHOP), key_of("its next key")


@pytest.fixture
def succession(tmp_path: Path) -> Path:
    """The old key's word for the new one, in a file."""
    file = tmp_path / "succession.cbor"
    fields = {"party": SHOP, "key": NEW.public.data.hex()}
    made = Statement(kind="key_succession", asserted_at="2026-11-20T12:00:00Z", fields=fields)
    file.write_bytes(statement.sign(made, OLD))
    return file


def test_a_party_goes_on_under_the_key_that_its_old_one_signed(command: Command, succession: Path) -> None:
    """The old one has ended; the statement is on record."""
    command("issuers", "enrol", SHOP, OLD.public.data.hex())
    code, out, err = command("issuers", "replace", SHOP, NEW.public.data.hex(), "--signed-by", str(succession))
    assert (code, f"key {OLD.public.id.hex()} has ended and signed it" in out) == (0, True), err
    _, out, _ = command("issuers", "list", "--json")
    keys = json.loads(out)["keys"]
    assert keys[OLD.public.id.hex()] is not None
    assert keys[NEW.public.id.hex()] is None
    _, out, _ = command("statements", "list", "--json")
    assert "key_succession" in out


def test_a_key_that_the_old_one_did_not_sign_is_refused(command: Command, succession: Path) -> None:
    """And nothing changes."""
    command("issuers", "enrol", SHOP, OLD.public.data.hex())
    another = key_of("another").public.data.hex()
    code, _, err = command("issuers", "replace", SHOP, another, "--signed-by", str(succession))
    assert (code, "statement_field" in err) == (65, True)
    _, out, _ = command("issuers", "list", "--json")
    assert json.loads(out)["keys"] == {OLD.public.id.hex(): None}


def test_a_file_that_is_not_there_is_said(command: Command, tmp_path: Path) -> None:
    """By its name."""
    file = str(tmp_path / "nothing.cbor")
    code, _, err = command("issuers", "replace", SHOP, NEW.public.data.hex(), "--signed-by", file)
    assert (code, file in err) == (66, True)


def test_the_operator_is_told_what_ending_a_key_means(command: Command) -> None:
    """A term that was cut short counts against the party."""
    command("issuers", "enrol", SHOP, OLD.public.data.hex())
    code, out, _ = command("issuers", "end", OLD.public.id.hex())
    assert (code, "`issuers replace`" in out) == (0, True)


@pytest.mark.parametrize(
    ("number", "spelt_anew"),
    [
        pytest.param("KvK 12345678", "12.34.56.78", id="of a chamber of commerce"),
        pytest.param("NL 0042 90 123 B01", "nl004290123b01", id="of a tax office"),
    ],
)
def test_a_new_name_is_no_new_party(command: Command, number: str, spelt_anew: str) -> None:
    """However its number is spelt; under the other role it may be the same legal person."""
    assert command("issuers", "enrol", SHOP, OLD.public.data.hex(), "--register-number", number)[0] == 0
    new = ("issuers", "enrol", "seller:zonlicht", NEW.public.data.hex(), "--register-number", spelt_anew)
    code, _, err = command(*new)
    assert (code, f"{SHOP} has register number" in err) == (65, True)
    assert command("issuers", "enrol", "manufacturer:noordlicht", *new[3:])[0] == 0


@pytest.mark.parametrize("number", ["1234", "KvK 1234567", "the chamber", "NLXX"])
def test_a_number_that_no_register_gives_is_refused(
    command: Command, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    """And the form is said."""
    with pytest.raises(SystemExit) as ended:
        command("issuers", "enrol", SHOP, OLD.public.data.hex(), "--register-number", number)
    assert ended.value.code == 64
    assert "expected a KvK number of 8 digits" in capsys.readouterr().err
