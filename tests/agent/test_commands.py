"""What each command says, and the code it ends with."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent import keys
from agent.readers import ReadFailure, Reading
from agent.state import LastRefusal, Remembered
from evidence.ids import device_id
from evidence.report import Result
from tests.world.gateway import BULB, Gateway
from tests.world.processes import eventually
from tests.world.witness import Witness

DAY_S = 86_400


async def test_read_shows_each_device_and_each_failure(gateway: Gateway) -> None:
    """For people as a table; a name cannot move the cursor."""
    gateway.finds(
        Reading(identity="mac:1", name="\x1b[2JHall", version_raw="1.2", version_alt="33"),
        ReadFailure(identity="mac:2", result=Result.REFUSED, reason="exception_1", detail="unit 7 knows no 43/14"),
        Reading(identity="mac:3"),
    )
    code, out, _ = await gateway.command("read")
    assert code == 0
    assert "\x1b" not in out
    for shown in ("[2JHall", "1.2 / 33", "(refused: exception_1: unit 7 knows no 43/14)", "(states none)"):
        assert shown in out


async def test_read_says_which_source_failed(gateway: Gateway) -> None:
    """Though no device of it is known."""
    gateway.finds(link_error="no_such_port")
    code, out, _ = await gateway.command("read")
    assert code == 0
    assert "read[0] (scripted) failed: no_such_port: as the script says" in out
    _, out, _ = await gateway.command("read", "--json")
    assert json.loads(out)["sources"][0]["reason"] == "no_such_port"


async def test_read_gives_programs_everything(gateway: Gateway) -> None:
    """Device ids only once the gateway has a secret; and it makes none."""
    _, out, _ = await gateway.command("read", "--json")
    assert not gateway.state_dir.exists()
    (device,) = json.loads(out)["devices"]
    assert device == {
        "device": None,
        "identity": "ieee:00158d0001e29ff0",
        "name": "Hall",
        "reader": "scripted",
        "result": "ok",
        "reason": None,
        "detail": None,
        "version_raw": "2.3.087",
        "version_alt": None,
        "scheme": None,
        "image_digest": None,
        "hardware_revision": None,
        "offer": None,
        "ids": ["zigbee:IKEA/E27"],
    }


async def test_read_tells_programs_what_runs_and_what_failed(gateway: Gateway) -> None:
    """Down to the image and the words of the failure, which no report carries."""
    gateway.finds(
        Reading(identity="mac:1", version_raw="1", image_digest=bytes(range(32)), hardware_revision=3),
        ReadFailure(identity="mac:2", result=Result.UNREACHABLE, reason="timeout", detail="no answer within 2 s"),
    )
    _, out, _ = await gateway.command("read", "--json")
    read, failed = json.loads(out)["devices"]
    assert (read["image_digest"], read["hardware_revision"]) == (bytes(range(32)).hex(), 3)
    assert (failed["reason"], failed["detail"], failed["image_digest"]) == ("timeout", "no answer within 2 s", None)


async def test_read_shows_the_device_ids_that_reports_bear(gateway: Gateway, collector: Witness) -> None:
    """So that a household can tell its devices on the collector's page."""
    await gateway.command("enrol", collector.code(), "--yes")
    _, out, _ = await gateway.command("read", "--json")
    secret = (gateway.state_dir / "device.secret").read_bytes()
    assert json.loads(out)["devices"][0]["device"] == device_id(secret, BULB.identity)


async def test_read_without_any_configuration_shows_the_machine_itself(tmp_path: Path) -> None:
    """On a machine where nothing was set up."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "read", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert "machine:kernel" in [device["identity"] for device in json.loads(out)["devices"]]


async def test_enrol_shows_what_is_sent_and_to_whom_and_asks(gateway: Gateway, collector: Witness) -> None:
    """A no changes nothing but for the gateway's own identity."""
    code, out, _ = await gateway.command("enrol", collector.code(), typed="n\n")
    assert code == 1
    assert f"the collector with log {collector.log}" in out
    assert f"127.0.0.1:{collector.port} (without TLS)" in out
    assert '"kind": "enrolment"' in out
    assert out.endswith(f"Nothing was sent. The gateway's own key and ids stay in {gateway.state_dir}.\n")
    assert sorted(gateway.files()) == ["agent.key", "device.secret", "gateway.id"]
    assert collector.messages == []


