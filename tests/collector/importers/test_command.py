"""`updateplicht-collector import`: what an operator types, sees and gets."""

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.__main__ import main
from collector.catalogue.importers import names
from collector.catalogue.importing.files import MAX_BYTES
from tests.collector.importers.test_fixtures import CASES, CATALOGUE
from tests.collector.importers.test_models import OPERATOR
from tests.collector.importers.test_recording import core, index, page
from tests.collector.register import DEVICE, HOME, Register, key_of, seen
from tests.world.processes import command as run_command
from tests.world.processes import eventually, running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file; every port is chosen free, and the clock may be set."""
    file = tmp_path / "collector.toml"
    file.write_text(f'state_dir = "{tmp_path / "state"}"\nsimulated = true\n[broker]\nport = 0\n[web]\nport = 0\n')
    return file


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command: its exit code, output and errors."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(["--config", str(config), *map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def lines(out: str) -> list[dict[str, Any]]:
    """JSON, one object a line."""
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Folders of records, good ones, a bad one, and what is none."""
    folder = tmp_path / "records"
    (folder / "2026" / "deeper").mkdir(parents=True)
    (folder / "2026" / "cam.json").write_text(core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00Z"))
    (folder / "2026" / "deeper" / "lamp.json").write_text(core("tba", "2026-02-01T12:00:00Z"))
    (folder / "bad.json").write_text("{")
    (folder / "index.txt").write_text("2026/cam.json")
    (folder / ".hidden.json").write_text("{")
    return folder


def test_a_folder_is_imported_with_all_below_it(run: Run, catalogue: Path) -> None:
    """One file that is none stops nobody, is named, and shows in the exit code."""
    code, out, _ = run("import", "openeox", catalogue)
    assert code == os.EX_DATAERR
    assert f"{catalogue}/bad.json: malformed: no JSON" in out
    assert "3 files, 1 of them not understood" in out
    assert "new:     2 window" in out
    code, out, _ = run("import", "openeox", catalogue)
    assert "new:     nothing\nknown:   2 window" in out


def test_a_program_reads_one_object_a_line(run: Run, catalogue: Path) -> None:
    """What is listed, in the order of the files, and the summary last."""
    _, out, _ = run("import", "openeox", catalogue, "--json")
    *listed, summary = lines(out)
    assert [(Path(each["file"]).name, each["place"], each["reason"]) for each in listed] == [
        ("bad.json", "", "malformed"),
        ("cam.json", "/end_of_life", "tba"),
        ("cam.json", "", "model_incomplete"),
        ("lamp.json", "/end_of_life", "tba"),
        ("lamp.json", "/end_of_security_support", "tba"),
        ("lamp.json", "", "model_incomplete"),
    ]
    assert summary == {
        "files": 3,
        "faulty": 1,
        "new": {"window": 2},
        "known": {},
        "skipped": {"malformed": 1, "model_incomplete": 2, "tba": 3},
        "undescribed_models": ["openeox/cam", "openeox/lamp"],
    }


def test_a_dry_run_shows_everything_and_leaves_nothing(run: Run, catalogue: Path, tmp_path: Path) -> None:
    """Drafts and listed parts are printed; no register is made."""
    code, out, _ = run("import", "openeox", catalogue / "2026", "--dry-run", "--json")
    found = lines(out)
    drafts = [each for each in found if "kind" in each]
    assert code == 0
    assert [(draft["kind"], draft["fields"]["model"]) for draft in drafts] == [
        ("model", "openeox/cam"),
        ("window", "openeox/cam"),
        ("model", "openeox/lamp"),
        ("window", "openeox/lamp"),
    ]
    assert found[-1]["skipped"] == {"tba": 3}
    assert not (tmp_path / "state").exists()
    _, out, _ = run("import", "openeox", catalogue / "2026" / "cam.json", "--dry-run")
    assert f'{catalogue}/2026/cam.json:/end_of_security_support: window {{"model":"openeox/cam"' in out


def test_what_was_skipped_can_be_shown_later(run: Run, catalogue: Path) -> None:
    """Of one format, with file, place, reason and the words as they stood there."""
    run("import", "openeox", catalogue)
    run("import", "endoflife", CATALOGUE / "endoflife" / "bolder_page")
    code, out, _ = run("import", "openeox", "--skipped", "--json")
    assert code == 0
    assert {each["format"] for each in lines(out)} == {"openeox"}
    assert {each["reason"] for each in lines(out)} == {"malformed", "model_incomplete", "tba"}
    _, out, _ = run("import", "endoflife", "--skipped")
    assert "document.md:line 14: date: expected a day such as 2026-11-21 | 2025-10-5" in out


def test_files_that_cannot_be_read_are_listed(run: Run, tmp_path: Path) -> None:
    """A pipe is not waited for, a folder in a circle not walked for ever, and the file after them goes in."""
    folder = tmp_path / "odd"
    folder.mkdir()
    os.mkfifo(os.fsencode(folder) + b"/\xff.json")
    (folder / "circle").symlink_to(folder)
    (folder / "dangling.json").symlink_to(folder / "nowhere")
    with (folder / "huge.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (folder / "z.json").write_text(core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00Z"))
    code, out, _ = run("import", "openeox", folder, tmp_path / "missing.json", "--json")
    *listed, summary = lines(out)
    assert code == os.EX_DATAERR
    assert {Path(each["file"]).name: each["reason"] for each in listed if each["reason"] != "model_incomplete"} == {
        "\\xff.json": "unreadable",
        "dangling.json": "unreadable",
        "huge.json": "too_large",
        "missing.json": "unreadable",
        "z.json": "tba",
    }
    assert (summary["files"], summary["faulty"], summary["new"]) == (5, 4, {"window": 1})


