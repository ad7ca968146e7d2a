"""`updateplicht-evidence` as a person runs it: files in, files and lines out, exit codes of sysexits."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import cose, statement
from evidence.__main__ import main
from evidence.keys import SigningKey

SEED = bytes(range(32))
PUBLIC = SigningKey(SEED).public
ONE = 'kind = "window"\nmodel = "acme/cam-2"\nend = 2029-06-30\nasserted_at = 2026-03-10T12:00:00Z\n'
TWO = """
[[statement]]
kind = "window"
model = "acme/cam-2"
end = {months = 24, from = "purchase"}

[[statement]]
kind = "release"
model = "acme/cam-2"
version = "1.0"
fixes = ["ACME-2026-01"]
available_from = 2026-01-01T01:30:00+02:00
asserted_at = 2026-01-01T01:30:00+02:00
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a private key in it."""
    monkeypatch.chdir(tmp_path)
    Path("seller.key").write_bytes(SEED)
    return tmp_path


def stated(path: Path) -> statement.Statement:
    """The statement of a file, its signature checked."""
    return statement.decode(cose.parse(path.read_bytes(), statement.MESSAGE_TYPE).verify(PUBLIC))


def exit_code(arguments: list[str]) -> object:
    """What the program would end with."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


def test_from_key_to_verified_statement_as_processes(folder: Path) -> None:
    """The documented way works with the real program: keygen, sign, verify, show."""

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "evidence", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120).stdout

    (folder / "promise.toml").write_text(ONE)
    made = json.loads(run("keygen", "my.key", "--json"))
    assert (folder / "my.key").stat().st_mode & 0o777 == 0o600
    assert SigningKey((folder / "my.key").read_bytes()).public.data.hex() == made["public_key"]
    run("sign", "--key", "my.key", "promise.toml")
    digest = hashlib.sha256((folder / "promise.cbor").read_bytes()).hexdigest()
    line = run("verify", "--key", made["public_key"], "promise.cbor")
    assert line == f"promise.cbor: valid statement, key {made['key_id']}, sha256 {digest}\n"
    assert '"end": "2029-06-30"' in run("show", "promise.cbor")