async def test_enrol_takes_a_yes(gateway: Gateway, collector: Witness) -> None:
    """Typed at the question."""
    code, out, _ = await gateway.command("enrol", collector.code(), typed="y\n")
    assert (code, "Enrolled: the collector has signed a receipt" in out) == (0, True)
    assert collector.enrolment is not None


async def test_a_second_collector_replaces_the_first(gateway: Gateway, collector: Witness) -> None:
    """The command says so before it asks."""
    await gateway.command("enrol", collector.code(), "--yes")
    other = Witness(collector.port)
    _, out, _ = await gateway.command("enrol", other.code(), typed="n\n")
    assert f"It reports to log {collector.log} now, and would stop doing so" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["enrol", "updateplicht1-mfrggzdfmztwq2lk"], 65, "checksum does not fit", id="a mistyped code"),
        pytest.param(["enrol", "hello"], 65, "begins with updateplicht1-", id="no code at all"),
        pytest.param(["fly"], 64, "invalid choice", id="an unknown command"),
        pytest.param([], 64, "COMMAND", id="no command"),
        pytest.param(["read", "--speed"], 64, "unrecognized arguments", id="an unknown option"),
    ],
)
async def test_a_mistake_ends_with_its_code_and_one_line(
    gateway: Gateway, arguments: list[str], code: int, message: str
) -> None:
    """sysexits, and no traceback."""
    found, _, err = await gateway.command(*arguments)
    assert found == code
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "read", "preview", "check-config", "status"])
async def test_a_faulty_configuration_ends_every_command_with_78(gateway: Gateway, command: str) -> None:
    """The line names file and key."""
    gateway.config.write_text("[survey]\nevery = 5\n")
    code, _, err = await gateway.command(command)
    assert code == 78
    fault = "survey.every: unknown key; expected one of interval_s, report_every_s"
    assert err == f"updateplicht-agent: {gateway.config}: {fault}\n"


@pytest.mark.parametrize("command", ["run", "preview", "status"])
async def test_a_damaged_state_ends_with_74(gateway: Gateway, collector: Witness, command: str) -> None:
    """The line says what to do."""
    await gateway.command("enrol", collector.code(), "--yes")
    (gateway.state_dir / "device.secret").write_bytes(b"short")
    code, _, err = await gateway.command(command)
    assert code == 74
    assert err.count("\n") == 1
    assert "restore it from a backup" in err


async def test_a_second_service_on_the_same_state_is_refused(gateway: Gateway, collector: Witness) -> None:
    """Two would use numbers twice."""
    await gateway.command("enrol", collector.code(), "--yes")
    await gateway.start()
    await eventually(lambda: "round " in gateway.log())
    assert (await gateway.status())["running"]
    code, _, err = await gateway.command("run")
    assert (code, "in use by another updateplicht-agent" in err) == (74, True)


async def test_check_config_says_what_it_understood(gateway: Gateway) -> None:
    """Each source and each sale."""
    gateway.configure('[[sales]]\ndevice = "ieee:00158d0001e29ff0"\nseller = "noordlicht"')
    code, out, _ = await gateway.command("check-config")
    assert code == 0
    assert "read[0]: scripted {" in out
    assert "sale: ieee:00158d0001e29ff0 from noordlicht" in out


async def test_preview_works_before_there_is_a_key(gateway: Gateway) -> None:
    """It says that the key is a throwaway, and makes nothing."""
    code, out, err = await gateway.command("preview")
    assert code == 0
    assert "throwaway" in err
    assert '["2.3.087"]' in out
    assert "Hall" not in out
    assert not gateway.state_dir.exists()


async def test_preview_can_show_all_devices_though_nothing_changed(gateway: Gateway, collector: Witness) -> None:
    """The report that follows carries none."""
    await gateway.command("enrol", collector.code(), "--yes")
    await gateway.start()
    await eventually(lambda: "report=1 " in gateway.log() and not gateway.waiting())
    await gateway.stop()
    before = gateway.files()
    assert "2.3.087" not in (await gateway.command("preview"))[1]
    assert "2.3.087" in (await gateway.command("preview", "--whole"))[1]
    assert gateway.files() == before


