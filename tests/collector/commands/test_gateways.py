"""An operator lets gateways in, sees them, and shuts them out."""

import json

import pytest

from evidence.enrolment import parse_code
from tests.collector.commands.conftest import Command
from tests.collector.register import HOME, NEIGHBOUR, key_of

KEY = key_of("home").public.data.hex()


def test_a_code_holds_where_the_gateway_finds_us(command: Command) -> None:
    """The address as it reaches the broker, our log and our key, and a secret of its own; the last line is the code."""
    code, out, _ = command("gateways", "code", "--host", "broker.example", "--port", "8883", "--tls")
    _, again, _ = command("gateways", "code", "--port", "1883")
    first, second = parse_code(out.splitlines()[-1]), parse_code(again.splitlines()[-1])
    assert code == 0
    assert (first.host, first.port, first.tls) == ("broker.example", 8883, True)
    assert (second.host, second.port, second.tls) == ("127.0.0.1", 1883, False)
    assert (first.log, first.collector) == (second.log, second.collector)
    assert first.secret != second.secret


def test_a_code_needs_a_port(command: Command) -> None:
    """The embedded broker has none before the collector runs, and the message says what to do."""
    code, out, err = command("gateways", "code")
    assert (code, out) == (66, "")
    assert "give --port" in err


def test_a_gateway_by_hand(command: Command) -> None:
    """Enrolled, listed, and neither it nor its key enrolled twice."""
    assert command("gateways", "list") == (0, "", "")
    assert command("gateways", "enrol", HOME, KEY)[0] == 0
    _, out, _ = command("gateways", "list", "--json")
    row = json.loads(out)
    assert (row["gateway"], row["last_sequence"], row["last_report_at"], row["devices"]) == (HOME, 0, None, 0)
    code, _, err = command("gateways", "enrol", HOME, key_of("another").public.data.hex())
    assert (code, "is enrolled already" in err) == (65, True)
    code, _, err = command("gateways", "enrol", NEIGHBOUR, KEY)
    assert (code, "somebody else's" in err) == (65, True)


def test_a_gateway_is_revoked_from_an_instant_on(command: Command) -> None:
    """Now, where none is given; later on only from an earlier one; whoever is not there cannot be."""
    command("gateways", "enrol", HOME, KEY)
    assert command("gateways", "revoke", HOME, "--at", "2026-12-01T00:00:00Z")[0] == 0
    _, out, _ = command("gateways", "list", "--json")
    row = json.loads(out)
    assert row["revoked_at"] == "2026-12-01T00:00:00Z"
    _, out, _ = command("gateways", "list")
    assert f"revoked 2026-12-01T00:00:00Z, recorded {row['revocation_recorded_at']}" in out
    code, _, err = command("gateways", "revoke", HOME, "--at", "2026-12-02T00:00:00Z")
    assert (code, "can only become earlier" in err) == (65, True)
    assert command("gateways", "revoke", HOME, "--at", "2026-11-01T00:00:00Z")[0] == 0
    code, _, err = command("gateways", "revoke", NEIGHBOUR)
    assert (code, "gateways list" in err) == (66, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("enrol", "short", KEY),
        ("enrol", HOME, "short"),
        ("revoke", HOME, "--at", "tomorrow"),
        ("code", "--valid-hours", "0"),
        ("code", "--valid-hours", "ten"),
    ],
)
def test_what_is_mistyped_is_said_so(command: Command, arguments: tuple[str, ...]) -> None:
    """Before the register is opened, with exit 64."""
    with pytest.raises(SystemExit, match="64"):
        command("gateways", *arguments)
