"""Another project's COSE opens our messages, and ours opens its: python-cwt, in an environment of its own.

The environment is `.venv-cose`, made by `make setup-tests`. Without it these tests skip, unless UPDATEPLICHT_REQUIRE
names `cose`: then they fail.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from evidence import cose, report, statement
from firmware_fixtures.evidence import forge
from tests.evidence.openers import OPENERS
from tests.required import missing
from tests.shared import ROOT

PEER = Path(__file__).parent / "foreign" / "cose_peer.py"
PYTHON = ROOT / ".venv-cose" / "bin" / "python"
PUBLIC = forge.KEY.public
WHO = {"public": PUBLIC.data.hex(), "kid": PUBLIC.id.hex()}


def ask(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """The peer's answers, one for each task."""
    if not PYTHON.exists():
        missing("cose", f"{PYTHON} is missing; make it with `make setup-tests`")
    done = subprocess.run(
        [PYTHON, PEER], input=json.dumps(tasks), capture_output=True, text=True, timeout=60, check=True
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(answers) == len(tasks)
    return answers


def detached(name: str) -> str | None:
    """What the signature of a receipt is over; other messages carry it."""
    return forge.ROOT.hex() if name == "receipt" else None


def test_the_peer_opens_every_message_of_ours() -> None:
    """It finds the same payload and headers, and its own encoder makes the same bytes of them."""
    names = list(forge.VALID)
    answers = ask(*({"open": forge.VALID[name].hex(), "detached": detached(name), **WHO} for name in names))
    for name, answer in zip(names, answers, strict=True):
        ours = cose.parse(forge.VALID[name], cose.message_type(forge.VALID[name]))
        assert answer["payload"] == (detached(name) or (ours.unverified_payload or b"").hex()), name
        assert answer["protected"]["1"] == cose.ED25519
        assert answer["protected"]["4"] == PUBLIC.id.hex()
        assert answer["protected"].get("16") == ours.type
        assert answer["deterministic"]


def test_the_peer_refuses_what_we_refuse() -> None:
    """A bent signature, another key and another root are refused by both: the peer does check."""
    bent = forge.VALID["report"][:-1] + bytes([forge.VALID["report"][-1] ^ 1])
    other = {"public": forge.OTHER_KEY.public.data.hex(), "kid": PUBLIC.id.hex()}
    answers = ask(
        {"open": bent.hex(), "detached": None} | WHO,
        {"open": forge.VALID["report"].hex(), "detached": None} | other,
        {"open": forge.VALID["receipt"].hex(), "detached": bytes(32).hex()} | WHO,
    )
    assert all("Failed to verify" in answer["error"] for answer in answers)


def test_we_open_what_the_peer_signs() -> None:
    """Its report and its statement are accepted, and are the very bytes that we would have made."""
    payloads = {"report": report.encode(forge.REPORT), "statement": statement.encode(forge.STATEMENT)}
    types = {"report": report.MESSAGE_TYPE, "statement": statement.MESSAGE_TYPE}
    tasks = [
        {"sign": payload.hex(), "seed": forge.KEY.seed.hex(), "type": types[name]} | WHO
        for name, payload in payloads.items()
    ]
    for name, answer in zip(payloads, ask(*tasks), strict=True):
        message = bytes.fromhex(answer["message"])
        assert OPENERS[name](message, PUBLIC) in (forge.REPORT, forge.STATEMENT)
        assert message == forge.VALID[name]
