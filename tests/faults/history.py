"""What happened, gathered from everybody who knows a part of it.

- The wires: every report that an agent sent, every receipt and refusal that was on its way to one. They remember what
  either side may have forgotten.
- The gateways: their own files, each answer checked against the collector's key.
- The collector: its log, its reports, what it rejected, and what it hands to its judge; and the findings of its audit.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from agent import archive, spool
from agent.answers import Answer, open_answer
from agent.enrolment import load as load_enrolment
from agent.state import load as load_state
from collector.appraisal import policies
from collector.catalogue.facts import facts_for
from collector.config import load as load_config
from collector.store import audited
from collector.store.database import open_engine, reading
from collector.store.schema import devices, leaves, logs, rejected, statements
from collector.transparency.log import genesis
from evidence import cose, report
from evidence.errors import EvidenceError
from evidence.ids import parse_topic
from evidence.receipt import Receipt, Refusal
from tests.faults.gateway import Gateway
from tests.faults.world import World
from tests.world.processes import command

_FOREVER = 2**40  # later than any clock that jumped
_PAGE = 500


class Report(NamedTuple):
    """A signed report; `digest` is that of its bytes, hex."""

    gateway: str
    sequence: int
    digest: str


@dataclass(slots=True)
class History:
    """A run.

    Attributes:
        last: The highest number that each gateway says it has signed.
        signed: Every report that was seen anywhere on its gateway's side.
        receipted: Where in the log each report is, by digest, as any receipt for it said.
        filed: Digests of reports that a gateway holds a receipt for.
        refused: Digests of messages for which anybody has seen a signed refusal.
        waiting: Digests in a spool.
        given_up: What spools let go by their own rules, by gateway and cause.
        leaves: The log, in order.
        known: Digests of what else may be in the log: the genesis entry and statements.
        recorded: Reports in the register, each row with its leaf.
        rejected: Digests of what the collector rejected.
        judged: Device and report of each fact that is not marked as rejected.
        claims_of_rejected: Devices that the judge was told a rejected report's claims about.
        findings: Of the audit, in words.
        stumbles: What went wrong with a process, in words.
    """

    last: dict[str, int] = field(default_factory=dict)
    signed: set[Report] = field(default_factory=set)
    receipted: dict[str, set[int]] = field(default_factory=dict)
    filed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    given_up: dict[str, int] = field(default_factory=dict)
    leaves: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    recorded: list[tuple[Report, int]] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)
    judged: set[tuple[str, str]] = field(default_factory=set)
    claims_of_rejected: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    stumbles: list[str] = field(default_factory=list)


class Witness:
    """Remembers what passed on the gateways' wires, each message once."""

    def __init__(self) -> None:
        self.reports: set[Report] = set()
        self.answers: set[tuple[str, bytes]] = set()

    def see(self, topic: str, payload: bytes) -> None:
        """Look at one PUBLISH, in either direction."""
        parsed = parse_topic(topic)
        if parsed is None:
            return
        gateway, leaf = parsed
        if leaf == "report":
            self.reports.add(_report(gateway, payload))
        elif leaf == "receipt":
            self.answers.add((gateway, payload))


async def gather(world: World, witness: Witness) -> History:
    """The history of a world in which nothing runs any more.

    Args:
        world: That world.
        witness: Who was at its gateways' wires.
    """
    history = History(signed=set(witness.reports), stumbles=list(world.stumbles))
    for gateway in world.gateways:
        _look_at(gateway, witness, history)
    await _look_into(world.config, history)
    audit = await command("collector", "--config", str(world.config), "audit", "--json", accepting=(0, os.EX_DATAERR))
    history.findings = [json.dumps(finding) for finding in json.loads(audit)["listed"]]
    for unit, code, count in world.ended():
        if code != os.EX_IOERR:  # its disk was full when it began
            history.stumbles.append(f"{unit.log} ended by itself with {code}, {count} times")
    for unit in world.units:
        if "Traceback" in unit.log.read_text(errors="replace"):
            history.stumbles.append(f"a traceback in {unit.log}")
    return history


