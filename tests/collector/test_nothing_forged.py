"""Every attack on a real collector, over its real broker: a stable reason, in status, on the page and over the API."""

import asyncio
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from collector.__main__ import main
from evidence import cbor, cose, report, statement
from evidence.enrolment import EnrolmentCode, sign_enrolment
from evidence.ids import topic
from evidence.keys import SigningKey
from evidence.report import DeviceReport, Report, Result, inventory_digest
from evidence.statement import Statement
from evidence.succession import sign_succession
from tests.world.collector import is_at_rest

HOME, NEIGHBOUR, REVOKED, STRANGER, TWICE = ("a0" * 16, "b0" * 16, "c0" * 16, "d0" * 16, "e0" * 16)
KEYS = {name: SigningKey(bytes.fromhex(name) * 2) for name in (HOME, NEIGHBOUR, REVOKED, STRANGER, TWICE)}
WITHIN_S = 60.0
Attack = Callable[[], tuple[str, bytes]]


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def claims(gateway: str, sequence: int, version: str = "1.0", ahead_s: int = 0) -> Report:
    device = DeviceReport(
        device="11" * 16, result=Result.OK, read_at=0, reader="zigbee2mqtt", version_raw=version, ids=("model:bulb",)
    )
    return Report(
        gateway=gateway,
        sequence=sequence,
        issued_at=int(time.time()) + ahead_s,
        inventory=inventory_digest((device,)),
        devices=(device,),
    )


def reports(to: str, sequence: int, about: str = "", by: str = "", **more: Any) -> tuple[str, bytes]:
    """A report on a gateway's topic, about one gateway and by the key of one: all three the same unless told."""
    return topic(to, "report"), report.sign(claims(about or to, sequence, **more), KEYS[by or to])


def states(to: str, kind: str, by: str = "", **fields: Any) -> tuple[str, bytes]:
    """A statement on a gateway's topic."""
    return topic(to, "statement"), statement.sign(
        Statement(kind=kind, asserted_at=now(), fields=fields), KEYS[by or to]
    )


def headed(header: dict[int, Any], by: str) -> tuple[str, bytes]:
    """A report of the gateway at home with a header of one's own, signed with a key of one's own."""
    good = cose.parse(reports(HOME, 50)[1], report.MESSAGE_TYPE)
    payload = good.unverified_payload or b""
    protected = cbor.encode({1: -19, 4: KEYS[HOME].public.id, 16: report.MESSAGE_TYPE, **header})
    signature = KEYS[by].sign(cose.sig_structure(protected, payload))
    return topic(HOME, "report"), cose.envelope(protected, {}, payload, signature)


def enrols() -> tuple[str, bytes]:
    """An enrolment of a stranger, by a code that nobody gave out."""
    code = EnrolmentCode(
        host="127.0.0.1", port=1, tls=False, log="00" * 16, collector=KEYS[HOME].public.data, secret=bytes(16)
    )
    return topic(STRANGER, "statement"), sign_enrolment(
        gateway=STRANGER, key=KEYS[STRANGER], code=code, asserted_at=now()
    )


def succeeds() -> tuple[str, bytes]:
    """A key that takes over a neighbour's gateway."""
    data = sign_succession(gateway=HOME, old=KEYS[NEIGHBOUR], new=KEYS[STRANGER], asserted_at=now())
    return topic(NEIGHBOUR, "statement"), data


def with_a_wrong_shard() -> tuple[str, bytes]:
    to, data = reports(HOME, 60)
    return to.replace("/a0/", "/ff/"), data