def test_packed_and_shouted_names_are_not_passed_over(run: Run, tmp_path: Path) -> None:
    """A folder is searched for what was meant; packed files are listed with what to do."""
    folder = tmp_path / "records"
    folder.mkdir()
    record = core("2031-12-31T23:59:59Z", "2026-02-01T12:00:00Z").encode()
    (folder / "CAM.JSON").write_bytes(record)
    (folder / "packed.json.gz").write_bytes(gzip.compress(record))
    (folder / "zip.json").write_bytes(b"PK\x03\x04")
    (folder / "cam.json.sha512").write_text("00")
    code, out, _ = run("import", "openeox", folder)
    assert code == os.EX_DATAERR
    assert f"{folder}/packed.json.gz: format: packed as gz: unpack it first" in out
    assert f"{folder}/zip.json: format: packed as zip: unpack it first" in out
    assert "3 files, 2 of them not understood\nnew:     1 window" in out


def test_paths_that_the_system_refuses_are_listed(run: Run, tmp_path: Path) -> None:
    """A name beyond all bounds, and a folder that lies too deep to be opened."""
    inner = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "deep").mkdir()
    for name in ("deep", *["d" * 250] * 17):
        if name != "deep":
            os.mkdir(name, dir_fd=inner)
        outer, inner = inner, os.open(name, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    code, out, _ = run("import", "openeox", tmp_path / ("n" * 300), tmp_path / "deep", "--json")
    *listed, summary = lines(out)
    assert (code, summary["files"]) == (os.EX_DATAERR, 2)
    assert [(each["reason"], each["detail"]) for each in listed] == [("unreadable", "File name too long")] * 2


@pytest.mark.parametrize("format_", names())
def test_a_file_of_another_format_is_not_taken_for_one_without_news(run: Run, format_: str) -> None:
    """Who mistypes the format learns it from the exit code, whatever the two formats have in common."""
    understood = [case for case in CASES if json.loads((case / "expected.json").read_text())["drafts"]]
    others = [case for case in understood if case.parent.name != format_]
    assert len(others) >= len(names())
    for case in others:
        document = next(path for path in case.iterdir() if path.name != "expected.json")
        code, out, _ = run("import", format_, document, "--dry-run", "--json")
        assert (code, lines(out)[-1]["new"]) == (os.EX_DATAERR, {}), document


MISTYPED = {
    "a format that there is not": ("import", "suit", "x"),
    "no file": ("import", "openeox"),
    "a day for an instant": ("import", "openeox", "x", "--as-of", "2026-01-01"),
}


@pytest.mark.parametrize("arguments", MISTYPED.values(), ids=MISTYPED)
def test_what_is_mistyped_ends_with_64(run: Run, arguments: tuple[str, ...]) -> None:
    """And says what would be right."""
    code, out, err = run(*arguments)
    assert (code, out) == (os.EX_USAGE, "")
    assert err


def test_an_empty_folder_has_no_input(run: Run, tmp_path: Path) -> None:
    """An operator who mistyped a path should not think that all went well."""
    (tmp_path / "empty").mkdir()
    code, out, _ = run("import", "openeox", tmp_path / "empty")
    assert code == os.EX_NOINPUT
    assert out.startswith("0 files")


def test_the_clock_of_a_simulated_register_can_be_set(run: Run, tmp_path: Path) -> None:
    """A history is replayed as it was recorded; a real register's clock is the real one."""
    for day, end in (("2023-02-02", "2024-09-30"), ("2025-03-16", "2026-09-30")):
        (tmp_path / "page.md").write_text(page(end))
        code, _, _ = run("import", "endoflife", tmp_path / "page.md", "--recorded-at", f"{day}T00:00:00Z")
        assert code == 0
    _, out, _ = run("statements", "list", "--json")
    assert [(fact["recorded_at"], fact["asserted_at"], fact["end"]) for fact in lines(out)] == [
        ("2023-02-02T00:00:00Z", "2023-02-02T00:00:00Z", "2024-09-30"),
        ("2025-03-16T00:00:00Z", "2025-03-16T00:00:00Z", "2026-09-30"),
    ]
    code, _, err = run("import", "endoflife", tmp_path / "page.md", "--recorded-at", "2020-01-01T00:00:00Z")
    assert (code, "2025-03-16" in err) == (os.EX_DATAERR, True)


def test_an_operator_brings_key_and_map(run: Run, tmp_path: Path) -> None:
    """The model that the map names is on record, by the operator's word."""
    key = tmp_path / "operator.key"
    key.write_bytes(key_of(OPERATOR).seed)
    key.chmod(0o600)
    names = tmp_path / "map.toml"
    names.write_text('[manufacturers]\nzigbee-65001 = "kust"\n')
    (tmp_path / "index.json").write_text(index(1, 2))
    imported = ("import", "zigbee_ota", tmp_path / "index.json", "--map", names, "--operator-key", key)
    code, _, err = run(*imported)
    assert (code, "issuers enrol" in err) == (os.EX_NOINPUT, True)
    run("issuers", "enrol", OPERATOR, key_of(OPERATOR).public.data.hex())
    code, out, _ = run(*imported)
    assert (code, "new:     1 model, 2 release" in out) == (0, True)
    key.chmod(0o644)
    assert run(*imported)[0] == os.EX_CONFIG
    assert run(*imported[:-1], tmp_path / "no.key")[0] == os.EX_CONFIG


async def test_a_live_collector_judges_again_what_an_import_touches(config: Path, tmp_path: Path) -> None:
    """The device's version was on nobody's list; then a feed lists it, in a scheme that the model does not have."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "collector.key").write_bytes(key_of("collector").seed)
    (state / "collector.key").chmod(0o600)
    async with Register.opened(state) as register:
        await register.settle()
        await register.state("manufacturer:acme", "window", model="acme/cam-2", end="2099-12-31")
        await register.report(HOME, 2, int(time.time()), seen(DEVICE))
    (tmp_path / "cam.xml").write_text(
        '<component type="firmware"><id>x.acme.cam</id><releases><release version="1.0.0"/></releases></component>'
    )
    (tmp_path / "map.toml").write_text('[models."appstream/x.acme.cam"]\nmodel = "acme/cam-2"\n')
    program = ("collector", "--config", str(config))
    async with running(tmp_path / "log", *program, "run", until_ready=True) as (_, said):
        device = f"{said['web']}api/v1/devices/{HOME}/{DEVICE}"

        def code() -> str | None:
            verdict = httpx.get(device, timeout=60).raise_for_status().json()["verdict"]
            return verdict and str(verdict["M"]["code"])

        await eventually(lambda: code() == "FIRMWARE_UNKNOWN")
        await run_command(
            *program, "import", "appstream", str(tmp_path / "cam.xml"), "--map", str(tmp_path / "map.toml")
        )
        await eventually(lambda: code() == "VERSION_NOT_COMPARABLE")