@pytest.mark.usefixtures("folder")
def test_keygen_overwrites_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A key that exists stays as it is."""
    assert main(["keygen", "seller.key"]) == 73
    assert "never overwritten" in capsys.readouterr().err
    assert Path("seller.key").read_bytes() == SEED


@pytest.mark.usefixtures("folder")
def test_one_statement_becomes_one_file_beside_its_source() -> None:
    """TOML dates become text, and the instant is the one in the file."""
    Path("promise.toml").write_text(ONE)
    assert main(["sign", "--key", "seller.key", "promise.toml"]) == 0
    assert stated(Path("promise.cbor")) == statement.Statement(
        kind="window",
        asserted_at="2026-03-10T12:00:00Z",
        fields={"model": "acme/cam-2", "end": "2029-06-30"},
    )


@pytest.mark.usefixtures("folder")
def test_several_statements_become_numbered_files_in_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of JSON names a file and the digest that other statements refer to it by."""
    Path("promises.toml").write_text(TWO)
    arguments = ["sign", "--key", "seller.key", "--asserted-at", "2026-03-10T12:00:00Z", "promises.toml"]
    assert main([*arguments, "-o", "signed", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == ["signed/001-window.cbor", "signed/002-release.cbor"]
    for line in lines:
        assert hashlib.sha256(Path(line["file"]).read_bytes()).hexdigest() == line["sha256"]
    window, release = (stated(Path(line["file"])) for line in lines)
    assert window.asserted_at == "2026-03-10T12:00:00Z"
    assert window.fields["end"] == {"months": 24, "from": "purchase"}
    assert release.asserted_at == "2025-12-31T23:30:00Z"
    assert release.fields["available_from"] == "2026-01-01T01:30:00+02:00"


@pytest.mark.usefixtures("folder")
def test_verify_names_what_is_wrong_with_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    """One bad file neither hides the others nor passes; the key may stand in a file."""
    Path("promise.toml").write_text(ONE)
    main(["sign", "--key", "seller.key", "promise.toml"])
    good = Path("promise.cbor").read_bytes()
    Path("bent.cbor").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    Path("text.cbor").write_bytes(cose.sign(b"\xa0", SigningKey(SEED), "text/plain"))
    Path("public").write_text(PUBLIC.data.hex() + "\n")
    capsys.readouterr()
    assert main(["verify", "--key", "public", "--json", "bent.cbor", "promise.cbor", "text.cbor"]) == 65
    bent, fine, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (bent["valid"], bent["code"]) == (False, "signature")
    assert (fine["valid"], fine["type"]) == (True, "statement")
    assert (other["valid"], other["code"]) == (False, "profile")


@pytest.mark.usefixtures("folder")
def test_show_as_json_names_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads has names where diagnostic notation has comments."""
    Path("promise.toml").write_text(ONE)
    main(["sign", "--key", "seller.key", "promise.toml"])
    capsys.readouterr()
    assert main(["show", "--json", "promise.cbor"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["protected"] == {"alg": -19, "kid": PUBLIC.id.hex(), "typ": statement.MESSAGE_TYPE}
    assert shown["payload"]["kind"] == "window"


FAULTS = {
    "no TOML": ("kind = ", "no TOML"),
    "no kind": ('model = "m"', "/kind: expected one of acknowledgement, advisory, answer, "),
    "a kind that is mistyped": (ONE.replace("window", "widnow"), "/kind: expected one of acknowledgement, advisory, "),
    "a kind that only programs state": (ONE.replace("window", "enrolment"), "/kind: expected one of "),
    "a kind that is no text": ("kind = 1", "/kind: expected one of "),
    "a second one mistyped": (TWO.replace("release", "relaese"), "/statement[1]/kind: expected one of "),
    "a field without a name": ('kind = "window"\n"" = 1', "statement 1: "),
    "a fraction": ('kind = "window"\nend = 1.5', "/end: expected a text, an integer"),
    "a time without a day": ('kind = "window"\nend = 12:00:00', "/end: expected a text, an integer"),
    "an instant that is none": ('kind = "window"\nasserted_at = "2026-02-30T00:00:00Z"', "/asserted_at: expected an"),
    "an instant without offset": ('kind = "window"\nasserted_at = 2026-02-03T00:00:00', "/asserted_at: expected an"),
    "a field that the register sets": ('kind = "window"\nid = "x"', "/id: expected to be absent"),
    "a mix of one and several": ('kind = "window"\n[[statement]]\nkind = "window"', "either one statement"),
    "a fault in the second of two": (
        '[[statement]]\nkind = "window"\n[[statement]]\nkind = "release"\nx = 0.5',
        "/statement[1]/x",
    ),
    "an integer that JSON rounds": ('kind = "window"\nn = 9007199254740993', "/n: expected an integer from"),
    "bytes that are no text": ("\udcff", "can't decode"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_statement_is_told_where(text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with file and place, exit 65, and nothing is written."""
    Path("promise.toml").write_text(text, errors="surrogateescape")
    assert main(["sign", "--key", "seller.key", "promise.toml"]) == 65
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("updateplicht-evidence: promise.toml")
    assert message in line
    assert not Path("promise.cbor").exists()


MISUSES = {
    "no command": ([], 64),
    "no key": (["sign", "promise.toml"], 64),
    "a key file that is missing": (["sign", "--key", "none.key", "promise.toml"], 66),
    "a key file that is no key": (["sign", "--key", "promise.toml", "promise.toml"], 65),
    "a source that is missing": (["sign", "--key", "seller.key", "none.toml"], 66),
    "a place that cannot be written": (["sign", "--key", "seller.key", "promise.toml", "-o", "seller.key/x"], 73),
    "a public key that is none": (["verify", "--key", "zz" * 32, "promise.toml"], 65),
    "a message that is missing": (["show", "none.cbor"], 66),
    "a file that is no message": (["show", "promise.toml"], 65),
    "a folder in place of a key": (["keygen", "."], 73),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "code"), MISUSES.values(), ids=MISUSES)
def test_a_misuse_ends_with_its_exit_code(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error, and never a traceback."""
    Path("promise.toml").write_text(ONE)
    assert exit_code(arguments) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