ATTACKS: dict[str, tuple[Attack, str]] = {
    "a copy of the gateway that uses a number again": (lambda: reports(HOME, 1, version="6.6"), "sequence"),
    "a gateway's report on another's topic": (lambda: reports(NEIGHBOUR, 2, about=HOME, by=HOME), "key"),
    "a report about another gateway on its own topic": (lambda: reports(HOME, 2, about=NEIGHBOUR), "topic"),
    "a report in another's shard": (with_a_wrong_shard, "topic"),
    "a report under a stolen key id": (lambda: headed({}, by=STRANGER), "signature"),
    "a report under a downgraded algorithm": (lambda: headed({1: -8}, by=HOME), "algorithm"),
    "a report from the future": (lambda: reports(HOME, 3, ahead_s=3600), "freshness"),
    "a report under a revoked key": (lambda: reports(REVOKED, 1), "key"),
    "a statement in another household's name": (lambda: states(HOME, "answer", by=NEIGHBOUR), "key"),
    "a release that a household states": (
        lambda: states(HOME, "release", model="acme/bulb", version="2.0", released="2026-11-01"),
        "statement_issuer",
    ),
    "a sale of a neighbour's device": (
        lambda: states(NEIGHBOUR, "sale", device="11" * 16, seller="noordlicht"),
        "statement_device",
    ),
    "a fact that only the register makes": (lambda: states(HOME, "party", party="seller:x"), "statement_kind"),
    "an enrolment by a code that nobody gave out": (enrols, "enrolment"),
    "a key that takes over another's gateway": (succeeds, "statement_field"),
}


class Collector:
    """A collector's process with its own broker, and what its operator sees."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "collector.toml"
        self._config.write_text(f'state_dir = "{folder}/state"\n[broker]\nport = 0\n[web]\nport = 0\n')
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "collector", "--config", self._config, "run"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self._web, self._port = said["web"], int(said["broker"].rpartition(":")[2])

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=WITHIN_S)
        self._log.close()

    def command(self, *arguments: str, accepting: Collection[int] = (os.EX_OK,)) -> str:
        """One command of the operator's, in this process: it works on the same files."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert main(["--config", str(self._config), *arguments]) in accepting
        return said.getvalue()

    def enrol(self, gateway: str) -> None:
        self.command("gateways", "enrol", gateway, KEYS[gateway].public.data.hex())

    def status(self) -> dict[str, Any]:
        """What is counted; a collector that is busy may not answer in time."""
        return dict(json.loads(self.command("status", "--json", accepting=(os.EX_OK, os.EX_UNAVAILABLE))))

    def come_to_rest(self) -> dict[str, Any]:
        """Wait until all has followed from what came; its status then."""
        return dict(self.until(lambda: is_at_rest(status := self.status()) and status))

    def page(self, path: str) -> str:
        with urllib.request.urlopen(self._web + path, timeout=WITHIN_S) as answer:
            return str(answer.read().decode())

    def items(self, path: str) -> list[dict[str, Any]]:
        return list(json.loads(self.page(f"api/v1/{path}"))["items"])

    def send(self, *messages: tuple[str, bytes]) -> None:
        """Let messages come over MQTT; returns when the broker has them."""

        async def publish() -> None:
            async with aiomqtt.Client("127.0.0.1", self._port, timeout=WITHIN_S) as client:
                for to, data in messages:
                    await client.publish(to, data, qos=1)

        asyncio.run(publish())

    def until(self, condition: Callable[[], Any]) -> Any:
        """What the condition gives once it holds."""
        deadline = time.monotonic() + WITHIN_S
        while not (found := condition()):
            assert time.monotonic() < deadline, "did not come true"
            time.sleep(0.05)
        return found

    def numbers(self, gateway: str) -> int:
        """The last number of a gateway."""
        return next(int(item["last_sequence"]) for item in self.items("gateways") if item["gateway"] == gateway)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    running = Collector(tmp_path_factory.mktemp("collector"))
    try:
        for gateway in (HOME, NEIGHBOUR, REVOKED, TWICE):
            running.enrol(gateway)
        running.command("gateways", "revoke", REVOKED)
        running.send(reports(HOME, 1))
        running.until(lambda: running.numbers(HOME) == 1)
        yield running
    finally:
        running.end()