async def test_preview_shows_the_sales_that_leave_with_the_first_report(gateway: Gateway, collector: Witness) -> None:
    """The same statements, until they are on record; and `enrol` says how many there are."""
    sale = f'[[sales]]\ndevice = "{BULB.identity}"\nseller = "noordlicht"\n'
    gateway.configure(sale + '[[sales]]\ndevice = "mac:001788010203"\nseller = "nobody has seen it"')
    _, out, _ = await gateway.command("preview")
    assert out.count("/statement; nothing was sent /") == 1
    assert '"seller": "noordlicht"' in out
    assert "nobody has seen it" not in out
    assert not gateway.state_dir.exists()
    _, out, _ = await gateway.command("enrol", collector.code(), "--yes")
    assert "configuration names: 2." in out
    _, shown, _ = await gateway.command("preview", "--hex")
    assert len(shown.split()) == 2
    await gateway.start()
    await eventually(lambda: collector.statements and not gateway.waiting())
    await gateway.stop()
    assert "/statement" not in (await gateway.command("preview"))[1]


@pytest.mark.parametrize(
    ("remembered", "state", "says"),
    {
        "an answer of today": ({"receipted_at": 0}, "ok", "agrees"),
        "an answer of next year": ({"receipted_at": 365 * DAY_S}, "behind", "BEHIND"),
        "a report from the future, not forgiven yet": (
            {"receipted_at": -2 * DAY_S, "refusal": ("freshness", -DAY_S)},
            "ahead",
            "AHEAD",
        ),
        "a report from the future, and one since that was not": (
            {"receipted_at": -DAY_S, "refusal": ("freshness", -2 * DAY_S)},
            "ok",
            "agrees",
        ),
        "another refusal": ({"receipted_at": -2 * DAY_S, "refusal": ("sequence", -DAY_S)}, "ok", "agrees"),
    }.values(),
)
async def test_status_knows_the_clock_by_what_the_collector_said(
    gateway: Gateway, remembered: dict[str, Any], state: str, says: str
) -> None:
    """Instants are told from now."""
    now = int(time.time())
    keys.load_or_create(gateway.state_dir)
    changes: dict[str, Any] = {"receipted_at": now + remembered["receipted_at"]}
    if "refusal" in remembered:
        reason, at = remembered["refusal"]
        changes["refusal"] = LastRefusal(kind="report", reason=reason, refused_at=now + at)
    Remembered(gateway.state_dir).update(**changes)
    assert (await gateway.status())["clock"] == state
    assert f"clock          {says}" in (await gateway.command("status"))[1]


@pytest.mark.parametrize(("refused_at", "said"), [(1, True), (-1, False)], ids=["the last word", "forgiven since"])
async def test_status_says_that_the_key_is_refused(gateway: Gateway, refused_at: int, said: bool) -> None:
    """And what a household can do; not where something was accepted since."""
    now = int(time.time()) - 60
    keys.load_or_create(gateway.state_dir)
    refusal = LastRefusal(kind="report", reason="key", refused_at=now + refused_at)
    Remembered(gateway.state_dir).update(receipted_at=now, refusal=refusal)
    assert (await gateway.status())["key_refused"] is said
    _, out, _ = await gateway.command("status")
    assert (f"move {gateway.state_dir} elsewhere" in out) is said


async def test_status_tells_people_where_they_stand(gateway: Gateway, collector: Witness) -> None:
    """Before and after the enrolment."""
    code, out, _ = await gateway.command("status")
    assert (code, "nobody; see `enrol`" in out) == (0, True)
    assert not gateway.state_dir.exists()
    await gateway.command("enrol", collector.code(), "--yes")
    _, out, _ = await gateway.command("status")
    assert f"log {collector.log} through 127.0.0.1:{collector.port}" in out
    assert "1 in all" in out
    assert "junk           none" in out
    Remembered(gateway.state_dir).update(counts={"receipts": 1, "junk": 3})
    assert "junk           3" in (await gateway.command("status"))[1]