def _look_at(gateway: Gateway, witness: Witness, history: History) -> None:
    name, state_dir = gateway.name, gateway.state_dir
    history.last[name] = load_state(state_dir).sequence
    for entry in spool.waiting(state_dir):
        history.waiting.add(entry.digest)
        if entry.leaf == "report":
            history.signed.add(Report(name, entry.sequence, entry.digest))
    answers = [payload for to, payload in witness.answers if to == name]
    for box, suffix in ((spool.KEPT, ".receipt"), (spool.REFUSED, ".refusal")):
        for item in archive.answered(state_dir / box):
            answer = item.path.with_suffix(suffix).read_bytes()
            answers.append(answer)
            if item.leaf != "report" or archive.read(item.path, item.digest) is None:
                continue  # a statement, or a file that is not what was signed: as good as lost
            history.signed.add(Report(name, item.sequence, item.digest))
            receipt = _open(gateway, answer)
            if box == spool.KEPT and isinstance(receipt, Receipt) and receipt.digest.hex() == item.digest:
                history.filed.add(item.digest)
    for answer in answers:
        _hear(gateway, answer, history)
    for cause, count in spool.losses(state_dir).items():
        history.given_up[f"{name} {cause}"] = count


def _hear(gateway: Gateway, answer: bytes, history: History) -> None:
    match _open(gateway, answer):
        case Receipt(digest=digest, index=index):
            history.receipted.setdefault(digest.hex(), set()).add(index)
        case Refusal(digest=digest):
            history.refused.add(digest.hex())


def _open(gateway: Gateway, answer: bytes) -> Answer | None:
    """What the collector answered; None where it did not."""
    enrolment = load_enrolment(gateway.state_dir)
    if enrolment is None:
        return None
    try:
        return open_answer("receipt", answer, key=enrolment.key, log=enrolment.log, gateway=gateway.name)
    except EvidenceError:
        return None


async def _look_into(config: Path, history: History) -> None:
    settings = load_config(str(config))
    policy = policies.shipped(settings.policy)
    engine = await open_engine(settings.register_path)
    try:
        async with reading(engine) as connection:
            log = (await connection.execute(sa.select(logs.c.log))).scalar_one()
            history.known = {genesis(log), *await connection.scalars(sa.select(statements.c.digest))}
            history.leaves = list(await connection.scalars(sa.select(leaves.c.digest).order_by(leaves.c.index)))
            history.recorded = await _recorded(connection, len(history.leaves))
            history.rejected = set(await connection.scalars(sa.select(rejected.c.digest)))
            for gateway, device in (await connection.execute(sa.select(devices.c.gateway, devices.c.device))).all():
                facts = await facts_for(connection, gateway, device, policy, known=_FOREVER)
                for fact in facts:
                    _judged(f"{gateway}/{device}", fact, history)
    finally:
        await engine.dispose()


async def _recorded(connection: AsyncConnection, size: int) -> list[tuple[Report, int]]:
    """The reports by their bytes, which alone say what was signed."""
    found = []
    for first in range(0, size, _PAGE):
        for leaf, row in (await audited.stored(connection, first, first + _PAGE)).items():
            if row.gateway is not None and row.sequence is not None and row.body is not None:
                found.append((Report(row.gateway, row.sequence, hashlib.sha256(row.body).hexdigest()), leaf))
    return found


def _judged(device: str, fact: dict[str, Any], history: History) -> None:
    if fact["kind"] != "report":
        return
    if "rejected" not in fact:
        history.judged.add((device, fact["id"]))
    elif fact["ids"] or "version_raw" in fact:
        history.claims_of_rejected.add(device)


def _report(gateway: str, payload: bytes) -> Report:
    made = report.decode(cose.parse(payload, report.MESSAGE_TYPE).unverified_payload or b"")
    return Report(gateway, made.sequence, hashlib.sha256(payload).hexdigest())


def tallied(history: History) -> Iterator[tuple[str, int]]:
    """The figures of a history."""
    signed = {made.digest for made in history.signed}
    yield "signed", len(signed)
    yield "receipted", len(signed & history.filed)
    yield "refused", len(signed & history.refused)
    yield "in the spool", len(signed & history.waiting)
    yield "before the judge", len({digest for _, digest in history.judged})
