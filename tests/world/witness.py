"""A small collector for the tests of the agent: a real log that gives real receipts, and remembers what came.

It knows one gateway by its enrolment, keeps every message in the order of arrival, and can be told to stay silent, to
refuse, or to ask.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from agent.mqtt import Client
from evidence import cose, merkle, receipt, report, statement
from evidence.enrolment import Enrolment, EnrolmentCode, format_code, open_enrolment, proves
from evidence.errors import EvidenceError
from evidence.ids import parse_topic, topic
from evidence.keys import PublicKey, SigningKey
from evidence.receipt import Earlier, Refusal, Request
from evidence.report import Report
from evidence.statement import Statement

WITHIN_S = 60.0


class Witness:
    """A collector at a broker's port.

    Attributes:
        messages: Every message as it came, repeats included: leaf and bytes.
        reports: Each report once, in the order of arrival.
        statements: Each statement once, the enrolment apart.
        enrolment: Of the gateway, once it has come.
        used: The secret of the code has been used, so it refuses to enrol.
        silent: Take messages and answer none.
        refuse: A reason to refuse the next report for, however often it comes.
        listening: Set while it is connected and has subscribed.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.key = SigningKey(secrets.token_bytes(32))
        self.log = secrets.token_hex(16)
        self.secret = secrets.token_bytes(16)
        self.messages: list[tuple[str, bytes]] = []
        self.reports: list[Report] = []
        self.statements: list[Statement] = []
        self.enrolment: Enrolment | None = None
        self.used = False
        self.silent = False
        self.refuse: str | None = None
        self.last_sequence = 0
        self.listening = asyncio.Event()
        self._leaves = [hashlib.sha256(bytes.fromhex(self.log)).digest()]
        self._refused: dict[bytes, str] = {}
        self._restored: int | None = None
        self._client: Client | None = None

    def code(self, port: int | None = None) -> str:
        """An enrolment code of this collector."""
        return format_code(
            EnrolmentCode(
                host="127.0.0.1",
                port=port or self.port,
                tls=False,
                log=self.log,
                collector=self.key.public.data,
                secret=self.secret,
            )
        )

    async def serve(self) -> None:
        """Answer for ever, through every loss of the broker."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with Client(
                    "127.0.0.1", self.port, identifier="witness", clean_session=False, timeout=WITHIN_S
                ) as client:
                    await client.subscribe([("updateplicht/1/+/+/report", 1), ("updateplicht/1/+/+/statement", 1)])
                    self._client = client
                    self.listening.set()
                    async for message in client.messages:
                        await self._take(client, message.topic.value, message.payload)
            self.listening.clear()
            self._client = None
            await asyncio.sleep(0.05)

    async def send(self, gateway: str, leaf: str, data: bytes) -> None:
        """Publish anything to the gateway."""
        assert self._client is not None
        await self._client.publish(topic(gateway, leaf), data, qos=1)

    async def request(self, gateway: str, *, whole: bool = False, missing: tuple[tuple[int, int], ...] = ()) -> None:
        """Ask the gateway for something."""
        asked = Request(log=self.log, gateway=gateway, requested_at=int(time.time()), whole=whole, missing=missing)
        await self.send(gateway, "request", receipt.sign_request(asked, self.key))

    def receipt(self, data: bytes) -> bytes:
        """A receipt for a message, which is appended to the log unless it is there."""
        digest = hashlib.sha256(data).digest()
        if digest not in self._leaves:
            self._leaves.append(digest)
        index = self._leaves.index(digest)
        hashes = [merkle.leaf_hash(leaf) for leaf in self._leaves]
        head = receipt.sign_head(
            log=self.log, size=len(hashes), root=_root(hashes), signed_at=int(time.time()), key=self.key
        )
        return receipt.encode_receipt(head, digest, index, _path(index, hashes), self._earlier(data, hashes))

    def forget(self, count: int) -> None:
        """Lose the newest leaves, as a collector does that is restored from a backup."""
        del self._leaves[-count:]
        self._restored = len(self._leaves)
        self.reports.clear()
        self.statements.clear()

    def _earlier(self, data: bytes, hashes: list[bytes]) -> Earlier | None:
        try:
            seen = report.decode(cose.parse(data, report.MESSAGE_TYPE).unverified_payload or b"").head
        except EvidenceError:
            return None
        size = self._restored if seen is None or seen.size > len(hashes) else seen.size
        if seen is None or seen.log != self.log or size is None:
            return None
        return Earlier(size=size, root=_root(hashes[:size]), path=tuple(_growth(size, hashes, whole=True)))

    async def _take(self, client: Client, name: str, payload: object) -> None:
        parsed = parse_topic(name)
        assert parsed is not None
        assert isinstance(payload, bytes)
        gateway, leaf = parsed
        self.messages.append((leaf, payload))
        if self.silent:
            return
        reason = self._reason_to_refuse(leaf, payload)
        if reason is not None:
            await client.publish(topic(gateway, "receipt"), self._refusal(gateway, payload, reason), qos=1)
            return
        if hashlib.sha256(payload).digest() not in self._leaves:
            self._accept(leaf, payload)
        await client.publish(topic(gateway, "receipt"), self.receipt(payload), qos=1)

    def _reason_to_refuse(self, leaf: str, data: bytes) -> str | None:
        if leaf == "statement" and self.used:
            return "enrolment"
        digest = hashlib.sha256(data).digest()
        if leaf != "report" or digest in self._leaves:
            return None
        if digest in self._refused:
            return self._refused[digest]
        reason, self.refuse = self.refuse, None
        if reason is None and self._open(data).sequence in [made.sequence for made in self.reports]:
            reason = "sequence"
        if reason is not None:
            self._refused[digest] = reason
        return reason

    def _open(self, data: bytes) -> Report:
        return report.decode(cose.parse(data, report.MESSAGE_TYPE).verify(self._gateway_key()))

    def _refusal(self, gateway: str, data: bytes, reason: str) -> bytes:
        refusal = Refusal(
            log=self.log,
            gateway=gateway,
            digest=hashlib.sha256(data).digest(),
            reason=reason,
            last_sequence=self.last_sequence,
            refused_at=int(time.time()),
        )
        return receipt.sign_refusal(refusal, self.key)

    def _accept(self, leaf: str, data: bytes) -> None:
        if leaf == "report":
            made = self._open(data)
            self.reports.append(made)
            self.last_sequence = max(self.last_sequence, made.sequence)
            return
        made_by = cose.parse(data, statement.MESSAGE_TYPE)
        stated = statement.decode(made_by.unverified_payload or b"")
        if stated.kind == "enrolment":
            enrolment = open_enrolment(data)
            assert proves(enrolment, self.secret)
            self.enrolment = enrolment
        else:
            made_by.verify(self._gateway_key())
            self.statements.append(stated)

    def _gateway_key(self) -> PublicKey:
        assert self.enrolment is not None
        return PublicKey(self.enrolment.key)


@asynccontextmanager
async def witness(port: int) -> AsyncIterator[Witness]:
    """A collector at a broker for the length of a block."""
    collector = Witness(port)
    task = asyncio.create_task(collector.serve(), name="witness")
    try:
        async with asyncio.timeout(WITHIN_S):
            await collector.listening.wait()
        yield collector
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _root(hashes: list[bytes]) -> bytes:
    """The root of a tree (RFC 9162 section 2.1.1)."""
    if len(hashes) == 1:
        return hashes[0]
    split = _split(len(hashes))
    return merkle.node_hash(_root(hashes[:split]), _root(hashes[split:]))


def _path(index: int, hashes: list[bytes]) -> list[bytes]:
    """The inclusion proof of a leaf (section 2.1.3.1)."""
    if len(hashes) == 1:
        return []
    split = _split(len(hashes))
    if index < split:
        return [*_path(index, hashes[:split]), _root(hashes[split:])]
    return [*_path(index - split, hashes[split:]), _root(hashes[:split])]


def _growth(size: int, hashes: list[bytes], *, whole: bool) -> list[bytes]:
    """The consistency proof from the tree of `size` (section 2.1.4.1)."""
    if size == len(hashes):
        return [] if whole else [_root(hashes)]
    split = _split(len(hashes))
    if size <= split:
        return [*_growth(size, hashes[:split], whole=whole), _root(hashes[split:])]
    return [*_growth(size - split, hashes[split:], whole=False), _root(hashes[:split])]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1
