"""`parse` over files, as a process: what it prints and the code it ends with."""

import json
from pathlib import Path

import pytest

from tests.shared import ROOT
from tests.world.gateway import Gateway

DEVICES = ROOT / "firmware_fixtures/house/topics/zigbee2mqtt/bridge/devices.json"


async def test_each_file_is_a_line_in_the_order_given(gateway: Gateway, tmp_path: Path) -> None:
    """What cannot be read is said in its place, and costs no other; the code tells of it."""
    request, big = tmp_path / "request.json", tmp_path / "big.json"
    request.write_text('{"data": {}, "status": "ok"}')
    with big.open("wb") as file:
        file.truncate(2**24 + 1)
    code, out, err = await gateway.command(
        "parse", "zigbee2mqtt", str(tmp_path / "none"), str(big), str(tmp_path), str(request), str(DEVICES)
    )
    none, large, folder, asked, devices = map(json.loads, out.splitlines())
    assert (code, err) == (65, "")
    assert none == {"file": str(tmp_path / "none"), "error": "No such file or directory"}
    assert large["error"] == "more than 16777216 bytes"
    assert folder["error"] == "Is a directory"
    assert asked == {"file": str(request), "not_a_reading": True}
    assert devices["file"] == str(DEVICES)
    assert devices["readings"][1] == {
        "device": "0x0c4314fffe00a101",
        "result": "ok",
        "version_raw": "2.3.087",
        "version_alt": None,
        "scheme": None,
        "ids": ["zigbee:Lumenta/LB-980"],
        "offer": None,
    }


async def test_a_file_that_holds_something_else_is_a_parse_failure(gateway: Gateway, tmp_path: Path) -> None:
    """It was read, so the command did what it was asked for."""
    (tmp_path / "a").write_bytes(b"\xff")
    code, out, _ = await gateway.command("parse", "zigbee2mqtt", str(tmp_path / "a"))
    assert code == 0
    (reading,) = json.loads(out)["readings"]
    assert (reading["device"], reading["result"]) == ("self", "parse_failed")


@pytest.mark.parametrize("arguments", [["toaster", "a"], ["gateway"], []], ids=["no source", "no file", "nothing"])
async def test_a_mistake_ends_with_64(gateway: Gateway, arguments: list[str]) -> None:
    """One line says what there is."""
    code, out, err = await gateway.command("parse", *arguments)
    assert (code, out) == (64, "")
    assert "zigbee2mqtt" in err or "required" in err