@dataclass
class Attacked:
    """What was sent, and what the operator's `status` said before it came and when all had followed from it."""

    sent: dict[str, tuple[str, str]]
    before: dict[str, Any]
    after: dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def attacked(collector: Collector) -> Attacked:
    """All attacks, at once, before anything else."""
    before = collector.come_to_rest()
    messages = {name: attack() for name, (attack, _) in ATTACKS.items()}
    sent = {name: (to, hashlib.sha256(data).hexdigest()) for name, (to, data) in messages.items()}
    collector.send(*messages.values())
    digests = {digest for _, digest in sent.values()}
    collector.until(lambda: digests <= {item["digest"] for item in collector.items("rejected")})
    return Attacked(sent, before, collector.come_to_rest())


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_reason(collector: Collector, attacked: Attacked, name: str) -> None:
    """The API lists it under that reason and no other, and so does the operator's page."""
    reason, (to, digest) = ATTACKS[name][1], attacked.sent[name]
    (found,) = (item for item in collector.items("rejected") if item["digest"] == digest)
    assert (found["reason"], found["topic"]) == (reason, to)
    assert digest in collector.page(f"rejected?reason={reason}")


def test_attacks_are_counted_and_change_nothing(attacked: Attacked) -> None:
    """`status` counts each reason, and nothing else has become more."""
    assert attacked.before["rejected"] == {}
    assert attacked.after["rejected"] == Counter(reason for _, reason in ATTACKS.values())
    assert attacked.before["devices"] > 0
    unchanged = ("reports", "statements", "devices", "log_size", "pending", "gateways")
    assert {key: attacked.after[key] for key in unchanged} == {key: attacked.before[key] for key in unchanged}


def test_a_replay_changes_nothing(collector: Collector) -> None:
    """The same bytes again are stored once and are no offence; on another topic they are."""
    data = reports(NEIGHBOUR, 1)
    collector.send(data)
    collector.until(lambda: collector.numbers(NEIGHBOUR) == 1)
    refused = collector.items("rejected")
    collector.send(data, data, reports(NEIGHBOUR, 2))
    collector.until(lambda: collector.numbers(NEIGHBOUR) == 2)
    assert collector.items("rejected") == refused
    collector.come_to_rest()
    assert f"{NEIGHBOUR}  1 devices" in collector.command("gateways", "list")


def test_two_gateways_with_one_key_are_shown(collector: Collector) -> None:
    """Each goes on from the number that the other has used: once may be an old backup, again and again is a copy."""
    for number in (1, 2, 3):
        collector.send(reports(TWICE, number, version="1.0"))
        collector.until(lambda number=number: collector.numbers(TWICE) == number)  # type: ignore[misc]
        collector.send(reports(TWICE, number, version="6.6"))
    collector.until(lambda: collector.status()["conflicting"].get(TWICE) == 3)
    (item,) = (item for item in collector.items("gateways") if item["gateway"] == TWICE)
    assert (item["conflicts"], item["last_sequence"]) == (3, 3)
    assert "3 reports under used numbers: perhaps two gateways with one key" in collector.page("gateways?lang=en")
    assert "3 under used numbers" in collector.command("gateways", "list")
    assert f"{TWICE} 3" in collector.command("status")


def test_a_gateway_that_is_revoked_is_heard_no_more(collector: Collector) -> None:
    """Neither under a new number nor a late one; the operator is told what is taken back."""
    collector.enrol(STRANGER)
    collector.send(reports(STRANGER, 1))
    collector.until(lambda: collector.numbers(STRANGER) == 1)
    said = collector.command("gateways", "revoke", STRANGER, "--at", "2026-01-01T00:00:00Z")
    assert "1 reports that came since then count no more" in said
    late = [reports(STRANGER, number) for number in (2, 3)]
    digests = {hashlib.sha256(data).hexdigest() for _, data in late}
    collector.send(*late)
    collector.until(lambda: digests <= {item["digest"] for item in collector.items("rejected?reason=key")})
    assert collector.numbers(STRANGER) == 1
